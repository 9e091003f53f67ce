"""Usage reports, daily sums and quota notices."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import ReportKind, Threshold
from models.accounts import Account
from models.base import Base, enum_check


class UsageReport(Base):
    """An accepted report; `seq`: order of arrival, assigned under the account's lock."""

    __tablename__ = "usage_reports"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    metric: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    report_id: Mapped[str | None]
    received_at: Mapped[datetime]

    __table_args__ = (
        enum_check("kind", ReportKind),
        Index(
            "uq_usage_reports_report_id",
            "account_id",
            "report_id",
            unique=True,
            postgresql_where=text("report_id IS NOT NULL"),
        ),
        Index("ix_usage_reports_account_id", "account_id", "metric", "at", "seq"),
    )


class UsageDay(Base):
    """Sums of one metric on one local day in the programme's zone; periods are whole days.

    `level`: the day's last level; `deltas`: sum of all deltas; `after_level`: sum of those after the level.
    """

    __tablename__ = "usage_days"

    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    level: Mapped[int | None] = mapped_column(BigInteger)
    level_at: Mapped[datetime | None]
    level_seq: Mapped[int | None] = mapped_column(BigInteger)
    deltas: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    after_level: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))

    __table_args__ = (
        CheckConstraint("(level IS NULL) = (level_seq IS NULL)", name="level_whole"),
        Index(
            "ix_usage_days_level",
            "account_id",
            "metric",
            "day",
            postgresql_where=text("level_seq IS NOT NULL"),
        ),
    )


class QuotaNotice(Base):
    """A notice, permanently unique per (account, metric, period, limit, threshold); `allowed`: that limit.

    `told_at`: when its mail was posted. `digest_hour`: the clock hour whose digest contains the
    notice, set when the reseller got no copy. `resets`: false when a level carries over.
    """

    __tablename__ = "quota_notices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
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
        enum_check("threshold", Threshold),
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

    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    copies: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    closed: Mapped[bool] = mapped_column(server_default=text("false"))
