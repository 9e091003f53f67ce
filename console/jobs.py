"""Job search: the filter is kept in the URL; results are paged."""

from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from console import tenants
from console.answers import Page
from console.asked import asked_of
from console.partial import bounded
from console.visit import Arrival, Visit
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


def show_jobs(visit: Visit) -> Page:
    """Show matching jobs, newest first. Raises Invalid for a malformed time."""
    job_filter = asked_of(visit.arrival.query)
    query = jobs.within_span(tenants.resolved(visit, job_filter.query), visit.now, real_time=not visit.deps.test_clock)
    cursor = cursor_id(visit.arrival.param("cursor"))
    catalogue = visit.deps.jobs.catalogue
    searcher = Searcher(
        catalogue, visit.deps.clock, SEARCH_MS, at_once=0 if visit.arrival.param(CONTINUES) else AT_ONCE
    )
    result = searcher.search(visit.session, replace(query, before=cursor), SHOWN)
    values = {
        "filter": job_filter,
        "states": list(JobState),
        "tasks": sorted(payload.policy.name for payload in catalogue),
        "queues": catalogue.queues,
        "result": result,
        "names": tenants.named(visit, [view.job.tenant for view in result.items]),
        "total": total(visit, query, result, first=cursor is None),
        "most": console_jobs.COUNT_MOST,
        "next": None if result.next is None else _following(visit.arrival, result),
        "first": cursor is None,
        "week": job_filter.after is None and job_filter.before is None,
        "saved": saved_searches.listed(visit.session, visit.operator),
    }
    return Page("jobs.html", "Jobs", values, "jobs", live=("_jobs",) if cursor is None else ())


def total(visit: Visit, query: JobQuery, result: Found, *, first: bool) -> int | None:
    """Return the number of matches, 10,001 for more; None if counting takes over 0.1 s."""
    if result.partial:
        return None
    if first and result.next is None:
        return len(result.items)
    return bounded(visit, lambda: console_jobs.bounded_count(driver(visit.session), query), COUNT_MS)


def _following(arrival: Arrival, result: Found) -> str:
    kept = [(name, text) for name, text in arrival.query.multi_items() if name not in {"cursor", "done", CONTINUES}]
    scan = [(CONTINUES, "1")] if result.partial else []
    return f"/console/jobs?{urlencode([*kept, ('cursor', str(result.next)), *scan])}"
