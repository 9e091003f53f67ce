"""Accounts in the JSON shape of the API; expired trials and limits are computed on read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from kontor.programme import Programme
from kontor.programme.service import Programmes
from kontor.usage import service as usage
from kontor.usage.rules import is_read_only
from kontor.usage.service import limits, trial_state
from models.accounts import Account


def accounts_to_dicts(
    session: Session, programmes: Programmes, accounts: Sequence[Account], now: datetime
) -> list[dict[str, Any]]:
    """Return the JSON shape of each account, with its usage in the current period, in the order given."""
    usages = usage.current_values(session, programmes, accounts, now)
    return [
        account_to_dict(account, programmes.current(session, account.programme), now, usages[account.id])
        for account in accounts
    ]


def account_to_dict(
    account: Account,
    programme: Programme,
    now: datetime,
    used: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return the JSON shape of an account; `used` maps metrics to values, a missing metric counts as 0."""
    values = used or {}
    allowed = limits(account, programme, now)
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
        "usage": {metric: {"value": values.get(metric, 0), "limit": allowed[metric]} for metric in allowed},
        "read_only": is_read_only(values, allowed),
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
