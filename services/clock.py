"""The test clock: set by the API, and frozen to one instant for each request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.ports import Clock, Doorbell
from engine.driver import driver
from engine.enqueue import ring_after_commit
from engine.schedules import rewind
from store import clock as rows

COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A clock frozen at one instant of programme time; wall time and monotonic time advance."""

    instant: datetime
    clock: Clock

    def now(self) -> datetime:
        """The instant, aware, UTC."""
        return self.instant

    def real(self) -> datetime:
        """Wall time, aware, UTC."""
        return self.clock.real()

    def monotonic(self) -> float:
        """Seconds of real time since an arbitrary start."""
        return self.clock.monotonic()


@dataclass(frozen=True, slots=True)
class Due:
    """Work due at an instant: job counts by task, schedules, probes of open lanes."""

    jobs: Mapping[str, int]
    schedules: Sequence[str]
    probes: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.jobs or self.schedules or self.probes)


def move(session: Session, doorbell: Doorbell, now: datetime) -> datetime:
    """Set the test clock for every process. Raises Conflict(`clock_backwards`)."""
    moved = rows.move(driver(session), now)
    if moved is None:
        current = rows.read(driver(session))
        text = current.astimezone(UTC).isoformat().replace("+00:00", "Z") if current else ""
        raise Conflict("clock_backwards", f"The clock is at {text} and only moves forward.", now=text)
    rewind(session, moved)
    ring_after_commit(session, doorbell)
    return moved.astimezone(UTC)


def due(session: Session, now: datetime) -> Due:
    """Return the work due at `now`, without paused queues and held lanes; empty once everything has settled.

    Jobs are counted last, so a schedule or probe that becomes a job between the queries is seen as either.
    """
    connection = driver(session)
    schedules = rows.due_schedules(connection, now)
    probes = rows.due_probes(connection, now, COUNTED)
    return Due(rows.due_jobs(connection, now, COUNTED), schedules, probes)
