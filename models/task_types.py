"""Task types of others, declared as data; what a job of one knows beyond its row; leases on its attempts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, JsonObject, enum_check


class LeaseKind(StrEnum):
    """Who holds a lease: a handler that answered a push with 202, or a pull worker."""

    PUSH = "push"
    PULL = "pull"


class TaskType(Base):
    """The newest version of a task type. A push type has a secret, and during its rotation the former one too."""

    __tablename__ = "task_types"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    document: Mapped[JsonObject]
    secret_sealed: Mapped[str] = mapped_column(server_default="")
    old_secret_sealed: Mapped[str | None]
    old_until: Mapped[datetime | None]
    applied_at: Mapped[datetime]
    applied_by: Mapped[str]


class TaskTypeVersion(Base):
    """A version that a task type has or had."""

    __tablename__ = "task_type_versions"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    document: Mapped[JsonObject]
    applied_at: Mapped[datetime]
    applied_by: Mapped[str]


class TaskSchedule(Base):
    """A schedule of a task file; it belongs to the file of that name."""

    __tablename__ = "task_schedules"

    name: Mapped[str] = mapped_column(primary_key=True)
    file: Mapped[str]
    document: Mapped[JsonObject]


class DeclaredJob(Base):
    """What a job of a declared type has beyond its row: whom it is for, and its sensitive arguments.

    `places`: how many arguments are sealed; `sealed` is null once they are erased.
    """

    __tablename__ = "declared_jobs"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID | None]
    reseller_id: Mapped[UUID | None]
    external_id: Mapped[str | None]
    places: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    sealed: Mapped[str | None]

    __table_args__ = (
        Index("ix_declared_jobs_external_id", "external_id", postgresql_where=text("external_id IS NOT NULL")),
    )


class PullWorker(Base):
    """A pull worker by its key and name, and when it last asked for jobs, in real time; forgotten after a day."""

    __tablename__ = "pull_workers"

    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class JobLease(Base):
    """An attempt of a declared job that works outside Kontor, by its lease; times are real time.

    `key_id`: the key of the pull worker, whose name is `worker`; `token_hash`: of the token that a push carries.
    `answer`: what ended it, so that the same call is answered again.
    """

    __tablename__ = "job_leases"

    lease: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID]
    kind: Mapped[str]
    key_id: Mapped[UUID | None]
    worker: Mapped[str]
    token_hash: Mapped[str | None]
    begun_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    answer: Mapped[JsonValue | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        enum_check("kind", LeaseKind),
        Index("ix_job_leases_open", "beat_at", postgresql_where=text("ended_at IS NULL")),
        Index("ix_job_leases_key_id", "key_id", "worker", postgresql_where=text("ended_at IS NULL")),
        Index("ix_job_leases_job_id", "job_id"),
    )
