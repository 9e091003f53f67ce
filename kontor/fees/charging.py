"""Charge every due period once, dated with its own days; change the plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.account_book import service as account_book
from kontor.context import Context
from kontor.fees import queries
from kontor.fees.catalogue import DiscountPercents, Price, price_of
from kontor.fees.fee_events import emit_created, emit_subscriptions
from kontor.fees.queries import NewCharge, RunOwner
from kontor.fees.rules import Bill, BillingRun, FeeAmounts, bill, discounted_fee
from kontor.kernel.ids import new_id
from kontor.kernel.periods import Period
from kontor.programme.model import Programme
from kontor.programme.versions import DatedProgramme, Versions
from kontor.usage import quotas, trials
from models.accounts import Account
from models.fees import FeeKind, FeeRun, StopReason


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """A price and the version that has it."""

    dated: DatedProgramme
    price: Price


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """What a period is charged at a payer's discount; `how` it was computed, but for the payer."""

    period: Period
    cost: FeeAmounts
    percent: Decimal
    how: Mapping[str, JsonValue]


def charge_terms(priced: DatedPrice, percent: Decimal, period: Period, anchor: date) -> ChargeTerms:
    """Price a period of a run."""
    how: dict[str, JsonValue] = {
        "version": priced.dated.number,
        "list": {**priced.price.fee.to_document()},
        "fee": priced.price.source,
        "percent": f"{percent.normalize():f}",
        "family": priced.price.family,
        "as_of": period.start.isoformat(),
        "anchor": anchor.isoformat(),
        "rounding": "half up",
    }
    return ChargeTerms(period, discounted_fee(priced.price.fee, percent), percent, how)


@dataclass(slots=True)
class Billing:
    """One round of charging for one programme on one local day.

    A period is priced by the version in force when its first day began, with that version's discount of that day;
    `starting`: by the version of this instant, for what is taken now (programme.md 7.5).
    """

    ctx: Context
    session: Session
    code: str
    programme: Programme
    today: date
    percents: DiscountPercents
    versions: Versions
    starting: bool = False
    made: list[NewCharge] = field(default_factory=list)
    plans: dict[UUID, str] = field(default_factory=dict)
    percents_of: dict[int, DiscountPercents] = field(default_factory=dict)

    @classmethod
    def of(cls, ctx: Context, session: Session, code: str, *, starting: bool = False) -> Billing:
        """Start a round for a programme on its current local day."""
        programme = ctx.programmes.current(session, code)
        percents = DiscountPercents(session, programme)
        versions = Versions(ctx.programmes, session, code)
        return cls(ctx, session, code, programme, ctx.today(programme.zone), percents, versions, starting)

    def charge(self, due: Sequence[FeeRun], holders: Mapping[UUID, RunOwner]) -> int:
        """Charge locked runs of locked accounts up to today and end finished runs; return the number of charges."""
        while due:
            bills = {
                run.id: bill(BillingRun(run.anchor, run.since, run.until), run.next_start, self.today) for run in due
            }
            self.prefetch(
                (holders[run.account_id].reseller_id, period.start)
                for run in due
                if run.kind == FeeKind.PRODUCT
                for period in bills[run.id].due
            )
            ended = [self._charge_run(run, holders[run.account_id], bills[run.id]) for run in due]
            successors = [successor for successor in ended if successor is not None]
            self.session.flush()
            self.session.add_all(successors)
            due = successors
        self.session.flush()
        written = queries.add(self.session, self.made)
        new = [charge for charge in self.made if charge.id in written]
        emit_created(self.ctx, self.session, self.code, new)
        self.check_balances(charge.reseller_id for charge in new)
        for account_id, plan in self.plans.items():
            if set_plan(self.ctx, self.session, self.programme, account_id, plan):
                emit_subscriptions(self.ctx, self.session, [account_id])
        return len(new)

    def check_balances(self, payers: Iterable[UUID | None]) -> None:
        """Check the balances of the resellers that were charged; None: an account that pays itself."""
        resellers = {payer for payer in payers if payer is not None}
        account_book.check_balances(self.ctx, self.session, self.programme, resellers)

    def _dated(self, day: date) -> DatedProgramme:
        """Return the version by which a period that begins on a local day is priced."""
        return self.versions.at(self.ctx.now) if self.starting else self.versions.at_start(day)

    def _percents(self, dated: DatedProgramme) -> DiscountPercents:
        percents = self.percents_of.get(dated.number)
        if percents is None:
            percents = self.percents_of[dated.number] = DiscountPercents(self.session, dated.programme)
        return percents

    def prefetch(self, pairs: Iterable[tuple[UUID | None, date]]) -> None:
        """Query the discounts of payers on the first days of periods of products, with one query per version."""
        days: dict[int, set[tuple[UUID | None, date]]] = defaultdict(set)
        for payer, day in pairs:
            dated = self._dated(day)
            self._percents(dated)
            days[dated.number].add((payer, day))
        for number, of_version in days.items():
            self.percents_of[number].prefetch(of_version)

    def price(self, kind: FeeKind, code: str, day: date) -> DatedPrice | None:
        """Return the price of a period that begins on a day; None when it is not sold then."""
        dated = self._dated(day)
        price = price_of(dated.programme, kind, code)
        return None if price is None else DatedPrice(dated, price)

    def percent(self, payer: UUID | None, priced: DatedPrice, day: date) -> Decimal:
        """Return a payer's discount on a period that begins on a day."""
        return self._percents(priced.dated).of(payer, priced.price.family, day)

    def _charge_run(self, run: FeeRun, holder: RunOwner, run_bill: Bill) -> FeeRun | None:
        """Charge one run; return its successor when it ends with a follow-up plan."""
        for period in run_bill.due:
            priced = self.price(FeeKind(run.kind), run.code, period.start)
            if priced is None:
                run.next_start = period.start
                self._stop_unsold(run)
                return None
            percent = self.percent(holder.reseller_id, priced, period.start)
            self._write(run, holder, charge_terms(priced, percent, period, run.anchor))
        run.next_start = run_bill.next_start
        return self._end(run, holder) if run_bill.over else None

    def _write(self, run: FeeRun, holder: RunOwner, terms: ChargeTerms) -> None:
        run.monthly = terms.cost.total.amount
        payer = holder.reseller_id
        self.made.append(
            NewCharge(
                id=new_id(),
                run_id=run.id,
                programme=self.code,
                account_id=run.account_id,
                reseller_id=payer,
                kind=run.kind,
                product=run.code,
                period_start=terms.period.start,
                period_end=terms.period.end,
                currency=terms.cost.fee.currency,
                fee=terms.cost.fee.amount,
                percent=terms.percent,
                discount=terms.cost.discount.amount,
                total=terms.cost.total.amount,
                how={**terms.how, "discount_of": None if payer is None else str(payer)},
                created_at=self.ctx.now,
            )
        )

    def _stop_unsold(self, run: FeeRun) -> None:
        """End a run that is no longer sold with its last paid period."""
        run.stopped_by, run.ended, run.then_plan = StopReason.NOT_SOLD.value, True, None
        run.until = run.next_start if run.next_start > run.since else None
        self._back_to_free(run)

    def _end(self, run: FeeRun, holder: RunOwner) -> FeeRun | None:
        run.ended = True
        plan = run.then_plan
        if plan is None or not holder.active or not self._sold(run, plan):
            self._back_to_free(run)
            return None
        self.plans[run.account_id] = plan
        return follow_up_run(run, plan, self.ctx)

    def _sold(self, run: FeeRun, plan: str) -> bool:
        """Whether the plan that follows a run is sold on the day on which it begins."""
        assert run.until is not None
        return price_of(self.versions.at_start(run.until).programme, FeeKind.PLAN, plan) is not None

    def _back_to_free(self, run: FeeRun) -> None:
        if run.kind == FeeKind.PLAN:
            self.plans[run.account_id] = self.programme.free_plan.code


def follow_up_run(run: FeeRun, plan: str, ctx: Context) -> FeeRun:
    """Build the run of a follow-up plan; it keeps the anchor, so that the 31st is used again."""
    assert run.until is not None
    return FeeRun(
        id=new_id(),
        programme=run.programme,
        account_id=run.account_id,
        kind=FeeKind.PLAN.value,
        code=plan,
        anchor=run.anchor,
        since=run.until,
        next_start=run.until,
        ended=False,
        created_at=ctx.now,
    )


def set_plan(ctx: Context, session: Session, programme: Programme, account_id: UUID, plan: str) -> bool:
    """Set the plan of a locked account and check its usage against the new limits; return whether it is another."""
    account = session.get_one(Account, account_id, populate_existing=True)
    if account.plan == plan:
        return False
    account.plan = plan
    session.flush()
    quotas.check_thresholds(session, ctx.jobs, programme, account, ctx.now)
    return True


def convert_trial(ctx: Context, session: Session, account: Account) -> None:
    """End the trial of a locked account that took a paid plan."""
    trials.convert(session, ctx.jobs, account, ctx.now)
