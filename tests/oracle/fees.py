"""Recurring fees and paid plans (programme.md 7)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.oracle.days import period_around


@dataclass(frozen=True)
class Charge:
    """The charge of one period, or a credit of its unused days. `kind` is plan, product or credit, `code` of what.

    `version`: the number of the file that the period is priced by.
    """

    account: str
    kind: str
    code: str
    start: date
    end: date
    fee: Decimal
    discount: Decimal
    version: int

    @property
    def total(self) -> Decimal:
        """The amount to pay."""
        return self.fee - self.discount


@dataclass
class Running:
    """Something paid monthly since `anchor`, until the exclusive end of a paid period.

    `then` is the plan that follows; `deleted` means that only a deletion ends it. `seller` is the reseller that
    assigned a product, whose it stays.
    """

    account: str
    kind: str
    code: str
    anchor: date
    since: date
    until: date | None = None
    then: str | None = None
    deleted: bool = False
    seller: str | None = None

    def period(self, day: date) -> tuple[date, date]:
        """The period that contains a day."""
        return period_around(self.anchor, day)

    def is_over(self, day: date) -> bool:
        """Whether it has ended by that day."""
        return self.until is not None and day >= self.until

    def end_with_period(self, day: date) -> None:
        """End with the period paid on that day."""
        if self.until is None:
            self.until = self.period(day)[1]

    def begins_a_period(self, day: date) -> bool:
        """Whether this is the first day of a payable period."""
        return day >= self.since and not self.is_over(day) and self.period(day)[0] == day


@dataclass
class Plans:
    """The paid plan of one account, and the one that follows."""

    current: Running | None = None

    def on(self, day: date, *, living: bool = True) -> Running | None:
        """The plan on a day; the following plan keeps the anchor, and a deleted account has none."""
        self.current = self.seen(day, living=living)
        return self.current

    def seen(self, day: date, *, living: bool = True) -> Running | None:
        """The plan on a day, also while nothing has been done about the end of the one before."""
        now = self.current
        if now is None or not now.is_over(day):
            return now
        assert now.until is not None
        return (
            Running(now.account, "plan", now.then, now.anchor, now.until) if now.then is not None and living else None
        )

    def take(
        self, account: str, plan: str, price: Decimal, paid: Decimal | None, day: date, *, first_instant: bool = False
    ) -> bool:
        """Take a plan; returns whether a period begins today. `paid`: the fee of the period that runs."""
        now = self.on(day)
        if now is None:
            self.current = Running(account, "plan", plan, day, day)
            return True
        if now.code == plan:
            now.until = now.then = None
            now.deleted = False
            return False
        if first_instant or (paid is not None and paid < price):
            self.current = Running(account, "plan", plan, now.anchor if first_instant else day, day)
            return True
        now.end_with_period(day)
        now.then = plan
        return False

    def cancel(self, day: date) -> None:
        """End with the paid period, with no plan following."""
        now = self.on(day)
        if now is not None:
            now.end_with_period(day)
            now.then = None
