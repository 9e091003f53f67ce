"""Recurring fees and paid plans (programme.md 7)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.days import period_around


@dataclass(frozen=True)
class Charge:
    """What is charged for one period. `kind` is plan or product, `code` which."""

    account: str
    kind: str
    code: str
    start: date
    end: date
    fee: Decimal
    discount: Decimal

    @property
    def total(self) -> Decimal:
        """What is to be paid."""
        return self.fee - self.discount


@dataclass
class Running:
    """Something that is paid by the month since `anchor`, until the exclusive end of a paid period.

    `then` is the plan that follows; `deleted` says that only a deletion ends it.
    """

    account: str
    kind: str
    code: str
    anchor: date
    since: date
    until: date | None = None
    then: str | None = None
    deleted: bool = False

    def period(self, day: date) -> tuple[date, date]:
        """The period that holds a day."""
        return period_around(self.anchor, day)

    def is_over(self, day: date) -> bool:
        """Whether it has ended by that day."""
        return self.until is not None and day >= self.until

    def end_with_period(self, day: date) -> None:
        """It was ended on that day: what is paid is kept."""
        if self.until is None:
            self.until = self.period(day)[1]

    def begins_a_period(self, day: date) -> bool:
        """Whether this is the first day of a period that is to be paid."""
        return day >= self.since and not self.is_over(day) and self.period(day)[0] == day


@dataclass
class Plans:
    """The paid plan of one account, with the one that follows."""

    current: Running | None = None

    def on(self, day: date, *, living: bool = True) -> Running | None:
        """What runs on a day; the plan that follows keeps the anchor, and a deleted account has none."""
        now = self.current
        if now is not None and now.is_over(day):
            assert now.until is not None
            after = now.then
            self.current = None
            if after is not None and living:
                self.current = Running(now.account, "plan", after, now.anchor, now.until)
        return self.current

    def take(self, account: str, plan: str, prices: dict[str, Decimal | None], day: date) -> bool:
        """Take a plan; True when a new period begins today."""
        now = self.on(day)
        wanted = prices[plan] or Decimal(0)
        if now is None or (prices[now.code] or Decimal(0)) < wanted:
            self.current = Running(account, "plan", plan, day, day)
            return True
        if now.code == plan:
            now.until = now.then = None
            now.deleted = False
        else:
            now.end_with_period(day)
            now.then = plan
        return False

    def cancel(self, day: date) -> None:
        """It ends with the paid period, and nothing follows."""
        now = self.on(day)
        if now is not None:
            now.end_with_period(day)
            now.then = None
