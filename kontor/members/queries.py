"""Queries of members, the passwords of their addresses, and sign-in to the portal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.kernel.ids import new_id
from models.accounts import Account
from models.members import Member, MemberPassword
from models.people import Operator
from models.portal import (
    PortalDevice,
    PortalFactor,
    PortalLink,
    PortalOpening,
    PortalRecoveryCode,
    PortalSession,
    PortalVisit,
)
from models.programmes import ProgrammeRow

Openings = Sequence[tuple[PortalOpening, Account]]
AppliedDigests = Mapping[str, str]
"""By code, the digests of programmes without a version that begins later."""


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
    """Forget the password and the second factors of an address that is no member any more."""
    unused, holder = ~exists().where(Member.email_key == email_key), f"member:{email_key}"
    session.execute(delete(MemberPassword).where(MemberPassword.email_key == email_key, unused))
    session.execute(delete(PortalFactor).where(PortalFactor.holder == holder, unused))
    session.execute(delete(PortalRecoveryCode).where(PortalRecoveryCode.holder == holder, unused))


def confirmed_memberships(session: Session, email_key: str) -> Sequence[Member]:
    """Return every membership that an address has accepted, oldest first."""
    query = select(Member).where(Member.email_key == email_key, Member.confirmed_at.is_not(None))
    return session.scalars(query.order_by(Member.id)).all()


def accounts_named(session: Session, name_key: str, email_key: str, limit: int) -> Sequence[Account]:
    """Return the accounts with a name or an admin address, those of the name first; deleted ones are left out."""
    query = select(Account).where(or_(Account.name_key == name_key, Account.email_key == email_key))
    alive = query.where(Account.deleted_at.is_(None), Account.purged_at.is_(None))
    return session.scalars(alive.order_by((Account.name_key == name_key).desc(), Account.id).limit(limit)).all()


def session_by_secret(session: Session, secret_hash: str) -> PortalSession | None:
    """Return the session with this secret."""
    return session.scalars(select(PortalSession).where(PortalSession.secret_hash == secret_hash)).one_or_none()


OPENED: Final = (
    select(PortalSession, PortalOpening, Account, ProgrammeRow.digest, ProgrammeRow.next_at)
    .outerjoin(PortalOpening, PortalOpening.session_id == PortalSession.id)
    .outerjoin(Account, Account.id == PortalOpening.account_id)
    .outerjoin(ProgrammeRow, ProgrammeRow.code == Account.programme)
    .where(PortalSession.secret_hash == bindparam("secret_hash"))
    .order_by(Account.id)
)
"""Built once, because it runs for every page."""


def opened_by_secret(session: Session, secret_hash: str) -> tuple[PortalSession | None, Openings, AppliedDigests]:
    """Return the session with this secret, the accounts that it opened as their owner, oldest first, and programmes."""
    rows = session.execute(OPENED, {"secret_hash": secret_hash}).all()
    opened = [row for row in rows if cast("PortalOpening | None", row[1]) is not None]
    digests = {account.programme: digest for _, _, account, digest, next_at in opened if next_at is None}
    return (rows[0][0] if rows else None), [(row[1], row[2]) for row in opened], digests


def openings(session: Session, session_id: UUID) -> Openings:
    """Return the accounts that a session opened as their owner, oldest first."""
    query = select(PortalOpening, Account).join(Account, Account.id == PortalOpening.account_id)
    rows = session.execute(query.where(PortalOpening.session_id == session_id).order_by(Account.id))
    return [(row[0], row[1]) for row in rows]


def accounts_of(session: Session, ids: Collection[UUID]) -> dict[UUID, Account]:
    """Return accounts by id."""
    return {account.id: account for account in session.scalars(select(Account).where(Account.id.in_(ids)))}


def device_of(session: Session, secret_hash: str, holders: Collection[str], since: datetime) -> PortalDevice | None:
    """Return the device that signed in as one of the holders after an instant."""
    mine = (PortalDevice.secret_hash == secret_hash, PortalDevice.holder.in_(holders))
    query = select(PortalDevice).where(*mine, PortalDevice.signed_in_at > since)
    return session.scalars(query.order_by(PortalDevice.holder).limit(1)).one_or_none()


def remember_device(session: Session, secret_hash: str, holder: str, now: datetime) -> None:
    """Record that a device signed in as a holder."""
    values = {"id": new_id(), "secret_hash": secret_hash, "holder": holder, "signed_in_at": now}
    statement = insert(PortalDevice).values(values)
    session.execute(
        statement.on_conflict_do_update(index_elements=["secret_hash", "holder"], set_={"signed_in_at": now})
    )


def link_by_id(session: Session, link_id: UUID, *, lock: bool = False) -> PortalLink | None:
    """Return one link that signs in; `lock` rereads the row and locks it."""
    query = select(PortalLink).where(PortalLink.id == link_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def delete_expired(session: Session, real_now: datetime, now: datetime, forgotten: timedelta) -> int:
    """Delete ended sessions, links that are too old and devices not used since; return how many sessions."""
    session.execute(delete(PortalDevice).where(PortalDevice.signed_in_at <= real_now - forgotten))
    session.execute(delete(PortalLink).where(PortalLink.expires_at <= now - forgotten))
    ended = delete(PortalSession).where(PortalSession.expires_at <= real_now)
    return len(session.scalars(ended.returning(PortalSession.id)).all())


def put_password(session: Session, email_key: str, password_hash: str, now: datetime) -> None:
    """Set the password of an address as member."""
    row = password_of(session, email_key)
    if row is None:
        session.add(MemberPassword(email_key=email_key, password_hash=password_hash, changed_at=now))
    else:
        row.password_hash, row.changed_at = password_hash, now
    session.flush()


def active_operator(session: Session, operator_id: UUID) -> str | None:
    """Return the address of an operator who may sign in."""
    mine = (Operator.id == operator_id, Operator.disabled_at.is_(None))
    return session.scalar(select(Operator.email).where(*mine))


def has_visited(session: Session, session_id: UUID, account_id: UUID) -> bool:
    """Return whether a session has been in a client's account."""
    mine = (PortalVisit.session_id == session_id, PortalVisit.account_id == account_id)
    return bool(session.scalar(select(exists().where(*mine))))


def visits(session: Session, account_id: UUID, reseller_id: UUID, limit: int) -> Sequence[tuple[PortalVisit, str]]:
    """Return the newest visits of a reseller's people and of staff in an account, with whose people they are."""
    mine = (PortalVisit.account_id == account_id, PortalVisit.reseller_id.in_([reseller_id, account_id]))
    query = select(PortalVisit, Account.name).join(Account, Account.id == PortalVisit.reseller_id).where(*mine)
    rows = session.execute(query.order_by(PortalVisit.seq.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]


def factors_of(session: Session, holders: Collection[str]) -> Sequence[PortalFactor]:
    """Return the second factors of holders, oldest first."""
    query = select(PortalFactor).where(PortalFactor.holder.in_(holders))
    return session.scalars(query.order_by(PortalFactor.id)).all()


def recovery_codes_left(session: Session, holder: str) -> int:
    """Return how many recovery codes a holder has not used."""
    mine = (PortalRecoveryCode.holder == holder, PortalRecoveryCode.used_at.is_(None))
    return session.scalar(select(func.count()).where(*mine)) or 0


def delete_recovery_codes(session: Session, holder: str) -> None:
    """Delete a holder's recovery codes, used ones included."""
    session.execute(delete(PortalRecoveryCode).where(PortalRecoveryCode.holder == holder))


def sessions_of_account(session: Session, account_id: UUID) -> Sequence[tuple[PortalSession, str]]:
    """Return the sessions that opened an account as its owner, with what opened it, the one used last first."""
    query = select(PortalSession, PortalOpening.credential).join(
        PortalOpening, PortalOpening.session_id == PortalSession.id
    )
    rows = session.execute(query.where(PortalOpening.account_id == account_id).order_by(PortalSession.seen_at.desc()))
    return [(row[0], row[1]) for row in rows]


def sessions_of_member(session: Session, email_key: str) -> Sequence[PortalSession]:
    """Return the sessions that opened the memberships of an address, the one used last first."""
    query = select(PortalSession).where(PortalSession.member_key == email_key)
    return session.scalars(query.order_by(PortalSession.seen_at.desc())).all()
