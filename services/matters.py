"""What needs a person right now, found by looking: nothing has to remember to say so, so nothing can forget."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from domain.alerts import AlertKind, Matter
from engine.catalogue import Catalogue
from engine.driver import driver
from services.mails import SEND
from store import alerts as rows
from store import console_engine, dead, queues

HELD_FOR: Final = timedelta(minutes=5)
"""A lane that is open for less long sorts itself out."""


def at_hand(session: Session, catalogue: Catalogue, now: datetime) -> list[Matter]:
    """Everything there is, each matter once."""
    return [
        *_dead(session),
        *_late(session, catalogue, now),
        *_lanes(session, now),
        *_runs(session),
        *rows.gaps(driver(session)),
    ]


def _dead(session: Session) -> Iterator[Matter]:
    """A matter for each error. Dead mails do not make more mails for being more: the digest would feed on itself."""
    for group in dead.groups(driver(session)):
        tasks = ", ".join(group.tasks)
        yield Matter(
            AlertKind.DEAD_JOBS,
            group.fingerprint or tasks,
            group.count,
            f"{tasks}: {group.says or 'no error was written down'}",
            group.last,
            grows=group.tasks != [SEND],
        )


def _late(session: Session, catalogue: Catalogue, now: datetime) -> Iterator[Matter]:
    connection = driver(session)
    dues = {one.policy.name: one.policy.due_by.total_seconds() for one in catalogue}
    paused = queues.paused(connection)
    for task, (count, since) in console_engine.late(connection, dues, now).items():
        queue = catalogue[task].policy.queue
        note = f"; the queue {queue} is paused" if queue in paused else ""
        yield Matter(AlertKind.LATE_WORK, task, count, f"{task}: due since {since:%Y-%m-%d %H:%M} UTC{note}")


def _lanes(session: Session, now: datetime) -> Iterator[Matter]:
    """A lane whose hold began anew, because its jobs died of waiting, is news."""
    for lane in rows.held_lanes(session, now - HELD_FOR):
        told = f"{lane.name}: {lane.last_error or 'no answer'}"
        yield Matter(AlertKind.HELD_LANES, lane.name, 1, told, lane.held_since, grows=True)


def _runs(session: Session) -> Iterator[Matter]:
    """The mail itself left when the run was held; this keeps the matter open until somebody decided."""
    for run in rows.held_runs(session):
        told = f"{run.programme} {run.day}: {run.moved} of {run.resellers} resellers would move"
        yield Matter(AlertKind.GUARD_RAIL, f"{run.programme} {run.day}", run.moved, told, run.started_at)
