"""What a programme file would do: computed by the rules of both versions on today's accounts; writes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.discounts.record import tiers_for
from kontor.discounts.rules import percentages
from kontor.fees.catalogue import DiscountPercents
from kontor.kernel.money import Money
from kontor.kernel.states import Threshold
from kontor.programme import consequence_queries as queries
from kontor.programme.diff import ProgrammeChange
from kontor.programme.model import Programme, TurnoverDiscount
from kontor.programme.price_changes import fell_below, price_changes, run_price, shown_to
from kontor.usage.rules import due_threshold, is_read_only
from kontor.usage.service import ChangedLimits, Usage, changed_limits, current_usages, limits
from models.accounts import Account
from models.fees import FeeKind

GUARD_RAIL: Final = Decimal(30)
"""Per cent of the accounts, or of the resellers, that a file may touch without approval."""
GUARD_RAIL_MIN_ACCOUNTS: Final = 100


@dataclass(frozen=True, slots=True)
class PeriodCharges:
    """What all running plans and products cost for one period each, after discount."""

    now: Money
    then: Money


@dataclass(frozen=True, slots=True)
class Consequences:
    """Counts of what a file touches; `mails` by template."""

    over_limit: int
    read_only: int
    mails: Mapping[str, int]
    charges: PeriodCharges
    assignments: int
    offers: int
    templates: int
    trials: int
    tiers_moved: int


@dataclass(slots=True)
class FileEffects:
    """The accounts that a file touches; `now` and `then` are what one period of everything that runs costs."""

    currency: str
    accounts: int = 0
    resellers: int = 0
    restricted: set[UUID] = field(default_factory=set)
    read_only: set[UUID] = field(default_factory=set)
    mailed: dict[str, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    repriced: set[UUID] = field(default_factory=set)
    assignments: set[UUID] = field(default_factory=set)
    moved: set[UUID] = field(default_factory=set)
    trials: list[UUID] = field(default_factory=list)
    offers: int = 0
    templates: int = 0
    now: Decimal = Decimal(0)
    then: Decimal = Decimal(0)

    @property
    def counts(self) -> Consequences:
        """The numbers."""
        return Consequences(
            over_limit=len(self.restricted),
            read_only=len(self.read_only),
            mails={template: len(accounts) for template, accounts in sorted(self.mailed.items())},
            charges=PeriodCharges(Money(self.now, self.currency), Money(self.then, self.currency)),
            assignments=len(self.assignments),
            offers=self.offers,
            templates=self.templates,
            trials=len(self.trials),
            tiers_moved=len(self.moved),
        )

    @property
    def needs_approval(self) -> bool:
        """Whether it touches more of a programme of 100 accounts or more than the guard-rail allows."""
        mailed = {account for accounts in self.mailed.values() for account in accounts}
        touched = len(mailed | self.restricted | self.read_only | self.repriced)
        many = touched * 100 > self.accounts * GUARD_RAIL or len(self.moved) * 100 > self.resellers * GUARD_RAIL
        return self.accounts >= GUARD_RAIL_MIN_ACCOUNTS and many

    def touched(self) -> dict[str, object]:
        """Return everything that is touched, in an order of its own, for the hash that an approval names."""
        sets = {
            "restricted": self.restricted,
            "read_only": self.read_only,
            "repriced": self.repriced,
            "assignments": self.assignments,
            "moved": self.moved,
            "trials": self.trials,
            **{f"mail {template}": accounts for template, accounts in self.mailed.items()},
        }
        sorted_ids = {name: sorted(str(each) for each in ids) for name, ids in sets.items()}
        amounts = {"now": f"{self.now:f}", "then": f"{self.then:f}", "currency": self.currency}
        return {**sorted_ids, **amounts, "offers": self.offers, "templates": self.templates}


@dataclass
class Playing:
    """One file against the accounts of its programme."""

    ctx: Context
    session: Session
    code: str
    before: Programme
    after: Programme
    changes: tuple[ProgrammeChange, ...]

    @cached_property
    def effects(self) -> FileEffects:
        """Return everything that the file touches."""
        effects = FileEffects(self.after.currency, queries.count_accounts(self.session, self.code))
        resellers = queries.active_resellers(self.session, self.code)
        effects.resellers = len(resellers)
        if not self.changes:
            return effects
        if changed := changed_limits(self.before, self.after):
            self._limits(effects, changed)
        if self.before.discount != self.after.discount or self.before.timezone != self.after.timezone:
            self._tiers(effects, resellers)
        self._charges(effects)
        changes = price_changes(self.before, self.after)
        informed = [reseller for reseller in resellers if shown_to(changes, reseller)]
        if informed:
            effects.mailed["price-change"] = informed
        if self.before.trial != self.after.trial:
            effects.trials = queries.running_trials(self.session, self.code)
        products = {change.path.split(".")[1] for change in self.changes if change.path.startswith("products.")}
        if products:
            effects.offers = queries.open_offers(self.session, self.code, products)
            effects.templates = queries.templates(self.session, self.code, products)
        return effects

    def _limits(self, effects: FileEffects, changed: ChangedLimits) -> None:
        """Judge the usage of every account by the limits of both versions, as `quotas.judge` will."""
        same = _counted(self.before) == _counted(self.after)
        for accounts in queries.with_usage(self.session, self.code):
            will = current_usages(self.session, self.after, accounts, self.ctx.now)
            was = will if same else current_usages(self.session, self.before, accounts, self.ctx.now)
            since = min(usage.period.start for usage in will.values())
            notified = queries.notices(self.session, list(will), since)
            for account in accounts:
                if self._over(self.after, account, will[account.id]) and not self._over(
                    self.before, account, was[account.id]
                ):
                    effects.restricted.add(account.id)
                    effects.read_only.add(account.id)
                self._notices(effects, account, will[account.id], notified, changed.get(account.plan, frozenset()))

    def _over(self, programme: Programme, account: Account, usage: Usage) -> bool:
        values = {metric: reading.value for metric, reading in usage.readings.items()}
        return is_read_only(values, limits(account, programme, self.ctx.now))

    def _notices(
        self,
        effects: FileEffects,
        account: Account,
        usage: Usage,
        notified: Mapping[queries.NoticeKey, list[Threshold]],
        metrics: Collection[str],
    ) -> None:
        for metric, limit in limits(account, self.after, self.ctx.now).items():
            if limit is None or metric not in metrics:
                continue
            sent = notified.get((account.id, metric, usage.period.start, limit), [])
            due = due_threshold(usage.readings[metric].value, limit, self.after.quota.warning, sent)
            if due is not None:
                effects.mailed[f"quota-{due}"].append(account.id)

    def _tiers(self, effects: FileEffects, resellers: list[UUID]) -> None:
        """Compare the percentages that today's turnover gives; a renamed tier moves nobody (programme.md 6.7)."""
        old, new = self._percentages(self.before, resellers), self._percentages(self.after, resellers)
        effects.moved = {reseller for reseller in resellers if old[reseller] != new[reseller]}
        if effects.moved and isinstance(self.after.discount, TurnoverDiscount):
            effects.mailed["tier-changed"] = sorted(effects.moved)

    def _percentages(self, programme: Programme, resellers: list[UUID]) -> dict[UUID, dict[str, Decimal]]:
        rules, day = programme.discount, self.ctx.today(programme.zone)
        if not isinstance(rules, TurnoverDiscount):
            return {reseller: {} for reseller in resellers}
        tiers = tiers_for(self.session, programme, [(reseller, day) for reseller in resellers])
        by_family = (percentages(rules, tier) for tier in tiers)
        above_zero = ({family: percent for family, percent in each.items() if percent} for each in by_family)
        return dict(zip(resellers, above_zero, strict=True))

    def _charges(self, effects: FileEffects) -> None:
        """Price one period of everything that runs by both versions."""
        old_day, new_day = self.ctx.today(self.before.zone), self.ctx.today(self.after.zone)
        runs = queries.open_runs(self.session, self.code, new_day)
        edits = queries.retail_edits(self.session, self.code)
        payers = {run.reseller_id for run in runs if run.kind == FeeKind.PRODUCT}
        old, new = (DiscountPercents(self.session, programme) for programme in (self.before, self.after))
        old.prefetch((payer, old_day) for payer in payers)
        new.prefetch((payer, new_day) for payer in payers)
        losses: set[tuple[UUID, str]] = set()
        for run in runs:
            was = run_price(self.before, old, run, edits, old_day)
            will = run_price(self.after, new, run, edits, new_day)
            effects.now += Decimal(0) if was is None else was.total.amount
            effects.then += Decimal(0) if will is None else will.total.amount
            if was == will:
                continue
            if was is None or will is None or was.total != will.total:
                effects.repriced.add(run.account_id)
            if run.kind == FeeKind.PRODUCT:
                effects.assignments.add(run.id)
            if fell_below(was, will) and run.reseller_id is not None:
                losses.add((run.reseller_id, run.code))
        if losses:
            effects.mailed["margin-note"] = sorted(reseller for reseller, _ in losses)


def _counted(programme: Programme) -> tuple[object, ...]:
    """Return what decides how usage is counted."""
    return programme.metrics, programme.quota.period, programme.timezone
