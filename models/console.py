"""Console data: bulk actions with previews, saved searches, and rolled-up statistics of finished jobs."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import BulkAction
from models.base import Base, JsonObject, enum_check
from models.people import Operator


class BulkState(StrEnum):
    """State of a bulk action. preview: not started. stopped: ended early by an operator."""

    PREVIEW = "preview"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


class RollupSize(StrEnum):
    """Length of a statistics bucket."""

    MINUTE = "minute"
    HOUR = "hour"


class BulkRun(Base):
    """A bulk action on all matching jobs. `query` is written by `JobFilter.dump`; newer jobs are not affected.

    `counts`: jobs by task and tenant, None until counted. `foreseen`: predicted effects of the newest `looked` jobs,
    by task and tenant; `looked_to`: the last job examined; `seen_keys`: the unique keys of the examined jobs.
    `job_id`: the job that runs the preview or the action; any other job does nothing.
    """

    __tablename__ = "bulk_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str]
    query: Mapped[JsonObject]
    state: Mapped[str] = mapped_column(server_default=BulkState.PREVIEW)
    actor: Mapped[str]
    origin: Mapped[str | None]
    reason: Mapped[str | None]
    counts: Mapped[list[JsonObject] | None] = mapped_column(JSONB(none_as_null=True))
    total: Mapped[int | None] = mapped_column(BigInteger)
    foreseen: Mapped[list[JsonObject]] = mapped_column(server_default=text("'[]'::jsonb"))
    looked: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    looked_to: Mapped[UUID | None]
    foreseen_at: Mapped[datetime | None]
    seen_keys: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    job_id: Mapped[UUID | None]
    reached: Mapped[UUID | None]
    done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    refused: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (enum_check("action", BulkAction), enum_check("state", BulkState))


class SavedSearch(Base):
    """A named search of an operator: the query string of the jobs page."""

    __tablename__ = "saved_searches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey(Operator.id))
    name: Mapped[str]
    query: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("operator_id", "name"),)


class JobRollup(Base):
    """Statistics of succeeded and cancelled jobs of a task and queue per bucket, so that long ranges read fast.

    Waits (due to started) and runs are in seconds. `waits`: histogram of waits up to 10 ms, 100 ms, 1 s, 10 s, 1 min,
    10 min, 1 h, and longer. `overdue`: jobs that started later than the task's due-by.
    """

    __tablename__ = "job_rollups"

    size: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    succeeded: Mapped[int] = mapped_column(BigInteger)
    cancelled: Mapped[int] = mapped_column(BigInteger)
    overdue: Mapped[int] = mapped_column("late", BigInteger)
    wait_sum: Mapped[float] = mapped_column(Double)
    wait_max: Mapped[float] = mapped_column(Double)
    run_sum: Mapped[float] = mapped_column(Double)
    run_max: Mapped[float] = mapped_column(Double)
    waits: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))

    __table_args__ = (enum_check("size", RollupSize),)
