"""Queues: counts, throughput, fairness between tenants, and the concurrency limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kontor.console import stats
from kontor.engine.admin import overview, queues
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Invalid, NotFound
from kontor.monitoring import queries as monitoring_queries
from kontor.ui import formatting, texts
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.formatting import timeboxed
from models.console import RollupSize
from models.control import Queue

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


def show_queues(request: ConsoleRequest) -> TemplateResponse:
    """Show each queue with its counts, throughput and actions."""
    views = queues.list_queues(request.session, request.deps.jobs.catalogue.queues, request.now)
    speeds = monitoring_queries.by_queue(psycopg_connection(request.session), RollupSize.MINUTE, request.now - RECENT)
    minutes = RECENT / timedelta(minutes=1)
    limits = {row.name: row.concurrency for row in request.session.query(Queue)}
    values = {"queues": views, "speeds": {name: count / minutes for name, count in speeds.items()}, "limits": limits}
    return TemplateResponse("queues.html", "Queues", values, "queues", live=("_queues",))


def show_queue(request: ConsoleRequest) -> TemplateResponse:
    """Show one queue. Raises NotFound."""
    name = request.incoming.params["name"]
    if name not in request.deps.jobs.catalogue.queues:
        raise NotFound
    range_ = stats.RANGES.get(request.incoming.query.get("span", ""), stats.RANGES["hour"])
    view = next(row for row in queues.list_queues(request.session, [name], request.now) if row.name == name)
    row = request.session.get(Queue, name)
    tasks = {task.policy.name: task.policy for task in request.deps.jobs.catalogue if task.policy.queue == name}
    shares = timeboxed(request, lambda: tenant_shares(request, name))
    values = {
        "queue": view,
        "tasks": tasks,
        "limit": row.concurrency if row else None,
        "shares": shares or [],
        "partial": shares is None,
        "bars": stats.bars(psycopg_connection(request.session), range_, request.now, name),
        "stats_range": range_,
        "stats_ranges": stats.RANGES.values(),
    }
    return TemplateResponse("queue.html", f"Queue {name}", values, "queues", live=("_queue",))


def tenant_shares(request: ConsoleRequest, name: str) -> Sequence[TenantShare]:
    """Return tenants with waiting or recently finished jobs, most waiting first."""
    connection = psycopg_connection(request.session)
    taken = dict(overview.finished_by_tenant(connection, name, request.now - RECENT))
    waiting = {row.tenant: row for row in overview.waiting(connection, name)}
    names = formatting.named(request, [*taken, *waiting])
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


def limit(request: ConsoleRequest, reason: str | None) -> str:
    """Set the concurrency limit of a queue. Raises Invalid, NotFound."""
    name, text = request.incoming.params["name"], request.incoming.form.get("concurrency", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Invalid(message="Enter a whole number, or leave the limit empty.")
    queues.set_concurrency(request.session, request.jobs, name, int(text) if text else None, request.actor(reason))
    return f"/console/queues/{name}?done=limit"
