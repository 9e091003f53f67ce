"""Queries on operators and their sessions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from models.people import (
    Operator,
    OperatorDevice,
    OperatorFactor,
    OperatorRole,
    OperatorSession,
    RecoveryCode,
)

FORGOTTEN: Final = timedelta(days=60)


def operator_by_email(session: Session, email_key: str) -> Operator | None:
    """Return the operator with this address."""
    return session.scalars(select(Operator).where(Operator.email_key == email_key)).one_or_none()


def operator_by_subject(session: Session, subject: str) -> Operator | None:
    """Return the operator whom the identity provider knows by this subject."""
    return session.scalars(select(Operator).where(Operator.oidc_subject == subject)).one_or_none()


def list_operators(session: Session) -> list[Operator]:
    """Return every operator, oldest first."""
    return list(session.scalars(select(Operator).order_by(Operator.id)))


def operators_who_can_act(session: Session) -> list[Operator]:
    """Return the operators who can act: neither disabled nor viewers."""
    query = select(Operator).where(Operator.disabled_at.is_(None), Operator.role != OperatorRole.VIEWER)
    return list(session.scalars(query.order_by(Operator.id)))


def admins(session: Session) -> list[Operator]:
    """Return the operators who manage people and keys and are not disabled."""
    query = select(Operator).where(Operator.disabled_at.is_(None), Operator.role == OperatorRole.ADMIN)
    return list(session.scalars(query.order_by(Operator.id)))


def session_by_secret(session: Session, secret_hash: str) -> tuple[OperatorSession, Operator] | None:
    """Return a session and its operator."""
    query = (
        select(OperatorSession, Operator)
        .join(Operator, Operator.id == OperatorSession.operator_id)
        .where(OperatorSession.secret_hash == secret_hash)
    )
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def delete_sessions(session: Session, operator_id: UUID, *, excluding: UUID | None = None) -> None:
    """Delete all sessions of an operator, except `excluding`."""
    statement = delete(OperatorSession).where(OperatorSession.operator_id == operator_id)
    if excluding is not None:
        statement = statement.where(OperatorSession.id != excluding)
    session.execute(statement)


def delete_devices(session: Session, operator_id: UUID) -> None:
    """Forget an operator's devices: the next sign-in of each is one of a new device."""
    session.execute(delete(OperatorDevice).where(OperatorDevice.operator_id == operator_id))


def factors_of(session: Session, operator_id: UUID) -> list[OperatorFactor]:
    """Return the second factors of an operator, oldest first."""
    query = select(OperatorFactor).where(OperatorFactor.operator_id == operator_id)
    return list(session.scalars(query.order_by(OperatorFactor.id)))


def recovery_codes_left(session: Session, operator_id: UUID) -> int:
    """Return how many recovery codes an operator has not used."""
    unused = select(func.count()).where(RecoveryCode.operator_id == operator_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def delete_recovery_codes(session: Session, operator_id: UUID) -> None:
    """Delete an operator's recovery codes, used ones included."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.operator_id == operator_id))


def delete_factors(session: Session, operator_id: UUID) -> None:
    """Delete an operator's second factors and recovery codes."""
    session.execute(delete(OperatorFactor).where(OperatorFactor.operator_id == operator_id))
    delete_recovery_codes(session, operator_id)


def delete_session(session: Session, secret_hash: str) -> None:
    """Delete one session."""
    session.execute(delete(OperatorSession).where(OperatorSession.secret_hash == secret_hash))


def factor_kinds(session: Session) -> dict[UUID, list[str]]:
    """Return the kinds of second factors of each operator that has any."""
    kinds: dict[UUID, list[str]] = {}
    query = select(OperatorFactor.operator_id, OperatorFactor.kind).distinct().order_by(OperatorFactor.kind)
    for operator_id, kind in session.execute(query):
        kinds.setdefault(operator_id, []).append(kind)
    return kinds


def last_seen(session: Session) -> dict[UUID, datetime]:
    """Return when each operator with a session used one last."""
    query = select(OperatorSession.operator_id, func.max(OperatorSession.seen_at)).group_by(OperatorSession.operator_id)
    return {row[0]: row[1] for row in session.execute(query)}


def sessions_of(session: Session, operator_id: UUID) -> list[OperatorSession]:
    """Return every session of an operator, ended ones included until they are deleted."""
    return list(session.scalars(select(OperatorSession).where(OperatorSession.operator_id == operator_id)))


def device_by_secret(session: Session, secret_hash: str) -> OperatorDevice | None:
    """Return the device with this secret."""
    return session.scalars(select(OperatorDevice).where(OperatorDevice.secret_hash == secret_hash)).one_or_none()


def delete_expired_sessions(session: Session, now: datetime) -> int:
    """Delete expired sessions, and devices that have not signed in for 60 days; return how many sessions.

    `now` is real time.
    """
    session.execute(delete(OperatorDevice).where(OperatorDevice.signed_in_at <= now - FORGOTTEN))
    statement = delete(OperatorSession).where(OperatorSession.expires_at <= now)
    return len(session.scalars(statement.returning(OperatorSession.id)).all())
