"""What jobs came to, by task and outcome: kept by the minute, and in all."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Double, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class TallyColumns:
    """Counts of attempts that ended, and the seconds they waited and ran."""

    task: Mapped[str]
    outcome: Mapped[str]
    jobs: Mapped[int] = mapped_column(BigInteger)
    late: Mapped[int] = mapped_column(BigInteger)
    wait_seconds: Mapped[float] = mapped_column(Double)
    run_seconds: Mapped[float] = mapped_column(Double)


class JobMinute(TallyColumns, Base):
    """One minute of wall time; the console's charts, kept for eight days."""

    __tablename__ = "job_minutes"

    minute: Mapped[datetime]

    __table_args__ = (PrimaryKeyConstraint("minute", "task", "outcome"),)


class JobTotal(TallyColumns, Base):
    """Since the beginning, with histograms by the bounds of engine/tally.py."""

    __tablename__ = "job_totals"

    wait_buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    run_buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))

    __table_args__ = (PrimaryKeyConstraint("task", "outcome"),)
