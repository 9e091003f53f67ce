"""Trial state and limits of an account at an instant."""

from __future__ import annotations

from datetime import datetime

from domain.programme import Programme
from domain.trials import TrialRun, TrialState, limits_in_force
from domain.trials import trial_state as state_of
from models.accounts import Account


def trial_run(account: Account) -> TrialRun | None:
    """Return the trial that is stored as running, if any."""
    if account.trial_state != TrialState.RUNNING or account.trial_started_at is None or account.trial_ends_at is None:
        return None
    return TrialRun(account.trial_started_at, account.trial_ends_at)


def trial_state(account: Account, now: datetime) -> TrialState:
    """Return the trial state at `now`; the trial's end is exclusive (programme.md 4.2)."""
    run = trial_run(account)
    return TrialState(account.trial_state) if run is None else state_of(run, now)


def limits(account: Account, programme: Programme, now: datetime) -> dict[str, int | None]:
    """Return the limit of every metric; None means unlimited, as during a trial."""
    plan = programme.plans.get(account.plan, programme.free_plan)
    in_force = limits_in_force(plan, trial_state(account, now))
    return {metric: in_force.get(metric) for metric in programme.metrics}
