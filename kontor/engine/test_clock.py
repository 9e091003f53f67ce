"""The test clock as the API sets it, and a clock frozen for one request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor.engine.enqueue import ring_after_commit
from kontor.engine.schedule_rows import reset_future
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.errors import Conflict
from kontor.kernel.ports import Clock, RelayHint

COUNT_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class FrozenClock:
    """A clock frozen at one instant of programme time; wall time and monotonic time advance."""

    instant: datetime
    clock: Clock

    def now(self) -> datetime:
        """The instant, aware, UTC."""
        return self.instant

    def wall_time(self) -> datetime:
        """Wall time, aware, UTC."""
        return self.clock.wall_time()

    def monotonic(self) -> float:
        """Seconds of real time since an arbitrary start."""
        return self.clock.monotonic()


@dataclass(frozen=True, slots=True)
class DueWork:
    """Work due at an instant: job counts by task, schedules, probes of open lanes."""

    jobs: Mapping[str, int]
    schedules: Sequence[str]
    probes: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.jobs or self.schedules or self.probes)


def advance(session: Session, doorbell: RelayHint, now: datetime) -> datetime:
    """Set the test clock for every process. Raises Conflict(`clock_backwards`)."""
    moved = set_forward(psycopg_connection(session), now)
    if moved is None:
        current = read(psycopg_connection(session))
        text = current.astimezone(UTC).isoformat().replace("+00:00", "Z") if current else ""
        raise Conflict("clock_backwards", f"The clock is at {text} and only moves forward.", now=text)
    reset_future(session, moved)
    ring_after_commit(session, doorbell)
    return moved.astimezone(UTC)


def due_work(session: Session, now: datetime) -> DueWork:
    """Return the work due at `now`, without paused queues and held lanes; empty once everything has settled.

    Jobs are counted last, so a schedule or probe that becomes a job between the queries is seen as either.
    """
    connection = psycopg_connection(session)
    schedules = due_schedules(connection, now)
    probes = due_probes(connection, now, COUNT_LIMIT)
    return DueWork(due_jobs(connection, now, COUNT_LIMIT), schedules, probes)


READ: Final = "SELECT now FROM clock WHERE id = 1"
MOVE: Final = """
INSERT INTO clock (id, now) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE SET now = excluded.now WHERE clock.now <= excluded.now
RETURNING now
"""
DUE_JOBS: Final = """
SELECT task, count(*) FROM (
    (SELECT task, queue FROM jobs WHERE state = 'queued' AND NOT held LIMIT %(bound)s)
    UNION ALL (SELECT task, queue FROM jobs
        WHERE state IN ('scheduled', 'retrying') AND run_at <= %(now)s LIMIT %(bound)s)
    UNION ALL (SELECT task, NULL FROM jobs WHERE state = 'running' LIMIT %(bound)s)
) AS due
WHERE queue IS NULL OR queue NOT IN (SELECT name FROM queues WHERE paused)
GROUP BY task ORDER BY task
"""
DUE_SCHEDULES: Final = "SELECT name FROM schedules WHERE next_at <= %s AND NOT retired ORDER BY name"
DUE_PROBES: Final = "SELECT name FROM lanes WHERE state = 'open' AND probe_at <= %s ORDER BY name LIMIT %s"


def read(connection: PgConnection) -> datetime | None:
    """Return the test clock's time; None when it was never set."""
    row = connection.execute(READ).fetchone()
    return None if row is None else row[0]


def set_forward(connection: PgConnection, now: datetime) -> datetime | None:
    """Set the clock forward, or to its current time; None when `now` is earlier."""
    row = connection.execute(MOVE, (now,)).fetchone()
    return None if row is None else row[0]


def due_jobs(connection: PgConnection, now: datetime, bound: int) -> dict[str, int]:
    """Count due or running jobs by task, without those in paused queues or held lanes."""
    return dict(connection.execute(DUE_JOBS, {"now": now, "bound": bound}).fetchall())


def due_schedules(connection: PgConnection, now: datetime) -> list[str]:
    """Return the schedules with a due occurrence."""
    return [row[0] for row in connection.execute(DUE_SCHEDULES, (now,)).fetchall()]


def due_probes(connection: PgConnection, now: datetime, bound: int) -> list[str]:
    """Return the open lanes with a due probe."""
    return [row[0] for row in connection.execute(DUE_PROBES, (now, bound)).fetchall()]
