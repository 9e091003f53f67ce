"""Trials: exactly so many times 24 hours, once per account, over on read (programme.md 4)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import Conflict
from domain.names import address_key, name_key, same_address
from domain.programme.model import Plan, Trial


class TrialState(StrEnum):
    """What a read sees of an account's trial."""

    NONE = "none"
    RUNNING = "running"
    CONVERTED = "converted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class TrialRun:
    """An account's one trial, from `started_at` to before `ends_at` (aware instants).

    `stopped_at` is when it ended early: as `converted` by a paid plan, else by a closed account.
    """

    started_at: datetime
    ends_at: datetime
    stopped_at: datetime | None = None
    converted: bool = False

    @classmethod
    def starting(cls, rules: Trial, now: datetime) -> "TrialRun":
        """One that starts now: 7 days are 7 x 24 h, whatever the clock does."""
        return cls(now, now + rules.length)


def check_start(rules: Trial | None, *, used: bool, subscribed: bool) -> Trial:
    """The programme's trial, when this account may start one; raises `Conflict`."""
    if rules is None:
        raise Conflict("no_trial", "This programme has no trial.")
    if used:
        raise Conflict("trial_used", "This account has had its trial.")
    if subscribed:
        raise Conflict("already_subscribed", "A paid plan is running.")
    return rules


def trial_state(run: TrialRun | None, now: datetime) -> TrialState:
    """The state at `now`; it is over at `ends_at` even if no job has written that."""
    if run is None:
        return TrialState.NONE
    if run.stopped_at is not None and run.stopped_at < run.ends_at:
        return TrialState.CONVERTED if run.converted else TrialState.EXPIRED
    return TrialState.RUNNING if now < run.ends_at else TrialState.EXPIRED


def converts(run: TrialRun | None, now: datetime) -> bool:
    """Whether a paid plan taken at `now` ends the trial as converted (at `ends_at` it is too late)."""
    return trial_state(run, now) is TrialState.RUNNING


def limits_in_force(plan: Plan, state: TrialState) -> Mapping[str, int | None]:
    """The plan's limits; during a trial there is none."""
    if state is TrialState.RUNNING:
        return dict.fromkeys(plan.limits)
    return plan.limits


def reminders(run: TrialRun, rules: Trial) -> tuple[datetime, ...]:
    """When reminders are due, in order; a lead time that falls in the first half is left out."""
    half = run.started_at + (run.ends_at - run.started_at) / 2
    return tuple(sorted(at for lead in rules.reminders if (at := run.ends_at - lead) >= half))


def reminder_due(run: TrialRun, rules: Trial, sent: Collection[datetime], now: datetime) -> datetime | None:
    """The one reminder to send now, if any; `sent` holds the due instants of those that were.

    After an outage only the latest of the missed ones is sent; none once the trial is over.
    """
    if trial_state(run, now) is not TrialState.RUNNING:
        return None
    latest = max((at for at in reminders(run, rules) if at <= now), default=None)
    if latest is None or any(at >= latest for at in sent):
        return None
    return latest


def trial_identity(admin_email: str, name: str, reseller_email: str | None) -> str:
    """Who had a trial in a programme, for ever (programme.md 2.8).

    The admin address, or the account's name when that address is the reseller's own.
    """
    if reseller_email is not None and same_address(admin_email, reseller_email):
        return f"name:{name_key(name)}"
    return f"address:{address_key(admin_email)}"
