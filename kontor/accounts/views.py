"""Accounts as readers see them; expired trials and limits are computed on read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from kontor.accounts.schemas import AcceptedTermsOut, AccountOut, TrialOut, UsageOut
from kontor.programme import Programme
from kontor.programme.service import Programmes
from kontor.usage import service as usage
from kontor.usage.rules import is_read_only
from kontor.usage.service import limits, trial_state
from models.accounts import Account, AccountKind, Party


def account_outs(
    session: Session, programmes: Programmes, accounts: Sequence[Account], now: datetime
) -> list[AccountOut]:
    """Return accounts with their usage in the current period, in the order given."""
    usages = usage.current_values(session, programmes, accounts, now)
    return [
        account_out(account, programmes.current(session, account.programme), now, usages[account.id])
        for account in accounts
    ]


def account_out(
    account: Account,
    programme: Programme,
    now: datetime,
    used: Mapping[str, int] | None = None,
) -> AccountOut:
    """Return an account; `used` maps metrics to values, a missing metric counts as 0."""
    values = used or {}
    allowed = limits(account, programme, now)
    return AccountOut(
        id=account.id,
        programme=account.programme,
        name=account.name,
        kind=AccountKind(account.kind),
        party=Party(account.party),
        reseller_id=account.reseller_id,
        admin_email=account.admin_email,
        locale=account.locale,
        timezone=account.timezone,
        plan=account.plan,
        trial=TrialOut(state=trial_state(account, now), ends_at=account.trial_ends_at),
        usage={metric: UsageOut(value=values.get(metric, 0), limit=limit) for metric, limit in allowed.items()},
        read_only=is_read_only(values, allowed),
        suspended=account.suspended,
        terms=_terms(account),
        activated_at=account.activated_at,
        deleted_at=account.deleted_at,
        created_at=account.created_at,
    )


def _terms(account: Account) -> AcceptedTermsOut | None:
    if account.terms_version is None or account.terms_accepted_at is None:
        return None
    return AcceptedTermsOut(version=account.terms_version, accepted_at=account.terms_accepted_at)
