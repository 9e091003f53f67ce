"""Queues: their counts, their speed, whose turn it was, and how many jobs may be out at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from console import figures, tenants
from console.answers import Page
from console.partial import bounded
from console.visit import Visit
from domain.errors import Invalid, NotFound
from engine.driver import driver
from models.console import RollupSize
from models.control import Queue
from services import queues, steering
from store import console_engine, rollups

RECENT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Turn:
    """A tenant in a queue: how many of its jobs wait (1,000 at most) and ended within ten minutes."""

    tenant: str
    name: str
    waiting: int
    oldest: datetime | None
    priority: int | None
    taken: int
    share: int


def show_queues(visit: Visit) -> Page:
    """Each queue with its counts, its speed and its switch."""
    views = queues.listed(visit.session, visit.deps.jobs.catalogue.queues, visit.now)
    speeds = rollups.by_queue(driver(visit.session), RollupSize.MINUTE, visit.now - RECENT)
    minutes = RECENT / timedelta(minutes=1)
    limits = {row.name: row.concurrency for row in visit.session.query(Queue)}
    values = {"queues": views, "speeds": {name: count / minutes for name, count in speeds.items()}, "limits": limits}
    return Page("queues.html", "Queues", values, "queues", live=("_queues",))


def show_queue(visit: Visit) -> Page:
    """One queue. Raises NotFound."""
    name = visit.arrival.params["name"]
    if name not in visit.deps.jobs.catalogue.queues:
        raise NotFound
    span = figures.SPANS.get(visit.arrival.query.get("span", ""), figures.SPANS["hour"])
    view = next(one for one in queues.listed(visit.session, [name], visit.now) if one.name == name)
    row = visit.session.get(Queue, name)
    tasks = {one.policy.name: one.policy for one in visit.deps.jobs.catalogue if one.policy.queue == name}
    turns = bounded(visit, lambda: turns_of(visit, name))
    values = {
        "queue": view,
        "tasks": tasks,
        "limit": row.concurrency if row else None,
        "turns": turns or [],
        "partial": turns is None,
        "bars": figures.bars(driver(visit.session), span, visit.now, name),
        "span": span,
        "spans": figures.SPANS.values(),
    }
    return Page("queue.html", f"Queue {name}", values, "queues", live=("_queue",))


def turns_of(visit: Visit, name: str) -> Sequence[Turn]:
    """Every tenant that waits or had a turn lately, those who wait longest first."""
    connection = driver(visit.session)
    taken = dict(console_engine.turns(connection, name, visit.now - RECENT))
    waiting = {one.tenant: one for one in console_engine.waiting(connection, name)}
    names = tenants.named(visit, [*taken, *waiting])
    most = max(taken.values(), default=1)
    found = [
        Turn(
            tenant=tenant,
            name=names.get(tenant, tenant) or "the provider",
            waiting=waiting[tenant].count if tenant in waiting else 0,
            oldest=waiting[tenant].oldest if tenant in waiting else None,
            priority=waiting[tenant].priority if tenant in waiting else None,
            taken=taken.get(tenant, 0),
            share=round(100 * taken.get(tenant, 0) / most),
        )
        for tenant in {**waiting, **taken}
    ]
    return sorted(found, key=lambda one: (-one.waiting, -one.taken, one.name))


def limit(visit: Visit, reason: str | None) -> str:
    """Set how many jobs of a queue may be out at once. Raises Invalid, NotFound."""
    name, text = visit.arrival.params["name"], visit.arrival.form.get("concurrency", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Invalid(message="At once is a whole number, or nothing for no limit.")
    steering.limit_queue(visit.session, visit.jobs, name, int(text) if text else None, visit.actor(reason))
    return f"/console/queues/{name}?done=limit"
