"""Charge a range of due runs in sets: prices and periods once for all runs that are charged alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import repeat

from kontor.fees import queries, set_queries
from kontor.fees.charging import Billing, ChargeTerms, DatedPrice, charge_terms
from kontor.fees.fee_events import terms_data
from kontor.fees.queries import RunPosition
from kontor.fees.rules import BillingRun, bill
from kontor.fees.set_queries import LockedRuns, RunGroup, TermsRow
from kontor.kernel.periods import Period
from kontor.webhooks import events
from models.fees import FeeKind


def charge_range(billing: Billing, first: RunPosition, before: RunPosition | None) -> int:
    """Charge the runs still due from `first` to before `before`; return the number of charges.

    Runs that end, or whose plan or product is not sold on a due day, are charged one by one.
    """
    runs = set_queries.lock_range(billing.session, billing.code, billing.today, first, before)
    if runs is None:
        return 0
    table = TermsTable(billing)
    groups = set_queries.groups(billing.session, runs)
    billing.prefetch(
        (group.payer, period.start) for group in groups if group.kind == FeeKind.PRODUCT for period in table.due(group)
    )
    priced = [(group, number) for group in groups if (number := table.number(group)) is not None]
    charged = _charge_alike(billing, runs, priced, table) if priced else 0
    alike = sum(group.size for group, _ in priced)
    return charged if alike == runs.count else charged + _charge_one_by_one(billing, runs)


def _charge_alike(billing: Billing, runs: LockedRuns, priced: Sequence[tuple[RunGroup, int]], table: TermsTable) -> int:
    """Charge the runs of priced groups, and emit the events."""
    events.hold_feed(billing.session)
    written = set_queries.write(billing.session, runs, priced, table.rows, billing.ctx.now)
    events.fan_out(billing.session, billing.ctx.jobs, written)
    billing.check_balances(group.payer for group, _ in priced)
    return len(written)


def _charge_one_by_one(billing: Billing, runs: LockedRuns) -> int:
    """Charge what the sets left over."""
    rows = set_queries.left_over(billing.session, runs)
    payers = {reseller for _, _, reseller in rows if reseller is not None}
    owners = queries.lock_accounts(billing.session, {account for _, account, _ in rows}, payers)
    due = queries.lock_due(billing.session, {run for run, _, _ in rows}, billing.today)
    return billing.charge(due, owners)


TermsKey = tuple[str, str, date, date | None, date, tuple[Decimal, ...]]
"""Kind, code, anchor, end, first day due, and the discount of each period due."""


@dataclass(slots=True)
class TermsTable:
    """The terms of groups of runs, each computed once and numbered."""

    billing: Billing
    rows: list[TermsRow] = field(default_factory=list)
    numbers: dict[TermsKey, int] = field(default_factory=dict)
    periods: dict[tuple[date, date | None, date], tuple[Period, ...]] = field(default_factory=dict)
    prices: dict[tuple[str, str, date], DatedPrice | None] = field(default_factory=dict)

    def due(self, group: RunGroup) -> tuple[Period, ...]:
        """Return the periods to charge, oldest first."""
        key = (group.anchor, group.until, group.next_start)
        if key not in self.periods:
            run = BillingRun(group.anchor, group.next_start, group.until)
            self.periods[key] = bill(run, group.next_start, self.billing.today).due
        return self.periods[key]

    def number(self, group: RunGroup) -> int | None:
        """Return the number of a group's terms; None when a period due is not sold."""
        periods = self.due(group)
        prices = [self._price(group, period) for period in periods]
        priced = [price for price in prices if price is not None]
        if len(priced) < len(periods):
            return None
        percents = tuple(
            self.billing.percent(group.payer, price, period.start)
            for price, period in zip(priced, periods, strict=True)
        )
        key = (group.kind, group.code, group.anchor, group.until, group.next_start, percents)
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.numbers)
            terms = map(charge_terms, priced, percents, periods, repeat(group.anchor))
            self.rows.extend(_row(number, group, each, last=each.period == periods[-1]) for each in terms)
        return number

    def _price(self, group: RunGroup, period: Period) -> DatedPrice | None:
        key = (group.kind, group.code, period.start)
        if key not in self.prices:
            self.prices[key] = self.billing.price(FeeKind(group.kind), group.code, period.start)
        return self.prices[key]


def _row(number: int, group: RunGroup, terms: ChargeTerms, *, last: bool) -> TermsRow:
    return TermsRow(
        terms=number,
        last=last,
        period_start=terms.period.start,
        period_end=terms.period.end,
        currency=terms.cost.fee.currency,
        fee=terms.cost.fee.amount,
        percent=terms.percent,
        discount=terms.cost.discount.amount,
        total=terms.cost.total.amount,
        how=dict(terms.how),
        event=terms_data(group.kind, group.code, terms.period, terms.cost),
    )
