"""SQL of accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.accounts import Account, AccountKind, ConnectFailure


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts; None: any. `visible_to` is a reseller: itself and its clients."""

    programme: str | None = None
    kind: str | None = None
    reseller: UUID | None = None
    visible_to: UUID | None = None
    only: UUID | None = None
    deleted: bool = True


def by_id(session: Session, account_id: UUID, *, lock: bool = False, share: bool = False) -> Account | None:
    """One account; with a lock it is read afresh and held (`share`: kept as it is) to the end."""
    query = select(Account).where(Account.id == account_id, Account.purged_at.is_(None))
    if lock or share:
        held = query.with_for_update(read=share and not lock)
        query = held.execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def add(session: Session, values: Mapping[str, Any]) -> Account | None:
    """Insert an account; None when its name is taken."""
    free = text("purged_at IS NULL")
    statement = insert(Account).values(**values)
    unless = statement.on_conflict_do_nothing(index_elements=["name_key"], index_where=free)
    return session.scalars(unless.returning(Account)).one_or_none()


def name_taken(session: Session, name_key: str, *, but: UUID) -> bool:
    """Whether another account has that name. Hold its lock while it matters."""
    other = exists().where(Account.name_key == name_key, Account.id != but, Account.purged_at.is_(None))
    return bool(session.scalar(select(other)))


def by_name(session: Session, name_key: str) -> Account | None:
    """The account of that name, locked."""
    query = select(Account).where(Account.name_key == name_key, Account.purged_at.is_(None))
    locked = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).one_or_none()


def lock_all(session: Session, ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Accounts locked in the order of their ids, so that two callers never deadlock."""
    query = select(Account).where(Account.id.in_(ids), Account.purged_at.is_(None))
    locked = query.order_by(Account.id).with_for_update()
    fresh = locked.execution_options(populate_existing=True)
    return {account.id: account for account in session.scalars(fresh)}


def knows_email(session: Session, email_key: str, *, but: UUID | None = None) -> bool:
    """Whether a living account has this admin address."""
    query = exists().where(Account.email_key == email_key, Account.deleted_at.is_(None))
    if but is not None:
        query = query.where(Account.id != but)
    return bool(session.scalar(select(query)))


def client_count(session: Session, reseller_id: UUID) -> int:
    """How many clients a reseller has, without those that are deleted but restorable."""
    mine = and_(Account.reseller_id == reseller_id, Account.deleted_at.is_(None))
    return session.scalar(select(func.count()).select_from(Account).where(mine)) or 0


def clients(session: Session, reseller_id: UUID) -> list[Account]:
    """All clients of a reseller, deleted ones too, locked, in the order of their ids."""
    query = select(Account).where(Account.reseller_id == reseller_id, Account.purged_at.is_(None))
    return list(session.scalars(query.order_by(Account.id).with_for_update()))


def make_regular(session: Session, ids: Sequence[UUID]) -> None:
    """Take locked clients away from their resellers."""
    mine = update(Account).where(Account.id.in_(ids))
    session.execute(mine.values(kind=AccountKind.REGULAR.value, reseller_id=None))


def page(session: Session, wanted: AccountFilter, after: UUID | None, limit: int) -> list[Account]:
    """Accounts in the order of their making, after the one with id `after`."""
    query = select(Account).where(Account.purged_at.is_(None), *_conditions(wanted))
    if after is not None:
        query = query.where(Account.id > after)
    return list(session.scalars(query.order_by(Account.id).limit(limit)))


def _conditions(wanted: AccountFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.programme is not None:
        found.append(Account.programme == wanted.programme)
    if wanted.kind is not None:
        found.append(Account.kind == wanted.kind)
    if wanted.reseller is not None:
        found.append(Account.reseller_id == wanted.reseller)
    if wanted.visible_to is not None:
        mine = or_(Account.id == wanted.visible_to, Account.reseller_id == wanted.visible_to)
        found.append(mine)
    if wanted.only is not None:
        found.append(Account.id == wanted.only)
    if not wanted.deleted:
        found.append(Account.deleted_at.is_(None))
    return found


def purgeable(session: Session, before: datetime, limit: int) -> list[Account]:
    """Accounts deleted at or before an instant and not purged, locked; busy ones are left out."""
    query = select(Account).where(*_due(before)).order_by(Account.deleted_at).limit(limit)
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def purgeable_count(session: Session, before: datetime) -> int:
    """How many accounts wait to be purged."""
    return session.scalar(select(func.count()).select_from(Account).where(*_due(before))) or 0


def _due(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return Account.deleted_at <= before, Account.purged_at.is_(None)


def failures_of_reseller(session: Session, reseller_id: UUID, since: datetime) -> list[datetime]:
    """When a reseller gave wrong passwords after `since`, newest first, five at most."""
    return _failures(session, ConnectFailure.reseller_id == reseller_id, since)


def failures_of_name(session: Session, name_key: str, since: datetime) -> list[datetime]:
    """When an account's password was given wrongly after `since`, newest first, five at most."""
    return _failures(session, ConnectFailure.name_key == name_key, since)


def _failures(session: Session, mine: ColumnElement[bool], since: datetime) -> list[datetime]:
    query = select(ConnectFailure.at).where(mine, ConnectFailure.at > since)
    return list(session.scalars(query.order_by(ConnectFailure.at.desc()).limit(5)))


def add_failure(session: Session, reseller_id: UUID, name_key: str, at: datetime) -> None:
    """Count a wrong password."""
    session.add(ConnectFailure(reseller_id=reseller_id, name_key=name_key, at=at))


def drop_failures(session: Session, before: datetime) -> None:
    """Forget failures that no lock looks at any more."""
    session.execute(delete(ConnectFailure).where(ConnectFailure.at <= before))
