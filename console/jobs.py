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
from store import console_jobs
from store.jobs_read import JobQuery

SHOWN: Final = 50
COUNT_MS: Final = 100


def show_jobs(visit: Visit) -> Page:
    """Matching jobs, newest first. Raises Invalid for a time that is none."""
    asked = asked_of(visit.arrival.query)
    query = jobs.within_span(tenants.resolved(visit, asked.query), visit.now, real_time=not visit.deps.test_clock)
    cursor = cursor_id(visit.arrival.asked("cursor"))
    catalogue = visit.deps.jobs.catalogue
    found = jobs.search(visit.session, catalogue, replace(query, before=cursor), SHOWN)
    values = {
        "asked": asked,
        "states": list(JobState),
        "tasks": sorted(payload.policy.name for payload in catalogue),
        "queues": catalogue.queues,
        "found": found,
        "names": tenants.named(visit, [view.job.tenant for view in found.items]),
        "total": None if found.partial else counted(visit, query),
        "most": console_jobs.COUNT_MOST,
        "next": None if found.next is None else _following(visit.arrival, str(found.next)),
        "first": cursor is None,
        "week": asked.after is None and asked.before is None,
        "saved": saved_searches.listed(visit.session, visit.operator),
    }
    return Page("jobs.html", "Jobs", values, "jobs", live=("_jobs",) if cursor is None else ())


def counted(visit: Visit, query: JobQuery) -> int | None:
    """How many match, 10,001 for more; None when counting takes over a tenth of a second."""
    return bounded(visit, lambda: console_jobs.bounded_count(driver(visit.session), query), COUNT_MS)


def _following(arrival: Arrival, cursor: str) -> str:
    kept = [(name, text) for name, text in arrival.query.multi_items() if name not in {"cursor", "done"}]
    return f"/console/jobs?{urlencode([*kept, ('cursor', cursor)])}"
