"""Accounts as the contract shows them: what is over by the clock is over on read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.programme import Programme
from domain.trials import TrialState
from models.accounts import Account


def trial_state(account: Account, now: datetime) -> TrialState:
    """The trial as a read sees it: its end is exclusive (programme.md 4.2)."""
    state = TrialState(account.trial_state)
    ends_at = account.trial_ends_at
    if state is TrialState.RUNNING and ends_at is not None and now >= ends_at:
        return TrialState.EXPIRED
    return state


def limits(account: Account, programme: Programme, now: datetime) -> dict[str, int | None]:
    """The limit of every metric; None: unlimited, as all of them are during a trial."""
    if trial_state(account, now) is TrialState.RUNNING:
        return dict.fromkeys(programme.metrics)
    plan = programme.plans.get(account.plan, programme.free_plan)
    return {metric: plan.limits.get(metric) for metric in programme.metrics}


def document(
    account: Account,
    programme: Programme,
    now: datetime,
    used: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """The JSON shape of an account; `used` is the value of each metric, 0 without a report."""
    values = used or {}
    allowed = limits(account, programme, now)
    usage = {metric: {"value": values.get(metric, 0), "limit": limit} for metric, limit in allowed.items()}
    over = (limit is not None and values.get(metric, 0) > limit for metric, limit in allowed.items())
    return {
        "id": account.id,
        "programme": account.programme,
        "name": account.name,
        "kind": account.kind,
        "party": account.party,
        "reseller_id": account.reseller_id,
        "admin_email": account.admin_email,
        "locale": account.locale,
        "timezone": account.timezone,
        "plan": account.plan,
        "trial": {"state": trial_state(account, now).value, "ends_at": account.trial_ends_at},
        "usage": usage,
        "read_only": any(over),
        "suspended": account.suspended,
        "terms": _terms(account),
        "activated_at": account.activated_at,
        "deleted_at": account.deleted_at,
        "created_at": account.created_at,
    }


def _terms(account: Account) -> dict[str, Any] | None:
    if account.terms_version is None:
        return None
    return {"version": account.terms_version, "accepted_at": account.terms_accepted_at}
