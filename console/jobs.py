"""Job search: the filter is kept in the URL; results are paged."""

from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from console import tenants
from console.answers import TemplateResponse
from console.asked import parse_job_filter
from console.partial import timeboxed
from console.visit import ConsoleRequest, IncomingPageRequest
from domain.jobs import JobState
from domain.paging import cursor_id
from engine.driver import driver
from services import jobs, saved_searches
from services.job_search import AT_ONCE, Found, Searcher
from store import console_jobs
from store.jobs_read import JobQuery

SHOWN: Final = 50
SEARCH_MS: Final = 150
COUNT_MS: Final = 100
CONTINUES: Final = "scan"
"""Set in the URL that continues a cut search, so that the single full query is not tried again."""


def show_jobs(request: ConsoleRequest) -> TemplateResponse:
    """Show matching jobs, newest first. Raises Invalid for a malformed time."""
    job_filter = parse_job_filter(request.incoming.query)
    query = jobs.within_span(
        tenants.resolved(request, job_filter.query), request.now, real_time=not request.deps.test_clock
    )
    cursor = cursor_id(request.incoming.param("cursor"))
    catalogue = request.deps.jobs.catalogue
    searcher = Searcher(
        catalogue, request.deps.clock, SEARCH_MS, at_once=0 if request.incoming.param(CONTINUES) else AT_ONCE
    )
    result = searcher.search(request.session, replace(query, before=cursor), SHOWN)
    values = {
        "filter": job_filter,
        "states": list(JobState),
        "tasks": sorted(payload.policy.name for payload in catalogue),
        "queues": catalogue.queues,
        "result": result,
        "names": tenants.named(request, [view.job.tenant for view in result.items]),
        "total": total(request, query, result, first=cursor is None),
        "most": console_jobs.COUNT_MOST,
        "next": None if result.next is None else _following(request.incoming, result),
        "first": cursor is None,
        "week": job_filter.after is None and job_filter.before is None,
        "saved": saved_searches.listed(request.session, request.operator),
    }
    return TemplateResponse("jobs.html", "Jobs", values, "jobs", live=("_jobs",) if cursor is None else ())


def total(request: ConsoleRequest, query: JobQuery, result: Found, *, first: bool) -> int | None:
    """Return the number of matches, 10,001 for more; None if counting takes over 0.1 s."""
    if result.partial:
        return None
    if first and result.next is None:
        return len(result.items)
    return timeboxed(request, lambda: console_jobs.bounded_count(driver(request.session), query), COUNT_MS)


def _following(incoming: IncomingPageRequest, result: Found) -> str:
    kept = [(name, text) for name, text in incoming.query.multi_items() if name not in {"cursor", "done", CONTINUES}]
    scan = [(CONTINUES, "1")] if result.partial else []
    return f"/console/jobs?{urlencode([*kept, ('cursor', str(result.next)), *scan])}"
