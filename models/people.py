"""Operators, their sessions and alerts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import AlertKind
from models.base import Base, enum_check


class OperatorRole(StrEnum):
    """Permissions of an operator; each role includes the previous ones."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Operator(Base):
    """A console user. `one_time`: the password is valid for the first login only."""

    __tablename__ = "operators"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    one_time: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]

    __table_args__ = (
        enum_check("role", OperatorRole),
        Index("uq_operators_email_key", "email_key", unique=True),
    )


class OperatorSession(Base):
    """A signed-in browser; only the hash of its cookie's secret is stored."""

    __tablename__ = "operator_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    secret_hash: Mapped[str]
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_operator_sessions_secret_hash", "secret_hash", unique=True),
        Index("ix_operator_sessions_operator_id", "operator_id"),
    )


class Alert(Base):
    """An incident from first detection to resolution; a recurrence gets a new row.

    `last_at`: last check that saw it. `told_count`, `told_at`: what operators were notified of; None: nothing yet.
    `told_in`, `over_in`: fact keys of the mails that reported it and its resolution.
    """

    __tablename__ = "alerts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    matter: Mapped[str]
    detail: Mapped[str]
    count: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    told_count: Mapped[int | None] = mapped_column(Integer)
    told_at: Mapped[datetime | None]
    told_in: Mapped[str | None]
    cleared_at: Mapped[datetime | None]
    over_in: Mapped[str | None]

    __table_args__ = (
        enum_check("kind", AlertKind),
        Index("uq_alerts_open", "kind", "matter", unique=True, postgresql_where=text("cleared_at IS NULL")),
        Index(
            "ix_alerts_over",
            "cleared_at",
            postgresql_where=text("cleared_at IS NOT NULL AND told_at IS NOT NULL AND over_in IS NULL"),
        ),
        Index("ix_alerts_told_in", "told_in"),
        Index("ix_alerts_over_in", "over_in"),
    )
