"""Queues: counts, throughput, fairness between tenants, and the concurrency limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from console import figures, tenants, texts
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
class TenantShare:
    """A tenant in a queue: jobs waiting (1,000 at most) and finished within ten minutes. `share` in per cent."""

    tenant: str
    name: str
    waiting: int
    oldest: datetime | None
    priority: int | None
    taken: int
    share: int


def show_queues(visit: Visit) -> Page:
    """Show each queue with its counts, throughput and actions."""
    views = queues.listed(visit.session, visit.deps.jobs.catalogue.queues, visit.now)
    speeds = rollups.by_queue(driver(visit.session), RollupSize.MINUTE, visit.now - RECENT)
    minutes = RECENT / timedelta(minutes=1)
    limits = {row.name: row.concurrency for row in visit.session.query(Queue)}
    values = {"queues": views, "speeds": {name: count / minutes for name, count in speeds.items()}, "limits": limits}
    return Page("queues.html", "Queues", values, "queues", live=("_queues",))


def show_queue(visit: Visit) -> Page:
    """Show one queue. Raises NotFound."""
    name = visit.arrival.params["name"]
    if name not in visit.deps.jobs.catalogue.queues:
        raise NotFound
    range_ = figures.RANGES.get(visit.arrival.query.get("span", ""), figures.RANGES["hour"])
    view = next(row for row in queues.listed(visit.session, [name], visit.now) if row.name == name)
    row = visit.session.get(Queue, name)
    tasks = {task.policy.name: task.policy for task in visit.deps.jobs.catalogue if task.policy.queue == name}
    shares = bounded(visit, lambda: tenant_shares(visit, name))
    values = {
        "queue": view,
        "tasks": tasks,
        "limit": row.concurrency if row else None,
        "shares": shares or [],
        "partial": shares is None,
        "bars": figures.bars(driver(visit.session), range_, visit.now, name),
        "stats_range": range_,
        "stats_ranges": figures.RANGES.values(),
    }
    return Page("queue.html", f"Queue {name}", values, "queues", live=("_queue",))


def tenant_shares(visit: Visit, name: str) -> Sequence[TenantShare]:
    """Return tenants with waiting or recently finished jobs, most waiting first."""
    connection = driver(visit.session)
    taken = dict(console_engine.turns(connection, name, visit.now - RECENT))
    waiting = {row.tenant: row for row in console_engine.waiting(connection, name)}
    names = tenants.named(visit, [*taken, *waiting])
    most = max(taken.values(), default=1)
    shares = [
        TenantShare(
            tenant=tenant,
            name=names.get(tenant, tenant) or texts.PROVIDER,
            waiting=waiting[tenant].count if tenant in waiting else 0,
            oldest=waiting[tenant].oldest if tenant in waiting else None,
            priority=waiting[tenant].priority if tenant in waiting else None,
            taken=taken.get(tenant, 0),
            share=round(100 * taken.get(tenant, 0) / most),
        )
        for tenant in {**waiting, **taken}
    ]
    return sorted(shares, key=lambda share: (-share.waiting, -share.taken, share.name))


def limit(visit: Visit, reason: str | None) -> str:
    """Set the concurrency limit of a queue. Raises Invalid, NotFound."""
    name, text = visit.arrival.params["name"], visit.arrival.form.get("concurrency", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Invalid(message="Enter a whole number, or leave the limit empty.")
    steering.limit_queue(visit.session, visit.jobs, name, int(text) if text else None, visit.actor(reason))
    return f"/console/queues/{name}?done=limit"
