"""Recorded discounts, and the runs that record them.

Runs write 100,000 rows at once, hence no foreign key to accounts (whose rows are never deleted).
"""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import RunState
from models.base import Base, enum_check
from models.programmes import ProgrammeRow


class CurrentDiscount(Base):
    """The last recorded discount of a reseller. Prices are computed from the payments, never from this table.

    `version` grows with every change; a result computed from an older version must not be written.
    """

    __tablename__ = "discounts"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str]
    day: Mapped[date]
    turnover: Mapped[Decimal]
    tier: Mapped[str | None]
    percent: Mapped[dict[str, float]]
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    changed_at: Mapped[datetime]

    __table_args__ = ({"postgresql_with": {"fillfactor": "80"}},)


class DiscountRecord(Base):
    """The discount of a reseller on a local day on which it changed.

    A day without a row has the values of the last earlier row, provided that a run recorded that day.
    """

    __tablename__ = "discount_records"

    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    turnover: Mapped[Decimal]
    tier: Mapped[str | None]
    percent: Mapped[dict[str, float]]
    at: Mapped[datetime]


class DiscountRun(Base):
    """One computation of all resellers of a programme for a local day."""

    __tablename__ = "discount_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey(ProgrammeRow.code))
    day: Mapped[date]
    state: Mapped[str] = mapped_column(server_default=RunState.COMPUTING)
    ranges: Mapped[int] = mapped_column(Integer)
    computed: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    applied: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    resellers: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    moved: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    guard_rail: Mapped[Decimal]
    started_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (enum_check("state", RunState), Index("ix_discount_runs_programme", "programme", "day"))


class DiscountRange(Base):
    """The resellers `first_id` to `last_id` of a run, both included, that one job computes and applies.

    Resellers up to `told_id` have been notified.
    """

    __tablename__ = "discount_run_ranges"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("discount_runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]
    computed: Mapped[bool] = mapped_column(server_default=text("false"))
    applied: Mapped[bool] = mapped_column(server_default=text("false"))
    told_id: Mapped[UUID | None]


class DiscountChange(Base):
    """A reseller in a run whose discount changed, or whose tier falls tomorrow.

    Tiers are names, None for none. `known_version`: version of the record that it was compared with; `version`: the new
    version. After notification, only rows with `moved` are kept.
    """

    __tablename__ = "discount_findings"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("discount_runs.id"), primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(primary_key=True)
    before: Mapped[str | None]
    after: Mapped[str | None]
    tomorrow: Mapped[str | None]
    turnover: Mapped[Decimal]
    turnover_tomorrow: Mapped[Decimal]
    percent: Mapped[dict[str, float]]
    changed: Mapped[bool]
    moved: Mapped[bool]
    falls: Mapped[bool]
    known_version: Mapped[int | None] = mapped_column("known", BigInteger)
    version: Mapped[int | None] = mapped_column(BigInteger)
