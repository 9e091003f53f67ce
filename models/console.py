"""What the console keeps: bulk actions with their previews, saved searches, and rolled-up figures of finished jobs."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double, ForeignKey, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, one_of


class BulkAction(StrEnum):
    """What is done to every job that matches."""

    RETRY = "retry"
    CANCEL = "cancel"


class BulkState(StrEnum):
    """preview: nothing is done yet. stopped: ended by a person before its end."""

    PREVIEW = "preview"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


class RollupSize(StrEnum):
    """How long a bucket of figures is."""

    MINUTE = "minute"
    HOUR = "hour"


class BulkRun(Base):
    """An action on everything that matches. `query` is `services.bulk.plain`; nothing newer than `id` is touched.

    `counts`: jobs by task and tenant, None until counted. `foreseen`: what the `looked` newest of them would do,
    by task and tenant; `looked_to` is the last one looked at, `seen_keys` the unique keys met on the way.
    `job_id`: the job that has the preview or the action in hand; one that is not named there does nothing.
    """

    __tablename__ = "bulk_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str]
    query: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default=BulkState.PREVIEW)
    actor: Mapped[str]
    origin: Mapped[str | None]
    reason: Mapped[str | None]
    counts: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    total: Mapped[int | None] = mapped_column(BigInteger)
    foreseen: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
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

    __table_args__ = (one_of("action", BulkAction), one_of("state", BulkState))


class SavedSearch(Base):
    """A search an operator keeps under a name: the query part of the address of the jobs page."""

    __tablename__ = "saved_searches"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    name: Mapped[str]
    query: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("operator_id", "name"),)


class JobRollup(Base):
    """Jobs of a task and queue that ended well or were cancelled in a bucket: a week is read as fast as an hour.

    Waits (due to started) and runs are in seconds. `waits`: how many waited at most 10 ms, 100 ms, 1 s, 10 s, 1 min,
    10 min, 1 h, and longer. `late`: started later than the task's due-by.
    """

    __tablename__ = "job_rollups"

    size: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    succeeded: Mapped[int] = mapped_column(BigInteger)
    cancelled: Mapped[int] = mapped_column(BigInteger)
    late: Mapped[int] = mapped_column(BigInteger)
    wait_sum: Mapped[float] = mapped_column(Double)
    wait_max: Mapped[float] = mapped_column(Double)
    run_sum: Mapped[float] = mapped_column(Double)
    run_max: Mapped[float] = mapped_column(Double)
    waits: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))

    __table_args__ = (one_of("size", RollupSize),)
