"""Operators of the console and their sessions."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, one_of


class Role(StrEnum):
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
        one_of("role", Role),
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
