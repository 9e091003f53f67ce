"""Dependencies shared by both runners."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast
from uuid import UUID

from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kontor.engine import lanes, prepared
from kontor.engine.catalogue import Catalogue, Payload, declare_nothing
from kontor.engine.enqueue import Jobs, ring_after_commit, ring_if_enqueued
from kontor.engine.handlers import Handler, JobContext, Registry
from kontor.engine.holdings import Holdings
from kontor.engine.job_stats import JobStats
from kontor.engine.ledger import JobRow
from kontor.engine.retry import BreakerPolicy, Random
from kontor.engine.unsupported import Refused
from kontor.kernel.database import PgConnection
from kontor.kernel.ports import Clock, CrashPoint, no_crash


def never_cancelled(job_id: UUID) -> bool:
    """Report no cancellation request."""
    return False


def do_not_wait() -> bool:
    """Return False: do not wait for PostgreSQL to come back."""
    return False


def always_may_claim() -> bool:
    """Return True: nothing keeps this worker from claiming."""
    return True


@contextmanager
def unlimited(seconds: float) -> Iterator[None]:
    """Set no time limit."""
    yield


def ignore_dead(session: Session, job: JobContext, reason: str, error: str) -> None:
    """Do nothing: no one is notified of dead jobs."""


@dataclass(frozen=True, slots=True)
class WorkerRuntime:
    """The dependencies of one worker process.

    `interrupts` are exceptions that stop a handler from outside. `wait_for_database` waits before a retry; False
    gives up. `may_claim`: whether the worker's last beat is recent and it is not stopping. `registered_only`: external
    claims require the worker's row in `worker_processes`. `act_limit` interrupts an act that takes longer than a
    number of seconds. `refresh` brings the declared types up to their newest versions.
    """

    engine: Engine
    registry: Registry
    jobs: Jobs
    clock: Clock
    random: Random
    worker: str
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    crash: CrashPoint = no_crash
    cancelled: Callable[[UUID], bool] = never_cancelled
    on_dead: Callable[[Session, JobContext, str, str], None] = ignore_dead
    wait_for_database: Callable[[], bool] = do_not_wait
    interrupts: tuple[type[BaseException], ...] = ()
    stats: JobStats = field(default_factory=JobStats)
    holdings: Holdings = field(default_factory=Holdings)
    may_claim: Callable[[], bool] = always_may_claim
    stopping: Callable[[], bool] = do_not_wait
    act_limit: Callable[[float], AbstractContextManager[None]] = unlimited
    registered_only: bool = False
    refused: Refused = field(default_factory=Refused)
    refresh: Callable[[PgConnection], None] = declare_nothing

    @property
    def catchable(self) -> tuple[type[BaseException], ...]:
        """The exceptions a handler may raise: any error, and the interrupts of the worker pool."""
        return (Exception, *self.interrupts)

    @contextmanager
    def transaction(self) -> Iterator[tuple[Session, PgConnection]]:
        """Yield a Session and its psycopg connection without a transaction: `ledger` sends BEGIN and COMMIT.

        One connection may serve several transactions, one after another.
        """
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as sa_connection:
            connection = cast(PgConnection, sa_connection.connection.driver_connection)
            try:
                with Session(bind=sa_connection, autoflush=True, expire_on_commit=False) as session:
                    session.connection()
                    prepared.prepare_once(sa_connection, connection)
                    yield session, connection
            except ReadOnlySqlTransaction:
                connection.close()  # after a failover, the next connection leads to the new primary
                raise
            finally:
                if connection.closed:
                    sa_connection.invalidate()
                    self.engine.dispose(close=False)

    def free_lane(self, session: Session, connection: PgConnection, row: JobRow, *, healthy: bool) -> None:
        """Release the next job of a lane; `healthy` when the remote answered."""
        if row.lane is not None:
            lanes.leave(connection, row.lane, row.id, healthy=healthy)
            ring_after_commit(session, self.jobs.doorbell)

    def count(self, row: JobRow, outcome: str, started: datetime | None, ended: datetime) -> None:
        """Count an attempt that ended."""
        due_by = self.registry.catalogue[row.task].policy.due_by if row.task in self.registry else None
        self.stats.add(row.task, outcome, row.run_at, started, ended, due_by)

    def context(self, row: JobRow, attempt: int, lease: UUID | None = None) -> JobContext:
        """Return the context for the job's handler."""
        cancelled = partial(self.cancelled, row.id)
        return context_of(row, attempt, self.clock.now(), self.jobs, cancelled, self.stopping, lease)

    def supported(self, rows: Sequence[JobRow]) -> list[JobRow]:
        """Return the rows whose payload this release knows; the others stay queued."""
        return self.refused.supported(rows, self.registry.catalogue)

    def handler(self, row: JobRow) -> Handler:
        """Return the handler of a job's task."""
        return self.registry[row.task]

    def payload(self, row: JobRow) -> Payload:
        """Return a job's payload in the current version. Raises ValueError when it is invalid."""
        return payload_of(row, self.registry.catalogue)


def forget_rows(session: Session) -> None:
    """Detach what a handler read, so that the next job reads it anew."""
    if session.identity_map:
        session.expunge_all()


@contextmanager
def committing(connection: PgConnection, session: Session) -> Iterator[None]:
    """COMMIT after the block, then ring the doorbell. Bypasses the session: its own commit costs 60 us."""
    yield
    connection.execute("COMMIT")
    ring_if_enqueued(session)


def context_of(
    row: JobRow,
    attempt: int,
    now: datetime,
    jobs: Jobs,
    cancelled: Callable[[], bool],
    stopping: Callable[[], bool] = do_not_wait,
    lease: UUID | None = None,
) -> JobContext:
    """Build the context for a job's handler; `jobs` enqueues its children."""
    children = jobs.child_of(row.id, row.trace_id)
    return JobContext(row.id, row.task, row.tenant, row.lane, attempt, now, children, cancelled, stopping, lease)


def payload_of(row: JobRow, catalogue: Catalogue) -> Payload:
    """Return a job's payload in the current version. Raises ValueError when it is invalid."""
    model = catalogue[row.task]
    stored = row.payload
    if row.payload_version != model.version:
        stored = model.upgrade(row.payload_version, stored)
    return model.model_validate(stored)
