"""Finds open incidents by querying, so no caller has to report them."""

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
"""Shorter outages usually resolve themselves and are not reported."""


def at_hand(session: Session, catalogue: Catalogue, now: datetime) -> list[Matter]:
    """Return every open incident, each once."""
    return [
        *_dead_jobs(session),
        *_overdue_tasks(session, catalogue, now),
        *_open_lanes(session, now),
        *_held_discount_runs(session),
        *rows.gaps(driver(session)),
    ]


def _dead_jobs(session: Session) -> Iterator[Matter]:
    """One incident per error. Growth in dead mail jobs is not news, or digests would cause digests."""
    for group in dead.groups(driver(session)):
        tasks = ", ".join(group.tasks)
        yield Matter(
            AlertKind.DEAD_JOBS,
            group.fingerprint or tasks,
            group.count,
            f"{tasks}: {group.says or 'no error recorded'}",
            group.last,
            grows=group.tasks != [SEND],
        )


def _overdue_tasks(session: Session, catalogue: Catalogue, now: datetime) -> Iterator[Matter]:
    connection = driver(session)
    due_by = {payload.policy.name: payload.policy.due_by.total_seconds() for payload in catalogue}
    paused = queues.paused(connection)
    for task, (count, since) in console_engine.late(connection, due_by, now).items():
        queue = catalogue[task].policy.queue
        note = f"; the queue {queue} is paused" if queue in paused else ""
        yield Matter(AlertKind.LATE_WORK, task, count, f"{task}: due since {since:%Y-%m-%d %H:%M} UTC{note}")


def _open_lanes(session: Session, now: datetime) -> Iterator[Matter]:
    """A lane that opened again, because its jobs died waiting, is news."""
    for lane in rows.held_lanes(session, now - HELD_FOR):
        detail = f"{lane.name}: {lane.last_error or 'no answer'}"
        yield Matter(AlertKind.HELD_LANES, lane.name, 1, detail, lane.held_since, grows=True)


def _held_discount_runs(session: Session) -> Iterator[Matter]:
    """The mail itself was sent when the run was held; this keeps the incident open until an operator decides."""
    for run in rows.held_runs(session):
        detail = f"{run.programme} {run.day}: {run.moved} of {run.resellers} resellers would change tier"
        yield Matter(AlertKind.GUARD_RAIL, f"{run.programme} {run.day}", run.moved, detail, run.started_at)
