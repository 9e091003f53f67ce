"""Queries of members and of the passwords of their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from models.members import Member, MemberPassword


def by_id(session: Session, member_id: UUID, *, lock: bool = False) -> Member | None:
    """Return one member; `lock` rereads the row and locks it."""
    query = select(Member).where(Member.id == member_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def of_account(session: Session, account_id: UUID, after: UUID | None, limit: int) -> Sequence[Member]:
    """Return at most `limit` members of an account in order of their ids, those after an id."""
    query = select(Member).where(Member.account_id == account_id)
    if after is not None:
        query = query.where(Member.id > after)
    return session.scalars(query.order_by(Member.id).limit(limit)).all()


def by_address(session: Session, account_id: UUID, email_key: str) -> Member | None:
    """Return the member of an account with an address."""
    query = select(Member).where(Member.account_id == account_id, Member.email_key == email_key)
    return session.scalars(query).one_or_none()


def password_of(session: Session, email_key: str) -> MemberPassword | None:
    """Return the password of an address as member."""
    return session.get(MemberPassword, email_key, populate_existing=True)


def delete_password_without_members(session: Session, email_key: str) -> None:
    """Forget the password of an address that is no member any more."""
    unused = ~exists().where(Member.email_key == email_key)
    session.execute(delete(MemberPassword).where(MemberPassword.email_key == email_key, unused))
