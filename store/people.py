"""SQL of operators and their sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.people import Operator, OperatorSession, Role


def operator_by_email(session: Session, email_key: str) -> Operator | None:
    """The operator with that address."""
    return session.scalars(select(Operator).where(Operator.email_key == email_key)).one_or_none()


def operators(session: Session) -> list[Operator]:
    """Every operator, oldest first."""
    return list(session.scalars(select(Operator).order_by(Operator.id)))


def acting_operators(session: Session) -> list[Operator]:
    """Those who may do something about it: not disabled, more than viewers."""
    query = select(Operator).where(Operator.disabled_at.is_(None), Operator.role != Role.VIEWER)
    return list(session.scalars(query.order_by(Operator.id)))


def session_with(session: Session, secret_hash: str) -> tuple[OperatorSession, Operator] | None:
    """A signed-in browser and whose it is."""
    query = (
        select(OperatorSession, Operator)
        .join(Operator, Operator.id == OperatorSession.operator_id)
        .where(OperatorSession.secret_hash == secret_hash)
    )
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def drop_sessions(session: Session, operator_id: UUID, *, but: UUID | None = None) -> None:
    """Sign an operator out everywhere, or everywhere else."""
    gone = delete(OperatorSession).where(OperatorSession.operator_id == operator_id)
    if but is not None:
        gone = gone.where(OperatorSession.id != but)
    session.execute(gone)


def drop_session(session: Session, secret_hash: str) -> None:
    """Sign one browser out."""
    session.execute(delete(OperatorSession).where(OperatorSession.secret_hash == secret_hash))


def drop_expired_sessions(session: Session, now: datetime) -> int:
    """Forget sessions that are over; return how many."""
    gone = delete(OperatorSession).where(OperatorSession.expires_at <= now)
    return len(session.scalars(gone.returning(OperatorSession.id)).all())
