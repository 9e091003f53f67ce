"""Rules of services, pure: which arrows there are, what a verb meets, how terms follow, what is due."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kontor.kernel.money import Money, round_half_up
from kontor.kernel.periods import ONE_DAY, add_months, last_day_of_month
from kontor.kernel.states import Renewal, ServiceState, ServiceVerb, SuspensionCause
from kontor.kernel.terms import Duration, parse_term

S, V = ServiceState, ServiceVerb
ARROWS: Final[Mapping[ServiceState | None, frozenset[ServiceState]]] = MappingProxyType(
    {
        None: frozenset({S.PENDING}),
        S.PENDING: frozenset({S.ACTIVE, S.FAILED, S.ENDED}),
        S.ACTIVE: frozenset({S.SUSPENDED, S.ENDED}),
        S.SUSPENDED: frozenset({S.ACTIVE, S.ENDED}),
        S.FAILED: frozenset({S.ENDED, S.PENDING}),
        S.ENDED: frozenset(),
    }
)
"""The transitions of a service (provisioning.md 3); docs/reference/services.md shows the same table."""

ALLOWED: Final[Mapping[ServiceVerb, frozenset[ServiceState]]] = MappingProxyType(
    {
        V.CREATE: frozenset({S.PENDING}),
        V.RENEW: frozenset({S.ACTIVE, S.SUSPENDED}),
        V.SUSPEND: frozenset({S.ACTIVE, S.SUSPENDED}),
        V.RESUME: frozenset({S.SUSPENDED}),
        V.CHANGE: frozenset({S.ACTIVE, S.SUSPENDED}),
        V.TERMINATE: frozenset({S.ACTIVE, S.SUSPENDED, S.FAILED}),
    }
)
"""The states in which a verb begins; `terminate` also begins in `pending` where an order was cancelled."""

UNPAID_DAYS: Final = 30
"""Days after `paid_until` at which a service that stays unpaid ends."""


def require_arrow(from_state: ServiceState | None, to_state: ServiceState) -> None:
    """Raise ValueError for a transition that there is not: a defect, no refusal."""
    if to_state not in ARROWS[from_state]:
        raise ValueError(f"a service does not go from {from_state} to {to_state}")


def refusal(
    verb: ServiceVerb, state: ServiceState, causes: Collection[str], cause: str | None, *, ends: bool = False
) -> str | None:
    """Return why the present state forbids a verb; None: it begins. `ends`: an order was cancelled."""
    if ends and verb is V.TERMINATE and state is S.PENDING:
        return None
    if state not in ALLOWED[verb]:
        return f"A service that is {state} cannot do this: {verb}."
    by_hand = cause in (SuspensionCause.RESELLER, SuspensionCause.OPERATOR, None)
    if verb is V.SUSPEND and state is S.SUSPENDED and (by_hand or cause in causes):
        return "The service is suspended already."
    if verb is V.RESUME and cause is not None and cause not in causes:
        return _why_not_resumed(causes)
    return None


def _why_not_resumed(causes: Collection[str]) -> str:
    if SuspensionCause.UNPAID in causes:
        return "The service is suspended because it is unpaid: renew it."
    if SuspensionCause.ACCOUNT in causes:
        return "The service is suspended with its account, and resumed with it."
    return "The service is not suspended for that."


def causes_after(verb: ServiceVerb, causes: Collection[str], cause: str | None) -> list[str]:
    """Return why a service is suspended after a verb; who resumes by hand lifts what was set by hand."""
    if verb is V.SUSPEND and cause is not None:
        return sorted({*causes, cause})
    if verb is V.RESUME and cause is not None:
        by_hand = {SuspensionCause.RESELLER, SuspensionCause.OPERATOR}
        lifted = by_hand if cause in by_hand else {cause}
        return sorted(set(causes) - lifted)
    return sorted(causes)


def needs_job(verb: ServiceVerb, state: ServiceState, after: Collection[str]) -> bool:
    """Whether a verb changes the service itself: not one more cause of a suspension, nor one of several less."""
    if verb is V.SUSPEND:
        return state is not S.SUSPENDED
    return verb is not V.RESUME or not after


@dataclass(frozen=True, slots=True)
class PaidTerm:
    """Local days that are paid, end exclusive; `anchor` is the day that month ends are counted from."""

    start: date
    until: date
    anchor: date


def first_term(day: date, term: str) -> PaidTerm:
    """Return the term that begins on a local day."""
    return PaidTerm(day, _added(day, day, term), day)


def next_term(paid: PaidTerm, term: str, day: date, *, unpaid: bool) -> PaidTerm:
    """Return the term that a renewal pays: from `paid_until`, also when early; from its own day when unpaid."""
    if unpaid:
        return first_term(day, term)
    return PaidTerm(paid.until, _added(paid.until, paid.anchor, term), paid.anchor)


def _added(day: date, anchor: date, term: str) -> date:
    """Return the end of a term: of months on the anchor's day, or the last one of a shorter month."""
    duration = parse_term(term)
    assert isinstance(duration, Duration)
    end = add_months(day, duration.months)
    if duration.months and not duration.days:
        return end.replace(day=min(anchor.day, last_day_of_month(end.year, end.month)))
    return end + timedelta(days=duration.days)


def pro_rata(net: Money, paid: PaidTerm | None, day: date) -> Money:
    """Return the part of a term's price for the days left, rounded half up; all of it without a term."""
    if paid is None:
        return net
    days_left = max((paid.until - day).days, 0)
    return Money(round_half_up(net.amount * days_left / (paid.until - paid.start).days, net.currency), net.currency)


def last_day_unpaid(until: date) -> date:
    """Return the day on which a service that stays unpaid ends."""
    return until + timedelta(days=UNPAID_DAYS)


class Step(StrEnum):
    """What is due for a service."""

    RENEW = "renew"
    SUSPEND = "suspend"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What the end of a service's term depends on. `goes_on`: false for what is not renewed any more."""

    until: date
    renewal: Renewal
    grace: int
    goes_on: bool = True

    def steps(self, today: date) -> tuple[Step, ...]:
        """Return what is due on a local day, in the order in which it is tried."""
        if self.renewal is Renewal.NONE or not self.goes_on:
            return (Step.TERMINATE,) if today >= self.until else ()
        due = []
        if self.renewal is Renewal.AUTO and today >= self.until - ONE_DAY:
            due.append(Step.RENEW)
        if today >= last_day_unpaid(self.until):
            due.append(Step.TERMINATE)
        elif today >= self.until + timedelta(days=self.grace):
            due.append(Step.SUSPEND)
        return tuple(due)
