"""Jobs: searched by filters kept in the address, dead groups, saved searches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.console.overview import unsupported_alerts
from kontor.engine.admin import job_details, job_queries
from kontor.engine.admin.job_details import DeadGroup
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.admin.job_queries import JobRecord
from kontor.http.incoming import IncomingRequest
from kontor.jobs import service as jobs
from kontor.jobs.search import FULL_QUERY_SHARE, Searcher, SearchPage
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ids import new_id
from kontor.kernel.paging import cursor_id
from kontor.kernel.states import JobState
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest, Redirect, TemplateResponse
from kontor.ui.formatting import timeboxed
from models.console import SavedSearch
from models.people import Operator

SHOWN: Final = 50
SEARCH_MS: Final = 150
COUNT_MS: Final = 100
CONTINUES: Final = "scan"
"""Set in the URL that continues a cut search, so that the single full query is not tried again."""


def show_jobs(request: ConsoleRequest) -> TemplateResponse:
    """Show matching jobs, newest first. Raises Invalid for a malformed time."""
    job_filter = JobFilter.parse(request.incoming.query.multi_items())
    applied = jobs.with_defaults(
        formatting.resolved(request, job_filter), request.now, real_time=not request.deps.test_clock
    )
    cursor = cursor_id(request.incoming.param("cursor"))
    catalogue = request.deps.jobs.catalogue
    searcher = Searcher(
        catalogue,
        request.deps.clock,
        SEARCH_MS,
        full_query_share=0 if request.incoming.param(CONTINUES) else FULL_QUERY_SHARE,
    )
    result = searcher.search(request.session, applied.replace(before=cursor), SHOWN)
    values = {
        "filter": job_filter,
        "states": list(JobState),
        "tasks": sorted(payload.policy.name for payload in catalogue),
        "queues": catalogue.queues,
        "result": result,
        "unsupported": unsupported_alerts(request.session),
        "names": formatting.named(request, [view.job.tenant for view in result.items]),
        "total": total(request, applied, result, first=cursor is None),
        "most": job_details.MAX_COUNT,
        "next": None if result.next is None else _following(request.incoming, result),
        "first": cursor is None,
        "week": jobs.has_default_span(job_filter),
        "saved": list_searches(request.session, request.operator),
    }
    return TemplateResponse("jobs.html", "Jobs", values, "jobs", live=("_jobs",) if cursor is None else ())


def total(request: ConsoleRequest, job_filter: JobFilter, result: SearchPage, *, first: bool) -> int | None:
    """Return the number of matches, 10,001 for more; None if counting takes over 0.1 s."""
    if result.partial:
        return None
    if first and result.next is None:
        return len(result.items)
    return timeboxed(
        request, lambda: job_details.bounded_count(psycopg_connection(request.session), job_filter), COUNT_MS
    )


def _following(incoming: IncomingRequest, result: SearchPage) -> str:
    kept = [(name, text) for name, text in incoming.query.multi_items() if name not in {"cursor", "done", CONTINUES}]
    scan = [(CONTINUES, "1")] if result.partial else []
    return f"/console/jobs?{urlencode([*kept, ('cursor', str(result.next)), *scan])}"


@dataclass(frozen=True, slots=True)
class DeadGroupView:
    """A group with its newest job as example."""

    group: DeadGroup
    example: JobRecord | None

    @property
    def error(self) -> Mapping[str, str]:
        """The example's error object; empty if there is none."""
        return (self.example.error if self.example else None) or {}


def show_dead(request: ConsoleRequest) -> TemplateResponse:
    """Show every group with one example."""
    connection = psycopg_connection(request.session)
    views = [
        DeadGroupView(group, job_queries.find(connection, group.example, listed=True))
        for group in job_details.dead_groups(connection)
    ]
    total = sum(view.group.count for view in views)
    values = {"views": views, "total": total, "bounded": total >= job_details.MAX_GROUPED}
    return TemplateResponse("dead.html", "Dead jobs", values, "dead", live=("_dead",))


def keep(request: ConsoleRequest) -> Redirect:
    """Save the search of the submitted form. Raises Invalid."""
    assert request.operator is not None
    form = request.incoming.form
    address = JobFilter.parse(parse_qsl(form.get("filter", ""), keep_blank_values=True)).to_query_string()
    save(request.session, request.operator, form.get("name", "").strip(), address, request.now)
    return Redirect(f"/console/jobs?{address}&done=kept" if address else "/console/jobs?done=kept")


def forget(request: ConsoleRequest) -> Redirect:
    """Delete one of the operator's own searches."""
    assert request.operator is not None
    search_id: UUID = request.incoming.uuid("search_id")
    remove(request.session, request.operator, search_id)
    return Redirect("/console/jobs?done=forgotten")


MAX_NAME: Final = 60
MAX_QUERY: Final = 2_000
MAX_SEARCHES: Final = 50


def list_searches(session: Session, operator: Operator | None) -> list[SavedSearch]:
    """Return an operator's searches by name."""
    if operator is None:
        return []
    query = select(SavedSearch).where(SavedSearch.operator_id == operator.id)
    return list(session.scalars(query.order_by(SavedSearch.name).limit(MAX_SEARCHES)))


def save(session: Session, operator: Operator, name: str, query: str, now: datetime) -> None:
    """Save a search; an existing one with the same name is replaced. Raises Invalid."""
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        message = f"Give the search a name of 1 to {MAX_NAME} printable characters."
        raise Invalid(message=message, errors=[FieldError("name", message)])
    if len(query) > MAX_QUERY:
        raise Invalid(message="This search is too long to save.")
    if len(list_searches(session, operator)) >= MAX_SEARCHES:
        raise Invalid(message=f"You already have {MAX_SEARCHES} saved searches; delete one first.")
    values = {"id": new_id(), "operator_id": operator.id, "name": name, "query": query, "created_at": now}
    statement = insert(SavedSearch).values(values)
    replacement = {"query": statement.excluded.query, "created_at": statement.excluded.created_at}
    session.execute(statement.on_conflict_do_update(index_elements=["operator_id", "name"], set_=replacement))


def remove(session: Session, operator: Operator, search_id: UUID) -> None:
    """Delete a search of this operator; searches of others are not affected."""
    own = (SavedSearch.id == search_id, SavedSearch.operator_id == operator.id)
    session.execute(delete(SavedSearch).where(*own))
