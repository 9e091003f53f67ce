"""Operators, their sessions and alerts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import AlertKind
from models.base import Base, enum_check
from models.factors import FactorColumns, FactorKind, RecoveryColumns


class OperatorRole(StrEnum):
    """Permissions of an operator; each role includes the previous ones."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Operator(Base):
    """A console user. `one_time`: the password opens nothing but the page that changes it.

    Then `password_expires_at` is real time; None in a row of an earlier release. `oidc_subject`: `sub` of the provider.
    """

    __tablename__ = "operators"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    one_time: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    password_expires_at: Mapped[datetime | None]
    locale: Mapped[str | None]
    oidc_subject: Mapped[str | None]

    __table_args__ = (
        enum_check("role", OperatorRole),
        Index("uq_operators_email_key", "email_key", unique=True),
        Index(
            "uq_operators_oidc_subject", "oidc_subject", unique=True,
            postgresql_where=text("oidc_subject IS NOT NULL"),
        ),
    )  # fmt: skip


class OperatorSession(Base):
    """A signed-in browser; only the hash of its cookie's secret is stored. Every time is real time.

    `origin` and `agent`: address and browser that signed in. `proven_at`: the last proof by password or factor.
    """

    __tablename__ = "operator_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    secret_hash: Mapped[str]
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    origin: Mapped[str | None]
    agent: Mapped[str | None]
    device_id: Mapped[UUID | None]
    proven_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_operator_sessions_secret_hash", "secret_hash", unique=True),
        Index("ix_operator_sessions_operator_id", "operator_id"),
    )


class SentForm(Base):
    """A form that an operator sent, and the page that it led to; the same form sent again leads there too."""

    __tablename__ = "operator_forms"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("operator_sessions.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[UUID] = mapped_column(primary_key=True)
    location: Mapped[str]


class OperatorDevice(Base):
    """A browser that an operator has signed in with; only the hash of its cookie's secret is stored."""

    __tablename__ = "operator_devices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    secret_hash: Mapped[str]
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_operator_devices_secret_hash", "secret_hash", unique=True),
        Index("ix_operator_devices_operator_id", "operator_id"),
    )


class OperatorFactor(FactorColumns, Base):
    """A second factor of an operator."""

    __tablename__ = "operator_factors"

    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))

    __table_args__ = (
        enum_check("kind", FactorKind),
        Index("ix_operator_factors_operator_id", "operator_id"),
        Index(
            "uq_operator_factors_credential_id", "credential_id", unique=True,
            postgresql_where=text("credential_id IS NOT NULL"),
        ),
    )  # fmt: skip


class RecoveryCode(RecoveryColumns, Base):
    """A recovery code of an operator."""

    __tablename__ = "operator_recovery_codes"

    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"), primary_key=True)


class SignInFailure(Base):
    """A refused sign-in, at real time. `device_id`: it came from a device that had signed in before.

    `account` is what was typed, in its canonical form; `network` the origin's /24 or /48.
    """

    __tablename__ = "sign_in_failures"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account: Mapped[str]
    network: Mapped[str]
    device_id: Mapped[UUID | None]
    at: Mapped[datetime]

    __table_args__ = (
        Index("ix_sign_in_failures_account", "account", "at"),
        Index("ix_sign_in_failures_network", "network", "at"),
        Index("ix_sign_in_failures_at", "at"),
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
