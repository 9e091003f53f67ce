"""The job ledger: the hot table, its archive, attempts, effect keys and totals."""

from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Double, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import AttemptOutcome, JobState
from models.base import Base, enum_check


class JobColumns:
    """Columns shared by the hot table and the archive."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task: Mapped[str]
    queue: Mapped[str]
    tenant: Mapped[str] = mapped_column(server_default="")
    lane: Mapped[str | None]
    priority: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    state: Mapped[str]
    payload: Mapped[dict[str, JsonValue]]
    payload_version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    unique_key: Mapped[str | None]
    once_key: Mapped[str | None]
    run_at: Mapped[datetime]
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    max_attempts: Mapped[int] = mapped_column(SmallInteger)
    crashes: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    lease: Mapped[UUID | None]
    worker: Mapped[str | None]
    result: Mapped[JsonValue | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str | None]
    fingerprint: Mapped[str | None]
    parent_id: Mapped[UUID | None]
    trace_id: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Job(JobColumns, Base):
    """A job that is not finished, or dead for less than 30 days and waiting for an operator.

    `held`: the job waits for its lane because another job of the lane runs or the lane's breaker is open, or is
    `unsupported`: no running release knows its task or its payload version.
    """

    __tablename__ = "jobs"

    held: Mapped[bool] = mapped_column(server_default=text("false"))
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    unsupported: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        enum_check("state", JobState),
        CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        Index(
            "ix_jobs_pick",
            "queue",
            text("priority DESC"),
            "tenant",
            "id",
            postgresql_where=text("state = 'queued' AND NOT held"),
        ),
        Index("ix_jobs_due", "run_at", postgresql_where=text("state IN ('scheduled', 'retrying')")),
        Index(
            "uq_jobs_unique_key",
            "tenant",
            "task",
            "unique_key",
            unique=True,
            postgresql_where=text("unique_key IS NOT NULL AND state <> 'dead'"),
        ),
        Index("ix_jobs_lane", "lane", "id", postgresql_where=text("lane IS NOT NULL AND state <> 'dead'")),
        Index(
            "ix_jobs_held",
            "held",
            "lane",
            "id",
            postgresql_where=text("lane IS NOT NULL AND state = 'queued' AND NOT unsupported"),
        ),
        Index("ix_jobs_running", "worker", postgresql_where=text("state = 'running'")),
        Index("ix_jobs_dead", "fingerprint", "id", postgresql_where=text("state = 'dead'")),
        Index("ix_jobs_parent_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_jobs_tenant", "tenant", "id", postgresql_where=text("tenant <> ''")),
        Index("ix_jobs_unsupported", "task", "payload_version", "id", postgresql_where=text("unsupported")),
        Index(
            "ix_jobs_pulled",
            "task",
            text("priority DESC"),
            "tenant",
            "id",
            postgresql_where=text("state = 'queued' AND unsupported"),
        ),
        {
            "postgresql_with": {
                "fillfactor": "90",
                "autovacuum_vacuum_scale_factor": "0.01",
                "autovacuum_vacuum_threshold": "5000",
                "autovacuum_vacuum_cost_delay": "0",
            }
        },
    )


class ArchivedJob(JobColumns, Base):
    """A job that succeeded, was cancelled, or has been dead for 30 days; a partition for each month of its id."""

    __tablename__ = "jobs_archive"

    __table_args__ = (
        enum_check("state", (JobState.SUCCEEDED, JobState.CANCELLED, JobState.DEAD)),
        Index("ix_jobs_archive_finished_at", "finished_at", postgresql_using="brin"),
        Index("ix_jobs_archive_task", "task", "id"),
        Index("ix_jobs_archive_queue", "queue", "id"),
        Index("ix_jobs_archive_tenant", "tenant", "id", postgresql_where=text("tenant <> ''")),
        Index("ix_jobs_archive_lane", "lane", "id", postgresql_where=text("lane IS NOT NULL")),
        Index("ix_jobs_archive_dead", "fingerprint", "id", postgresql_where=text("state = 'dead'")),
        Index("ix_jobs_archive_parent_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (id)"},
    )


class JobAttempt(Base):
    """An attempt that did not succeed; the successful attempt is recorded in the job itself."""

    __tablename__ = "job_attempts"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    worker: Mapped[str | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime]
    outcome: Mapped[str]
    error: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (enum_check("outcome", AttemptOutcome), {"postgresql_partition_by": "RANGE (job_id)"})


class CancelRequest(Base):
    """A cancellation of a job whose row was locked. No foreign key: its check would wait for that lock."""

    __tablename__ = "cancel_requests"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str | None]


class OnceKey(Base):
    """A key that a job has used, permanently unique."""

    __tablename__ = "once_keys"

    key: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[UUID]


class JobTotal(Base):
    """Totals of ended attempts since installation; histogram bounds are those of kontor/engine/job_stats.py."""

    __tablename__ = "job_totals"

    task: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    jobs: Mapped[int] = mapped_column(BigInteger)
    overdue: Mapped[int] = mapped_column("late", BigInteger)
    wait_seconds: Mapped[float] = mapped_column(Double)
    run_seconds: Mapped[float] = mapped_column(Double)
    wait_buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    run_buckets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
