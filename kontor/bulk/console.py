"""Bulk actions: preview, start, pause, resume, stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from kontor.bulk import preview, service
from kontor.bulk.preview import Preview
from kontor.engine.admin import overview
from kontor.engine.admin.job_filter import JobFilter
from kontor.jobs import service as jobs
from kontor.kernel.errors import Invalid, NotFound
from kontor.kernel.states import BulkAction
from kontor.ui import formatting, texts
from kontor.ui.console_request import ConsoleRequest, Redirect, TemplateResponse
from models.console import BulkRun, BulkState

SHOWN: Final = 50
MOVING: Final = frozenset({BulkState.PREVIEW, BulkState.RUNNING})


@dataclass(frozen=True, slots=True)
class BulkLine:
    """One task of one tenant: number of matching jobs, and the dry run of those that were previewed."""

    who: str
    tenant: str
    task: str
    count: int | None
    would: Preview


def begin(request: ConsoleRequest) -> Redirect:
    """Start the preview of an action on all jobs that match a filter. Raises Invalid."""
    form = request.incoming.form
    try:
        action = BulkAction(form.get("action", ""))
    except ValueError:
        raise Invalid(message="Choose an action: retry or cancel.") from None
    job_filter = JobFilter.parse(parse_qsl(form.get("filter", ""), keep_blank_values=True))
    applied = jobs.with_defaults(
        formatting.resolved(request, job_filter), request.now, real_time=not request.deps.test_clock
    )
    run = service.preview(request.session, request.jobs, action, applied, request.actor())
    return Redirect(f"/console/bulk/{run.id}")


def show_runs(request: ConsoleRequest) -> TemplateResponse:
    """Show bulk actions, newest first."""
    runs = service.newest(request.session, request.incoming.param("cursor"), SHOWN)
    following = f"/console/bulk?cursor={runs.next}" if runs.next is not None else None
    described = [(run, JobFilter.load(run.query).describe()) for run in runs.items]
    return TemplateResponse("bulk.html", "Bulk actions", {"runs": described, "next": following}, "bulk")


def show_run(request: ConsoleRequest) -> TemplateResponse:
    """Show one bulk action: its preview, then its progress. Raises NotFound."""
    run = service.by_id(request.session, request.incoming.uuid("run_id"))
    if run is None:
        raise NotFound
    lines = lines_of(request, run)
    values = {
        "run": run,
        "words": JobFilter.load(run.query).describe(),
        "lines": lines,
        "sum": preview.total(line.would for line in lines),
        "most": preview.MAX_JOBS,
        "alive": any(alive for _, alive, _ in overview.list_workers(request.session)),
        "reason": "",
    }
    title = texts.BULK_TITLES[BulkAction(run.action)]
    moving = run.state in MOVING and not (run.state == BulkState.PREVIEW and run.foreseen_at)
    return TemplateResponse("bulk_run.html", title, values, "bulk", live=("_bulk_run",) if moving else (), soon=moving)


def lines_of(request: ConsoleRequest, run: BulkRun) -> Sequence[BulkLine]:
    """Return counts and dry-run results per task and tenant, most jobs first."""
    counts: dict[tuple[str, str], int] = {(row["task"], row["tenant"]): row["count"] for row in run.counts or ()}
    would = {(row.task, row.tenant): row for row in preview.previews(run)}
    names = formatting.named(request, [tenant for _, tenant in {**counts, **would}])
    lines = [
        BulkLine(names.get(tenant, tenant) or texts.PROVIDER, tenant, task, counts.get((task, tenant)),
             would.get((task, tenant), Preview(task, tenant)))
        for task, tenant in {**counts, **would}
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (-(line.count or line.would.jobs), line.who, line.task))


def start(request: ConsoleRequest, reason: str | None) -> str:
    """Start a previewed bulk action."""
    run = service.start(request.session, request.jobs, request.incoming.uuid("run_id"), request.actor(reason))
    return f"/console/bulk/{run.id}?done=bulk"


def pause(request: ConsoleRequest, reason: str | None) -> str:
    """Pause after the current chunk."""
    service.pause(request.session, request.jobs, request.incoming.uuid("run_id"), request.actor(reason))
    return f"/console/bulk/{request.incoming.params['run_id']}?done=pause-bulk"


def resume(request: ConsoleRequest, reason: str | None) -> str:
    """Continue a paused bulk action."""
    service.resume(request.session, request.jobs, request.incoming.uuid("run_id"), request.actor(reason))
    return f"/console/bulk/{request.incoming.params['run_id']}?done=resume-bulk"


def stop(request: ConsoleRequest, reason: str | None) -> str:
    """End a bulk action; the remaining jobs are skipped."""
    service.stop(request.session, request.jobs, request.incoming.uuid("run_id"), request.actor(reason))
    return f"/console/bulk/{request.incoming.params['run_id']}?done=stop"
