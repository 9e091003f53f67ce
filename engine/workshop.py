"""What both kinds of runner work with: connections, handlers, time, chance, and the worker's name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from domain.ports import Clock, CrashPoint
from domain.retry import BreakerPolicy, Random
from engine import express, lanes
from engine.catalogue import Catalogue, Payload
from engine.enqueue import Jobs, ring_after_commit
from engine.handlers import Handler, JobContext, Registry
from engine.ledger import Driver, JobRow
from engine.tally import Tally


def no_crash(name: str) -> None:
    """The crash point of production: nothing happens."""


def never(job_id: UUID) -> bool:
    """Nobody asked for a running job to be cancelled."""
    return False


def give_up() -> bool:
    """Do not wait for PostgreSQL to come back."""
    return False


def nobody_told(session: Session, job: JobContext, reason: str, error: str) -> None:
    """Nobody wants to know of dead jobs."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The tools of one worker process. `interrupts` are the exceptions that stop a handler from outside."""

    engine: Engine
    registry: Registry
    jobs: Jobs
    clock: Clock
    random: Random
    worker: str
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    crash: CrashPoint = no_crash
    cancelled: Callable[[UUID], bool] = never
    on_dead: Callable[[Session, JobContext, str, str], None] = nobody_told
    pause: Callable[[], bool] = give_up
    interrupts: tuple[type[BaseException], ...] = ()
    tally: Tally = field(default_factory=Tally)

    @property
    def catchable(self) -> tuple[type[BaseException], ...]:
        """What a handler may raise: any error, and the interrupts of the worker pool."""
        return (Exception, *self.interrupts)

    @contextmanager
    def transaction(self) -> Iterator[tuple[Session, Driver]]:
        """A Session and the driver below it, before BEGIN, which is `ledger`'s to send, as is COMMIT.

        One connection may serve several transactions, one after another.
        """
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            driver = cast(Driver, connection.connection.driver_connection)
            try:
                with Session(bind=connection, autoflush=True, expire_on_commit=False) as session:
                    session.connection()
                    express.prepare_once(connection, driver)
                    yield session, driver
            finally:
                if driver.closed:
                    connection.invalidate()
                    self.engine.dispose(close=False)

    def free_lane(self, session: Session, driver: Driver, row: JobRow, *, healthy: bool) -> None:
        """Let the next job of a lane go; `healthy` when the remote answered."""
        if row.lane is not None:
            lanes.leave(driver, row.lane, row.id, healthy=healthy)
            ring_after_commit(session, self.jobs.doorbell)

    def count(self, row: JobRow, outcome: str, started: datetime | None, ended: datetime) -> None:
        """Count an attempt that ended."""
        due_by = self.registry.catalogue[row.task].policy.due_by if row.task in self.registry else None
        self.tally.add(row.task, outcome, row.run_at, started, ended, due_by)

    def context(self, row: JobRow, attempt: int) -> JobContext:
        """The job as its handler sees it."""
        return context_of(row, attempt, self.clock.now(), self.jobs, lambda: self.cancelled(row.id))

    def handler(self, row: JobRow) -> Handler:
        """The handler of a job's task."""
        return self.registry[row.task]

    def payload(self, row: JobRow) -> Payload:
        """A job's payload in today's shape. Raises ValueError when it does not fit."""
        return payload_of(row, self.registry.catalogue)


def context_of(row: JobRow, attempt: int, now: datetime, jobs: Jobs, cancelled: Callable[[], bool]) -> JobContext:
    """A job as its handler sees it; `jobs` enqueues its children."""
    return JobContext(
        id=row.id,
        task=row.task,
        tenant=row.tenant,
        lane=row.lane,
        attempt=attempt,
        now=now,
        jobs=jobs.child_of(row.id, row.trace_id),
        cancelled=cancelled,
    )


def payload_of(row: JobRow, catalogue: Catalogue) -> Payload:
    """A job's payload in today's shape. Raises ValueError when it does not fit."""
    model = catalogue[row.task]
    stored = row.payload
    if row.payload_version != model.version:
        stored = model.upgrade(row.payload_version, stored)
    return model.model_validate(stored)
