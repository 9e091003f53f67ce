"""Bulk actions: previewed, started with a reason, watched, paused, stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import QueryParams

from console import tenants
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
    """One task of one tenant: how many match, and what those that were looked at would do."""

    who: str
    tenant: str
    task: str
    count: int | None
    would: Foreseen


def begin(visit: Visit) -> Goto:
    """A preview of an action on everything that the filter of a page names. Raises Invalid."""
    form = visit.arrival.form
    try:
        action = BulkAction(form.get("action", ""))
    except ValueError:
        raise Invalid(message="Choose what to do: retry or cancel.") from None
    asked = asked_of(QueryParams(form.get("filter", "")))
    query = tenants.resolved(visit, asked.query)
    if query.fingerprint is None:
        query = jobs.within_span(query, visit.now, real_time=not visit.deps.test_clock)
    run = bulk_runs.preview(visit.session, visit.jobs, action, query, visit.actor())
    return Goto(f"/console/bulk/{run.id}")


def show_runs(visit: Visit) -> Page:
    """Bulk actions, newest first."""
    found = rows.newest(visit.session, cursor_id(visit.arrival.asked("cursor")), SHOWN + 1)
    following = f"/console/bulk?cursor={found[SHOWN - 1].id}" if len(found) > SHOWN else None
    told = [(run, words_of(run.query)) for run in found[:SHOWN]]
    return Page("bulk.html", "Bulk actions", {"runs": told, "next": following}, "bulk")


def show_run(visit: Visit) -> Page:
    """One bulk action: what it would do, then what it does. Raises NotFound."""
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
    names = {BulkAction.RETRY: "Retry", BulkAction.CANCEL: "Cancel"}
    title = f"{names[BulkAction(run.action)]} everything that matches"
    moving = run.state in MOVING and not (run.state == BulkState.PREVIEW and run.foreseen_at)
    return Page("bulk_run.html", title, values, "bulk", live=("_bulk_run",) if moving else (), soon=moving)


def lines_of(visit: Visit, run: BulkRun) -> Sequence[Line]:
    """Counts and forecasts side by side, the most jobs first."""
    counts: dict[tuple[str, str], Any] = {(one["task"], one["tenant"]): one["count"] for one in run.counts or ()}
    would = {(one.task, one.tenant): one for one in foreseeing.foreseen(run)}
    names = tenants.named(visit, [tenant for _, tenant in {**counts, **would}])
    lines = [
        Line(names.get(tenant, tenant) or "the provider", tenant, task, counts.get((task, tenant)),
             would.get((task, tenant), Foreseen(task, tenant)))
        for task, tenant in {**counts, **would}
    ]  # fmt: skip
    return sorted(lines, key=lambda line: (-(line.count or line.would.jobs), line.who, line.task))


def start(visit: Visit, reason: str | None) -> str:
    """Do what was previewed."""
    run = bulk_runs.start(visit.session, visit.jobs, visit.arrival.uuid("run_id"), visit.actor(reason))
    return f"/console/bulk/{run.id}?done=bulk"


def pause(visit: Visit, reason: str | None) -> str:
    """Begin no further chunk."""
    bulk_runs.pause(visit.session, visit.jobs, visit.arrival.uuid("run_id"), visit.actor(reason))
    return f"/console/bulk/{visit.arrival.params['run_id']}?done=pause"


def resume(visit: Visit, reason: str | None) -> str:
    """Go on."""
    bulk_runs.resume(visit.session, visit.jobs, visit.arrival.uuid("run_id"), visit.actor(reason))
    return f"/console/bulk/{visit.arrival.params['run_id']}?done=resume"


def stop(visit: Visit, reason: str | None) -> str:
    """End it where it stands."""
    bulk_runs.stop(visit.session, visit.jobs, visit.arrival.uuid("run_id"), visit.actor(reason))
    return f"/console/bulk/{visit.arrival.params['run_id']}?done=stop"
