"""Time as the API sets it, and one instant for one request."""

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
    """A clock that stands at one instant of programme time; real time goes on."""

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
    """What is still to be done at an instant: jobs by task, schedules, probes of open lanes."""

    jobs: Mapping[str, int]
    schedules: Sequence[str]
    probes: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.jobs or self.schedules or self.probes)


def move(session: Session, doorbell: Doorbell, now: datetime) -> datetime:
    """Set the test clock for every process. Raises Conflict(`clock_backwards`)."""
    moved = rows.move(driver(session), now)
    if moved is None:
        stands = rows.read(driver(session))
        said = stands.astimezone(UTC).isoformat().replace("+00:00", "Z") if stands else ""
        raise Conflict("clock_backwards", f"The clock stands at {said} and only moves forward.", now=said)
    rewind(session, moved)
    ring_after_commit(session, doorbell)
    return moved.astimezone(UTC)


def due(session: Session, now: datetime) -> Due:
    """What is due, paused queues and held lanes aside; empty when everything has settled.

    Jobs are counted last: a schedule or probe that becomes a job between two looks is seen as the one or the other.
    """
    connection = driver(session)
    schedules = rows.due_schedules(connection, now)
    probes = rows.due_probes(connection, now, COUNTED)
    return Due(rows.due_jobs(connection, now, COUNTED), schedules, probes)
