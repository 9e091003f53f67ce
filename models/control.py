"""Engine control: queues, lanes, workers, schedules, the clock, the audit log and data keys."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Identity, Index, Integer, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import MisfirePolicy
from models.base import Base, enum_check


class BreakerState(StrEnum):
    """State of a breaker. closed: jobs run. open: held until `probe_at`. forced: held by an operator."""

    CLOSED = "closed"
    OPEN = "open"
    FORCED = "forced"


class Queue(Base):
    """Settings of a queue. A queue without a row is unlimited and runs. `held`: paused with all that acts outside."""

    __tablename__ = "queues"

    name: Mapped[str] = mapped_column(primary_key=True)
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    concurrency: Mapped[int | None]
    held: Mapped[bool] = mapped_column(server_default=text("false"))


class Lane(Base):
    """The jobs of one customer instance or webhook endpoint: run one at a time, behind a breaker."""

    __tablename__ = "lanes"

    name: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default=BreakerState.CLOSED)
    busy_with: Mapped[UUID | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    held_since: Mapped[datetime | None]
    probe_at: Mapped[datetime | None]
    last_error: Mapped[str | None]

    __table_args__ = (
        enum_check("state", BreakerState),
        Index("ix_lanes_probe_at", "probe_at", postgresql_where=text("state = 'open'")),
    )


class WorkerProcess(Base):
    """A living worker process. `heartbeat_at` is PostgreSQL's own clock, never the test clock.

    Beat number `beats` reported `leases` and the ids of `bells` as held; both are NULL for a release that does not.
    `unrecorded_since`: when the act ended that has waited longest for its record.
    """

    __tablename__ = "worker_processes"

    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    threads: Mapped[int]
    queues: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    draining: Mapped[bool] = mapped_column(server_default=text("false"))
    memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    running: Mapped[JsonValue | None] = mapped_column(JSONB(none_as_null=True))
    beats: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    leases: Mapped[list[UUID] | None] = mapped_column(ARRAY(PG_UUID(as_uuid=True)))
    bells: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    unrecorded_since: Mapped[datetime | None]


class Leader(Base):
    """The lease of the process that leads a role; `holder` is null after it was released.

    All instants are PostgreSQL's own clock. Each new holder has a higher `fence`.
    """

    __tablename__ = "leaders"

    role: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    fence: Mapped[int] = mapped_column(BigInteger)
    acquired_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    backend_pid: Mapped[int | None]


class ProcessBeat(Base):
    """A relay, scheduler or web process; its last beat on PostgreSQL's own clock. Unlogged: empty after a crash.

    `clock_offset_seconds`: its host's clock minus PostgreSQL's. Without `clock_trusted` it neither leads nor fires.
    """

    __tablename__ = "processes"

    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    redis_ok: Mapped[bool | None]
    clock_offset_seconds: Mapped[float | None] = mapped_column(Double)
    clock_trusted: Mapped[bool] = mapped_column(server_default=text("true"))
    leads: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)


class Schedule(Base):
    """A cron expression that enqueues a task. `checked_until`: the instant up to which slots are processed.

    From `expected_from` (declared, changed or resumed) on, every slot has an occurrence. `error`: why it does not
    fire. `release`: the newest release that declared it, at `declared_at`; `declaration`: a digest of what it declared.
    """

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(primary_key=True)
    cron: Mapped[str]
    timezone: Mapped[str]
    task: Mapped[str]
    payload: Mapped[dict[str, JsonValue]]
    misfire: Mapped[str]
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    retired: Mapped[bool] = mapped_column(server_default=text("false"))
    checked_until: Mapped[datetime]
    expected_from: Mapped[datetime | None]
    next_at: Mapped[datetime]
    error: Mapped[str | None]
    failed_at: Mapped[datetime | None]
    release: Mapped[str | None]
    declaration: Mapped[str | None]
    declared_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]

    __table_args__ = (enum_check("misfire", MisfirePolicy),)


class ScheduleOccurrence(Base):
    """One firing of a schedule, unique by local slot."""

    __tablename__ = "schedule_occurrences"

    schedule: Mapped[str] = mapped_column(ForeignKey("schedules.name"), primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    fired_at: Mapped[datetime]
    job_id: Mapped[UUID | None]
    skipped: Mapped[bool] = mapped_column(server_default=text("false"))


class ClockRow(Base):
    """The test clock. No row: real time."""

    __tablename__ = "clock"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    now: Mapped[datetime]

    __table_args__ = (CheckConstraint("id = 1", name="single"),)


class RedisNamespace(Base):
    """The prefix of a database's keys in Redis, by the database's identity: a restored copy gets its own."""

    __tablename__ = "redis_namespaces"

    database_identity: Mapped[str] = mapped_column(primary_key=True)
    namespace: Mapped[str]


class AuditEntry(Base):
    """An act of a person, key, command or schedule: who, from where, what, when and why; or an access refused.

    `subjects`: the ids that the entry names. `salt`, `signature`: with the digest of the entry's text, what shows that
    Kontor wrote it (kontor/evidence/digests.py). `erased_at`: since then the text is gone, and its salt with it.
    """

    __tablename__ = "audit_log"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    reason: Mapped[str | None]
    origin: Mapped[str | None]
    detail: Mapped[dict[str, JsonValue]] = mapped_column(server_default=text("'{}'::jsonb"))
    subjects: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default=text("'{}'"))
    salt: Mapped[str | None]
    signature: Mapped[str | None]
    erased_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_audit_log_target", "target", "seq"),
        Index("ix_audit_log_subjects", "subjects", postgresql_using="gin"),
        Index("uq_audit_log_signature", "signature", unique=True),
    )


class AuditLink(Base):
    """One entry of the chain over the audit log: the digest of a row, and a keyed hash over it and the entry before."""

    __tablename__ = "audit_chain"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]
    hash: Mapped[str]
    sealed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))

    __table_args__ = (
        Index("uq_audit_chain_seq", "seq", unique=True),
        Index("ix_audit_chain_sealed_at", "sealed_at", "seq"),
    )


class AuditHead(Base):
    """The last entry of the chain, signed. Rows of before the chain, up to `adopted_to`, are taken in unsigned.

    `adopting_until`: until then (real time) rows of the previous release are taken in; None: no longer.
    """

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]
    adopted_to: Mapped[int] = mapped_column(BigInteger)
    adopting_until: Mapped[datetime | None]
    signature: Mapped[str | None]
    logged_on: Mapped[date | None]

    __table_args__ = (CheckConstraint("id = 1", name="single"),)


class DataKey(Base):
    """The key of one purpose (kontor.kernel.data_keys), sealed by a key of SECRET_KEY.

    `sealed_with`: that key's fingerprint, which every process compares with its own keys.
    """

    __tablename__ = "data_keys"

    purpose: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    sealed_with: Mapped[str]
    created_at: Mapped[datetime]
