"""Quota notices of accounts, and the hourly count of copies to resellers."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.quotas import Threshold
from models.base import Base, one_of


class QuotaNotice(Base):
    """A notice, permanently unique per (account, metric, period, limit, threshold); `allowed`: that limit.

    `told_at`: when its mail was posted. `digest_hour`: the clock hour whose digest contains the
    notice, set when the reseller got no copy. `resets`: false when a level carries over.
    """

    __tablename__ = "quota_notices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    metric: Mapped[str]
    period_start: Mapped[date]
    period_end: Mapped[date]
    allowed: Mapped[int] = mapped_column(BigInteger)
    threshold: Mapped[str]
    value: Mapped[int] = mapped_column(BigInteger)
    plan: Mapped[str]
    resets: Mapped[bool]
    at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    mail_id: Mapped[UUID | None]
    reseller_id: Mapped[UUID | None]
    digest_hour: Mapped[datetime | None]

    __table_args__ = (
        one_of("threshold", Threshold),
        Index(
            "uq_quota_notices_once",
            "account_id",
            "metric",
            "period_start",
            "allowed",
            "threshold",
            unique=True,
        ),
        Index("ix_quota_notices_untold", "at", postgresql_where=text("told_at IS NULL")),
        Index(
            "ix_quota_notices_digest",
            "reseller_id",
            "digest_hour",
            postgresql_where=text("digest_hour IS NOT NULL"),
        ),
    )


class QuotaHour(Base):
    """Copies of quota mails to a reseller in a clock hour (UTC); `closed`: the digest is done."""

    __tablename__ = "quota_hours"

    reseller_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    copies: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    closed: Mapped[bool] = mapped_column(server_default=text("false"))
