"""Bulk actions: preview, start, pause, resume, stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import QueryParams

from console import tenants, texts
from console.answers import Redirect, TemplateResponse
from console.asked import describe_query, parse_job_filter
from console.visit import ConsoleRequest
from domain.errors import Invalid, NotFound
from domain.paging import cursor_id
from models.console import BulkAction, BulkRun, BulkState
from services import bulk_runs, foreseeing, jobs
from services.foreseeing import Foreseen
from store import bulk_runs as rows
from store import workers

SHOWN: Final = 50
MOVING: Final = frozenset({BulkState.PREVIEW, BulkState.RUNNING})


@dataclass(frozen=True, slots=True)
class BulkLine:
    """One task of one tenant: number of matching jobs, and the dry run of those that were previewed."""

    who: str
    tenant: str
    task: str
    count: int | None
    would: Foreseen


def begin(request: ConsoleRequest) -> Redirect:
    """Start the preview of an action on all jobs that match a filter. Raises Invalid."""
    form = request.incoming.form
    try:
        action = BulkAction(form.get("action", ""))
    except ValueError:
        raise Invalid(message="Choose an action: retry or cancel.") from None
    job_filter = parse_job_filter(QueryParams(form.get("filter", "")))
    query = tenants.resolved(request, job_filter.query)
    if query.fingerprint is None:
        query = jobs.within_span(query, request.now, real_time=not request.deps.test_clock)
    run = bulk_runs.preview(request.session, request.jobs, action, query, request.actor())
    return Redirect(f"/console/bulk/{run.id}")


def show_runs(request: ConsoleRequest) -> TemplateResponse:
    """Show bulk actions, newest first."""
    runs = rows.newest(request.session, cursor_id(request.incoming.param("cursor")), SHOWN + 1)
    following = f"/console/bulk?cursor={runs[SHOWN - 1].id}" if len(runs) > SHOWN else None
    described = [(run, describe_query(run.query)) for run in runs[:SHOWN]]
    return TemplateResponse("bulk.html", "Bulk actions", {"runs": described, "next": following}, "bulk")


def show_run(request: ConsoleRequest) -> TemplateResponse:
    """Show one bulk action: its preview, then its progress. Raises NotFound."""
    run = rows.by_id(request.session, request.incoming.uuid("run_id"))
    if run is None:
        raise NotFound
    lines = lines_of(request, run)
    values = {
        "run": run,
        "words": describe_query(run.query),
        "lines": lines,
        "sum": foreseeing.total(line.would for line in lines),
        "most": foreseeing.MOST,
        "alive": any(alive for _, alive, _ in workers.listed(request.session)),
        "reason": "",
    }
    title = texts.BULK_TITLES[BulkAction(run.action)]
    moving = run.state in MOVING and not (run.state == BulkState.PREVIEW and run.foreseen_at)
    return TemplateResponse("bulk_run.html", title, values, "bulk", live=("_bulk_run",) if moving else (), soon=moving)


def lines_of(request: ConsoleRequest, run: BulkRun) -> Sequence[BulkLine]:
    """Return counts and dry-run results per task and tenant, most jobs first."""
    counts: dict[tuple[str, str], Any] = {(row["task"], row["tenant"]): row["count"] for row in run.counts or ()}
    would = {(row.task, row.tenant): row for row in foreseeing.foreseen(run)}
    names = tenants.named(request, [tenant for _, tenant in {**counts, **would}])
    lines = [
        BulkLine(names.get(tenant, tenant) or texts.PROVIDER, tenant, task, counts.get((task, tenant)),
             would.get((task, tenant), Foreseen(task, tenant)))
        for task, tenant in {**counts, **would}
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (-(line.count or line.would.jobs), line.who, line.task))


def start(request: ConsoleRequest, reason: str | None) -> str:
    """Start a previewed bulk action."""
    run = bulk_runs.start(request.session, request.jobs, request.incoming.uuid("run_id"), request.actor(reason))
    return f"/console/bulk/{run.id}?done=bulk"


def pause(request: ConsoleRequest, reason: str | None) -> str:
    """Pause after the current chunk."""
    bulk_runs.pause(request.session, request.jobs, request.incoming.uuid("run_id"), request.actor(reason))
    return f"/console/bulk/{request.incoming.params['run_id']}?done=pause-bulk"


def resume(request: ConsoleRequest, reason: str | None) -> str:
    """Continue a paused bulk action."""
    bulk_runs.resume(request.session, request.jobs, request.incoming.uuid("run_id"), request.actor(reason))
    return f"/console/bulk/{request.incoming.params['run_id']}?done=resume-bulk"


def stop(request: ConsoleRequest, reason: str | None) -> str:
    """End a bulk action; the remaining jobs are skipped."""
    bulk_runs.stop(request.session, request.jobs, request.incoming.uuid("run_id"), request.actor(reason))
    return f"/console/bulk/{request.incoming.params['run_id']}?done=stop"
