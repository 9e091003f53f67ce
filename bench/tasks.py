"""Kontor's side of the drain: the same INSERT as a transactional task, alone and sharing its commit, and external."""

import os
import time
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.effects import CONFLICT, INSERT
from kontor.engine.catalogue import Payload, Policy
from kontor.engine.handlers import Done, Handler, JobContext
from kontor.engine.retry import RetryPolicy
from kontor.kernel.database import psycopg_connection
from kontor.kernel.states import TaskKind

QUEUE = "bench"
OUTSIDE = "bench-outside"
STAMPS = "bench-stamps"
RETRY = RetryPolicy(max_attempts=3, base=timedelta(seconds=1))
BY_SESSION = text(f"INSERT INTO bench_effects (n, pid) VALUES (:n, :pid) {CONFLICT}")
STAMP = text("INSERT INTO bench_starts (n, started) VALUES (:n, :started)")
STARTS = "CREATE TABLE IF NOT EXISTS bench_starts (n bigint PRIMARY KEY, started double precision NOT NULL)"


def policy(name: str, kind: TaskKind, queue: str = QUEUE, *, batch_commits: bool = True) -> Policy:
    """A task of the bench; those with an outside effect have a queue of their own, as Kontor's have."""
    return Policy(name=name, queue=queue, kind=kind, retry=RETRY, batch_commits=batch_commits)


class Numbered(Payload):
    """The number of the job."""

    n: int


class Insert(Numbered):
    """One INSERT, its commit shared with others."""

    policy: ClassVar[Policy] = policy("bench.insert", TaskKind.TRANSACTIONAL)


class InsertAlone(Numbered):
    """One INSERT, its commit its own."""

    policy: ClassVar[Policy] = policy("bench.insert_alone", TaskKind.TRANSACTIONAL, batch_commits=False)


class InsertBySession(Numbered):
    """One INSERT through SQLAlchemy, its commit shared with others."""

    policy: ClassVar[Policy] = policy("bench.insert_by_session", TaskKind.TRANSACTIONAL)


class InsertAloneBySession(Numbered):
    """One INSERT through SQLAlchemy, its commit its own."""

    policy: ClassVar[Policy] = policy("bench.insert_alone_by_session", TaskKind.TRANSACTIONAL, batch_commits=False)


class Noop(Numbered):
    """Claim, a no-op, and a record that does the INSERT."""

    policy: ClassVar[Policy] = policy("bench.noop", TaskKind.EXTERNAL, OUTSIDE)


class Stamp(Numbered):
    """Note when the handler started."""

    policy: ClassVar[Policy] = policy("bench.stamp", TaskKind.TRANSACTIONAL, STAMPS)


class Inserting:
    """The handler of both transactional INSERTs, which are psycopg's as those of the peers are."""

    def __init__(self, payload: type[Payload]) -> None:
        self.payload: type[Any] = payload
        self._pid = os.getpid()

    def run(self, job: JobContext, session: Session, payload: Any) -> Done:
        """Insert."""
        psycopg_connection(session).execute(INSERT, (payload.n, self._pid))
        return Done()


class InsertingBySession(Inserting):
    """The handler that inserts through SQLAlchemy."""

    def run(self, job: JobContext, session: Session, payload: Any) -> Done:
        """Insert."""
        session.execute(BY_SESSION, {"n": payload.n, "pid": self._pid})
        return Done()


class NoopHandler:
    """The handler of the external no-op."""

    payload: type[Any] = Noop

    def __init__(self) -> None:
        self._pid = os.getpid()

    def claim(self, job: JobContext, session: Session, payload: Noop) -> int:
        """Plan nothing."""
        return payload.n

    def act(self, job: JobContext, plan: int) -> None:
        """Do nothing."""

    def record(self, job: JobContext, session: Session, payload: Noop, plan: int, result: None) -> Done:
        """Insert, so that doubled runs show as they do for everybody else."""
        psycopg_connection(session).execute(INSERT, (payload.n, self._pid))
        return Done()


class Stamping:
    """The handler that records its start on the monotonic clock shared by all processes."""

    payload: type[Any] = Stamp

    def run(self, job: JobContext, session: Session, payload: Stamp) -> Done:
        """Read the clock first."""
        started = time.monotonic()
        session.execute(STAMP, {"n": payload.n, "started": started})
        return Done()


def handlers() -> list[Handler]:
    """The bench's own tasks."""
    by_session = [InsertingBySession(InsertBySession), InsertingBySession(InsertAloneBySession)]
    return [Inserting(Insert), Inserting(InsertAlone), *by_session, NoopHandler(), Stamping()]
