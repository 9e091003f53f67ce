"""Usage reports, and their sums per local day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.usage import ReportKind
from models.base import Base, one_of


class UsageReport(Base):
    """An accepted report; `seq`: order of arrival, assigned under the account's lock."""

    __tablename__ = "usage_reports"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    metric: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    report_id: Mapped[str | None]
    received_at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", ReportKind),
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

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
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
