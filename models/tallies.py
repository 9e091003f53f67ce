"""Totals of job outcomes by task."""

from sqlalchemy import ARRAY, BigInteger, Double
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class JobTotal(Base):
    """Totals of ended attempts since installation; histogram bounds are those of engine/tally.py."""

    __tablename__ = "job_totals"

    task: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    jobs: Mapped[int] = mapped_column(BigInteger)
    late: Mapped[int] = mapped_column(BigInteger)
    wait_seconds: Mapped[float] = mapped_column(Double)
    run_seconds: Mapped[float] = mapped_column(Double)
    wait_buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    run_buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
