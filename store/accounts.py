"""Queries on accounts."""

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
    """Account filter; None matches any. `visible_to` is a reseller: it matches itself and its clients."""

    programme: str | None = None
    kind: str | None = None
    reseller: UUID | None = None
    visible_to: UUID | None = None
    only: UUID | None = None
    deleted: bool = True


def by_id(session: Session, account_id: UUID, *, lock: bool = False, share: bool = False) -> Account | None:
    """Return one account; `lock` and `share` reread it and lock it to the end of the transaction."""
    query = select(Account).where(Account.id == account_id, Account.purged_at.is_(None))
    if lock or share:
        locked = query.with_for_update(read=share and not lock)
        query = locked.execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def add(session: Session, values: Mapping[str, Any]) -> Account | None:
    """Insert an account; return None if its name is taken."""
    not_purged = text("purged_at IS NULL")
    statement = insert(Account).values(**values)
    upsert = statement.on_conflict_do_nothing(index_elements=["name_key"], index_where=not_purged)
    return session.scalars(upsert.returning(Account)).one_or_none()


def name_taken(session: Session, name_key: str, *, excluding: UUID) -> bool:
    """Return whether another account has this name. The caller holds the lock on the name."""
    other = exists().where(Account.name_key == name_key, Account.id != excluding, Account.purged_at.is_(None))
    return bool(session.scalar(select(other)))


def by_name(session: Session, name_key: str) -> Account | None:
    """Lock and return the account with this name."""
    query = select(Account).where(Account.name_key == name_key, Account.purged_at.is_(None))
    locked = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).one_or_none()


def lock_all(session: Session, ids: Sequence[UUID]) -> dict[UUID, Account]:
    """Lock accounts in the order of their ids, so that two callers never deadlock."""
    query = select(Account).where(Account.id.in_(ids), Account.purged_at.is_(None))
    locked = query.order_by(Account.id).with_for_update()
    fresh = locked.execution_options(populate_existing=True)
    return {account.id: account for account in session.scalars(fresh)}


def knows_email(session: Session, email_key: str, *, excluding: UUID | None = None) -> bool:
    """Return whether an account that is not deleted has this admin address."""
    query = exists().where(Account.email_key == email_key, Account.deleted_at.is_(None))
    if excluding is not None:
        query = query.where(Account.id != excluding)
    return bool(session.scalar(select(query)))


def client_count(session: Session, reseller_id: UUID) -> int:
    """Return the number of a reseller's clients, without deleted ones."""
    active_clients = and_(Account.reseller_id == reseller_id, Account.deleted_at.is_(None))
    return session.scalar(select(func.count()).select_from(Account).where(active_clients)) or 0


def clients(session: Session, reseller_id: UUID) -> list[Account]:
    """Lock and return all clients of a reseller, including deleted ones, in the order of their ids."""
    query = select(Account).where(Account.reseller_id == reseller_id, Account.purged_at.is_(None))
    return list(session.scalars(query.order_by(Account.id).with_for_update()))


def make_regular(session: Session, ids: Sequence[UUID]) -> None:
    """Make locked clients regular accounts without a reseller."""
    statement = update(Account).where(Account.id.in_(ids))
    session.execute(statement.values(kind=AccountKind.REGULAR.value, reseller_id=None))


def page(session: Session, criteria: AccountFilter, after: UUID | None, limit: int) -> list[Account]:
    """Return accounts, oldest first, after the one with id `after`."""
    query = select(Account).where(Account.purged_at.is_(None), *_conditions(criteria))
    if after is not None:
        query = query.where(Account.id > after)
    return list(session.scalars(query.order_by(Account.id).limit(limit)))


def _conditions(criteria: AccountFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if criteria.programme is not None:
        conditions.append(Account.programme == criteria.programme)
    if criteria.kind is not None:
        conditions.append(Account.kind == criteria.kind)
    if criteria.reseller is not None:
        conditions.append(Account.reseller_id == criteria.reseller)
    if criteria.visible_to is not None:
        visible = or_(Account.id == criteria.visible_to, Account.reseller_id == criteria.visible_to)
        conditions.append(visible)
    if criteria.only is not None:
        conditions.append(Account.id == criteria.only)
    if not criteria.deleted:
        conditions.append(Account.deleted_at.is_(None))
    return conditions


def purgeable(session: Session, before: datetime, limit: int) -> list[Account]:
    """Lock and return accounts deleted at or before an instant and not purged; locked ones are skipped."""
    query = select(Account).where(*_due(before)).order_by(Account.deleted_at).limit(limit)
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def purgeable_count(session: Session, before: datetime) -> int:
    """Return the number of accounts to purge."""
    return session.scalar(select(func.count()).select_from(Account).where(*_due(before))) or 0


def _due(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return Account.deleted_at <= before, Account.purged_at.is_(None)


def failures_of_reseller(session: Session, reseller_id: UUID, since: datetime) -> list[datetime]:
    """Return the times of a reseller's wrong passwords after `since`, newest first, at most five."""
    return _failures(session, ConnectFailure.reseller_id == reseller_id, since)


def failures_of_name(session: Session, name_key: str, since: datetime) -> list[datetime]:
    """Return the times of wrong passwords for an account name after `since`, newest first, at most five."""
    return _failures(session, ConnectFailure.name_key == name_key, since)


def _failures(session: Session, condition: ColumnElement[bool], since: datetime) -> list[datetime]:
    query = select(ConnectFailure.at).where(condition, ConnectFailure.at > since)
    return list(session.scalars(query.order_by(ConnectFailure.at.desc()).limit(5)))


def add_failure(session: Session, reseller_id: UUID, name_key: str, at: datetime) -> None:
    """Record a wrong password."""
    session.add(ConnectFailure(reseller_id=reseller_id, name_key=name_key, at=at))


def drop_failures(session: Session, before: datetime) -> None:
    """Delete failures that are too old to count."""
    session.execute(delete(ConnectFailure).where(ConnectFailure.at <= before))
