"""Queries on operators and their sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.people import Operator, OperatorRole, OperatorSession


def operator_by_email(session: Session, email_key: str) -> Operator | None:
    """Return the operator with this address."""
    return session.scalars(select(Operator).where(Operator.email_key == email_key)).one_or_none()


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


def delete_session(session: Session, secret_hash: str) -> None:
    """Delete one session."""
    session.execute(delete(OperatorSession).where(OperatorSession.secret_hash == secret_hash))


def delete_expired_sessions(session: Session, now: datetime) -> int:
    """Delete expired sessions; return how many."""
    statement = delete(OperatorSession).where(OperatorSession.expires_at <= now)
    return len(session.scalars(statement.returning(OperatorSession.id)).all())
