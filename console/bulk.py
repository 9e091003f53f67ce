"""Bulk actions: preview, start, pause, resume, stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import QueryParams

from console import tenants, texts
from console.answers import Goto, Page
from console.asked import asked_of, words_of
from console.visit import Visit
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
class Line:
    """One task of one tenant: number of matching jobs, and the dry run of those that were previewed."""

    who: str
    tenant: str
    task: str
    count: int | None
    would: Foreseen


def begin(visit: Visit) -> Goto:
    """Start the preview of an action on all jobs that match a filter. Raises Invalid."""
    form = visit.arrival.form
    try:
        action = BulkAction(form.get("action", ""))
    except ValueError:
        raise Invalid(message="Choose an action: retry or cancel.") from None
    job_filter = asked_of(QueryParams(form.get("filter", "")))
    query = tenants.resolved(visit, job_filter.query)
    if query.fingerprint is None:
        query = jobs.within_span(query, visit.now, real_time=not visit.deps.test_clock)
    run = bulk_runs.preview(visit.session, visit.jobs, action, query, visit.actor())
    return Goto(f"/console/bulk/{run.id}")


def show_runs(visit: Visit) -> Page:
    """Show bulk actions, newest first."""
    runs = rows.newest(visit.session, cursor_id(visit.arrival.param("cursor")), SHOWN + 1)
    following = f"/console/bulk?cursor={runs[SHOWN - 1].id}" if len(runs) > SHOWN else None
    described = [(run, words_of(run.query)) for run in runs[:SHOWN]]
    return Page("bulk.html", "Bulk actions", {"runs": described, "next": following}, "bulk")


def show_run(visit: Visit) -> Page:
    """Show one bulk action: its preview, then its progress. Raises NotFound."""
    run = rows.by_id(visit.session, visit.arrival.uuid("run_id"))
    if run is None:
        raise NotFound
    lines = lines_of(visit, run)
    values = {
        "run": run,
        "words": words_of(run.query),
        "lines": lines,
        "sum": foreseeing.total(line.would for line in lines),
        "most": foreseeing.MOST,
        "alive": any(alive for _, alive, _ in workers.listed(visit.session)),
        "reason": "",
    }
    title = texts.BULK_TITLES[BulkAction(run.action)]
    moving = run.state in MOVING and not (run.state == BulkState.PREVIEW and run.foreseen_at)
    return Page("bulk_run.html", title, values, "bulk", live=("_bulk_run",) if moving else (), soon=moving)


def lines_of(visit: Visit, run: BulkRun) -> Sequence[Line]:
    """Return counts and dry-run results per task and tenant, most jobs first."""
    counts: dict[tuple[str, str], Any] = {(row["task"], row["tenant"]): row["count"] for row in run.counts or ()}
    would = {(row.task, row.tenant): row for row in foreseeing.foreseen(run)}
    names = tenants.named(visit, [tenant for _, tenant in {**counts, **would}])
    lines = [
        Line(names.get(tenant, tenant) or texts.PROVIDER, tenant, task, counts.get((task, tenant)),
             would.get((task, tenant), Foreseen(task, tenant)))
        for task, tenant in {**counts, **would}
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (-(line.count or line.would.jobs), line.who, line.task))


def start(visit: Visit, reason: str | None) -> str:
    """Start a previewed bulk action."""
    run = bulk_runs.start(visit.session, visit.jobs, visit.arrival.uuid("run_id"), visit.actor(reason))
    return f"/console/bulk/{run.id}?done=bulk"


def pause(visit: Visit, reason: str | None) -> str:
    """Pause after the current chunk."""
    bulk_runs.pause(visit.session, visit.jobs, visit.arrival.uuid("run_id"), visit.actor(reason))
    return f"/console/bulk/{visit.arrival.params['run_id']}?done=pause-bulk"


def resume(visit: Visit, reason: str | None) -> str:
    """Continue a paused bulk action."""
    bulk_runs.resume(visit.session, visit.jobs, visit.arrival.uuid("run_id"), visit.actor(reason))
    return f"/console/bulk/{visit.arrival.params['run_id']}?done=resume-bulk"


def stop(visit: Visit, reason: str | None) -> str:
    """End a bulk action; the remaining jobs are skipped."""
    bulk_runs.stop(visit.session, visit.jobs, visit.arrival.uuid("run_id"), visit.actor(reason))
    return f"/console/bulk/{visit.arrival.params['run_id']}?done=stop"
