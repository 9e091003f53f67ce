"""Jobs: searched by filters that live in the address, one page after another."""

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
GOES_ON: Final = "scan"
"""Set in the address of a search that was cut: it need not be tried in one go again."""


def show_jobs(visit: Visit) -> Page:
    """Matching jobs, newest first. Raises Invalid for a time that is none."""
    asked = asked_of(visit.arrival.query)
    query = jobs.within_span(tenants.resolved(visit, asked.query), visit.now, real_time=not visit.deps.test_clock)
    cursor = cursor_id(visit.arrival.asked("cursor"))
    catalogue = visit.deps.jobs.catalogue
    searcher = Searcher(catalogue, visit.deps.clock, SEARCH_MS, at_once=0 if visit.arrival.asked(GOES_ON) else AT_ONCE)
    found = searcher.search(visit.session, replace(query, before=cursor), SHOWN)
    values = {
        "asked": asked,
        "states": list(JobState),
        "tasks": sorted(payload.policy.name for payload in catalogue),
        "queues": catalogue.queues,
        "found": found,
        "names": tenants.named(visit, [view.job.tenant for view in found.items]),
        "total": total(visit, query, found, first=cursor is None),
        "most": console_jobs.COUNT_MOST,
        "next": None if found.next is None else _following(visit.arrival, found),
        "first": cursor is None,
        "week": asked.after is None and asked.before is None,
        "saved": saved_searches.listed(visit.session, visit.operator),
    }
    return Page("jobs.html", "Jobs", values, "jobs", live=("_jobs",) if cursor is None else ())


def total(visit: Visit, query: JobQuery, found: Found, *, first: bool) -> int | None:
    """How many match, 10,001 for more; None when counting takes over a tenth of a second."""
    if found.partial:
        return None
    if first and found.next is None:
        return len(found.items)
    return bounded(visit, lambda: console_jobs.bounded_count(driver(visit.session), query), COUNT_MS)


def _following(arrival: Arrival, found: Found) -> str:
    kept = [(name, text) for name, text in arrival.query.multi_items() if name not in {"cursor", "done", GOES_ON}]
    goes_on = [(GOES_ON, "1")] if found.partial else []
    return f"/console/jobs?{urlencode([*kept, ('cursor', str(found.next)), *goes_on])}"
