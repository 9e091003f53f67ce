"""Trials: a multiple of exactly 24 hours, once per account, expired on read (programme.md 4)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import Conflict
from domain.names import address_key, name_key, same_address
from domain.programme.model import Plan, Trial


class TrialState(StrEnum):
    """State of an account's trial, as a read sees it."""

    NONE = "none"
    RUNNING = "running"
    CONVERTED = "converted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class TrialRun:
    """An account's one trial, from `started_at` to before `ends_at` (aware instants).

    `stopped_at`: when it ended early, by a paid plan if `converted`, otherwise because the account was closed.
    """

    started_at: datetime
    ends_at: datetime
    stopped_at: datetime | None = None
    converted: bool = False

    @classmethod
    def starting(cls, rules: Trial, now: datetime) -> "TrialRun":
        """Start a trial now: 7 days are 7 x 24 h, across clock changes too."""
        return cls(now, now + rules.length)


def check_start(rules: Trial | None, *, used: bool, subscribed: bool) -> Trial:
    """Return the programme's trial if this account may start one; raises `Conflict`."""
    if rules is None:
        raise Conflict("no_trial", "This programme has no trial.")
    if used:
        raise Conflict("trial_used", "This account has already used its trial.")
    if subscribed:
        raise Conflict("already_subscribed", "The account already has a paid plan.")
    return rules


def trial_state(run: TrialRun | None, now: datetime) -> TrialState:
    """Return the state at `now`; the trial is over at `ends_at` even if no job has recorded it."""
    if run is None:
        return TrialState.NONE
    if run.stopped_at is not None and run.stopped_at < run.ends_at:
        return TrialState.CONVERTED if run.converted else TrialState.EXPIRED
    return TrialState.RUNNING if now < run.ends_at else TrialState.EXPIRED


def converts(run: TrialRun | None, now: datetime) -> bool:
    """Return whether a paid plan taken at `now` converts the trial (no longer at `ends_at`)."""
    return trial_state(run, now) is TrialState.RUNNING


def limits_in_force(plan: Plan, state: TrialState) -> Mapping[str, int | None]:
    """Return the plan's limits; unlimited during a trial."""
    if state is TrialState.RUNNING:
        return dict.fromkeys(plan.limits)
    return plan.limits


def reminders(run: TrialRun, rules: Trial) -> tuple[datetime, ...]:
    """Return when reminders are due, in order; reminders in the first half of the trial are omitted."""
    half = run.started_at + (run.ends_at - run.started_at) / 2
    return tuple(sorted(at for lead in rules.reminders if (at := run.ends_at - lead) >= half))


def reminder_due(run: TrialRun, rules: Trial, sent: Collection[datetime], now: datetime) -> datetime | None:
    """Return the due instant of the reminder to send now, if any; `sent` holds those already sent.

    After an outage only the latest missed reminder is sent; none once the trial is over.
    """
    if trial_state(run, now) is not TrialState.RUNNING:
        return None
    latest = max((at for at in reminders(run, rules) if at <= now), default=None)
    if latest is None or any(at >= latest for at in sent):
        return None
    return latest


def trial_identity(admin_email: str, name: str, reseller_email: str | None) -> str:
    """Return the permanent identity of a trial in a programme (programme.md 2.8).

    The admin address, or the account's name if that address is the reseller's own.
    """
    if reseller_email is not None and same_address(admin_email, reseller_email):
        return f"name:{name_key(name)}"
    return f"address:{address_key(admin_email)}"
