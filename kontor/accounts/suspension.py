"""Suspend accounts and resume them; a suspended reseller's clients with it (programme.md 2.13).

`accounts.suspended` says whether an account has a row in `suspensions`: one of its own (`via` is itself), one through
its reseller (`via` is that one), or both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor import audit
from kontor.accounts.locks import lock_account
from kontor.audit import Actor
from kontor.engine.enqueue import Jobs
from kontor.kernel.errors import Conflict, Forbidden
from kontor.provisioning.unpaid import follow_account
from kontor.webhooks import events
from kontor.webhooks.events import NewEvent
from models.accounts import Account, AccountKind, Suspension, SuspensionAuthority


@dataclass(frozen=True, slots=True)
class Suspender:
    """Who suspends or resumes: a reseller its own clients, an operator every account."""

    actor: Actor
    authority: SuspensionAuthority = SuspensionAuthority.OPERATOR


SYSTEM: Final = Suspender(Actor("system"))


def suspend(
    jobs: Jobs, session: Session, account_id: UUID, by: Suspender, now: datetime, *, with_clients: bool = False
) -> Account:
    """Suspend an account, a reseller `with_clients`; a repeat keeps who was first, unless an operator takes over.

    Its services follow.

    Raises NotFound, Conflict(`account_deleted`).
    """
    session.flush()
    account = lock_account(session, account_id)
    covers = with_clients and account.kind == AccountKind.RESELLER
    values = {"actor": by.actor.name, "reason": by.actor.reason, "authority": by.authority.value, "at": now}
    session.execute(text(OWN), {"id": account.id, "covers": covers, **values})
    if covers:
        _lock_clients(session, account.id)
        session.execute(text(THROUGH), {"reseller": account.id, "ids": None})
    _settle(jobs, session, account, by.authority, now, covers=covers)
    audit.record(session, by.actor, "suspension.set", f"account:{account.id}", at=now, detail={"clients": covers})
    return account


def resume(
    jobs: Jobs, session: Session, account_id: UUID, by: Suspender, now: datetime, *, with_clients: bool = False
) -> Account:
    """Lift what the caller may lift: an operator everything, a reseller what it set itself.

    `with_clients` also lifts what a reseller's suspension alone brought to its clients; services follow.
    Raises NotFound, Forbidden, Conflict(`account_deleted`).
    """
    session.flush()
    account = lock_account(session, account_id)
    covers = with_clients and account.kind == AccountKind.RESELLER
    if by.authority is SuspensionAuthority.RESELLER:
        _require_liftable(session, account)
    session.execute(text("DELETE FROM suspensions WHERE account_id = :id"), {"id": account.id})
    if covers:
        _lock_clients(session, account.id)
        session.execute(text("DELETE FROM suspensions WHERE via = :id AND account_id <> :id"), {"id": account.id})
    _settle(jobs, session, account, by.authority, now, covers=covers)
    audit.record(session, by.actor, "suspension.lift", f"account:{account.id}", at=now, detail={"clients": covers})
    return account


def require_not_suspended(*accounts: Account | None) -> None:
    """Raise Conflict(`account_suspended`) if one of the accounts is suspended."""
    for account in accounts:
        if account is not None and account.suspended:
            raise Conflict("account_suspended", f"The account {account.name} is suspended.", state="suspended")


def follow_reseller(jobs: Jobs, session: Session, ids: Sequence[UUID], now: datetime) -> None:
    """Give locked accounts the suspension of the reseller that they have now, and take that of a former one."""
    session.flush()
    changed = set(session.scalars(text(LEFT), {"ids": list(ids)}))
    changed.update(session.scalars(text(THROUGH), {"reseller": None, "ids": list(ids)}))
    if changed:
        _mark(jobs, session, MARK, {"ids": list(changed)}, SuspensionAuthority.OPERATOR, now)


def _require_liftable(session: Session, account: Account) -> None:
    """Raise Forbidden for a suspension by an operator, or one that the account has through its reseller."""
    own = session.get(Suspension, (account.id, account.id))
    if own is not None and own.authority == SuspensionAuthority.OPERATOR:
        raise Forbidden(message="The provider suspended this account; only the provider resumes it.")
    if own is None and account.suspended:
        raise Forbidden(message="This account is suspended with its reseller, whom the provider resumes.")


def _lock_clients(session: Session, reseller_id: UUID) -> None:
    session.execute(text("SELECT FROM accounts WHERE reseller_id = :id ORDER BY id FOR UPDATE"), {"id": reseller_id})


def _settle(
    jobs: Jobs, session: Session, account: Account, authority: SuspensionAuthority, now: datetime, *, covers: bool
) -> None:
    """Write whether the account is suspended, and its clients if they are concerned."""
    _mark(jobs, session, MARK, {"ids": [account.id]}, authority, now, direct=account.id)
    if covers:
        _mark(jobs, session, MARK_CLIENTS, {"reseller": account.id}, authority, now)
    follow_account(jobs, session, account.id)


def _mark(
    jobs: Jobs,
    session: Session,
    statement: str,
    values: Mapping[str, object],
    authority: SuspensionAuthority,
    now: datetime,
    direct: UUID | None = None,
) -> None:
    """Write which accounts are suspended, with their events; all but the `direct` one change with their reseller."""
    rows = [ChangedAccount(*row) for row in session.execute(text(statement), values)]
    events.emit_many(session, jobs, [row.event(authority, through=row.id != direct) for row in rows], at=now)
    _reread(session)


class ChangedAccount(NamedTuple):
    """An account that was suspended or resumed; `owner` is the reseller that owns its events."""

    id: UUID
    name: str
    programme: str
    suspended: bool
    owner: UUID | None

    def event(self, authority: SuspensionAuthority, *, through: bool) -> NewEvent:
        """Build `account.suspended` or `account.resumed`."""
        data = {"account_id": str(self.id), "name": self.name, "by": authority.value, "through": through}
        event_type = "account.suspended" if self.suspended else "account.resumed"
        return NewEvent(event_type, data, self.id, self.owner, self.programme)


def _reread(session: Session) -> None:
    """Forget what the session's accounts say about it."""
    for row in list(session.identity_map.values()):
        if isinstance(row, Account):
            session.expire(row, ["suspended"])


OWN: Final = """
INSERT INTO suspensions (account_id, via, authority, actor, reason, with_clients, at)
VALUES (:id, :id, :authority, :actor, :reason, :covers, :at)
ON CONFLICT (account_id, via) DO UPDATE SET authority = excluded.authority, actor = excluded.actor,
    reason = excluded.reason, with_clients = suspensions.with_clients OR excluded.with_clients, at = excluded.at
WHERE suspensions.authority = 'reseller' OR excluded.with_clients AND NOT suspensions.with_clients
"""
THROUGH: Final = """
INSERT INTO suspensions (account_id, via, authority, actor, reason, at)
SELECT a.id, s.account_id, s.authority, s.actor, s.reason, s.at
FROM accounts a JOIN suspensions s ON s.account_id = a.reseller_id AND s.via = a.reseller_id AND s.with_clients
WHERE a.purged_at IS NULL AND (a.reseller_id = :reseller OR a.id = ANY(CAST(:ids AS uuid[])))
ON CONFLICT (account_id, via) DO NOTHING RETURNING account_id
"""
LEFT: Final = """
DELETE FROM suspensions s USING accounts a
WHERE a.id = s.account_id AND s.account_id = ANY(:ids) AND s.via <> s.account_id
    AND a.reseller_id IS DISTINCT FROM s.via
RETURNING s.account_id
"""
HELD: Final = """
UPDATE accounts a SET suspended = held.suspended
FROM (
    SELECT id, EXISTS (SELECT FROM suspensions s WHERE s.account_id = accounts.id) AS suspended
    FROM accounts WHERE {condition}
) AS held
WHERE a.id = held.id AND a.suspended <> held.suspended
RETURNING a.id, a.name, a.programme, a.suspended, CASE WHEN a.kind = 'reseller' THEN a.id ELSE a.reseller_id END
"""
MARK: Final = HELD.format(condition="id = ANY(:ids)")
MARK_CLIENTS: Final = HELD.format(condition="reseller_id = :reseller")
