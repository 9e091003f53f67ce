"""Bulk actions on all matching jobs: a dry run counts, a job applies the action in chunks."""

from typing import Any
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from api.answers import Answer
from api.call import Access, Call, Here
from api.job_docs import JobDoc, job_doc
from api.routes import Routes
from api.schema import Incoming, Instant, Outgoing
from domain.errors import NotFound
from domain.jobs import JobState
from engine.control import Actor
from models.console import BulkAction
from models.keys import Scope
from services import bulk, bulk_runs, jobs
from store.jobs_read import JobQuery

routes = Routes("jobs")


class BulkFilter(Incoming):
    """Same filters as `GET /v1/jobs`; arguments as `args.KEY` members or under `args`."""

    state: list[JobState] = Field(default_factory=list)
    task: str | None = None
    queue: str | None = None
    tenant: str | None = None
    created_after: Instant | None = None
    created_before: Instant | None = None
    args: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def gather(cls, value: Any) -> Any:
        """Collect `args.KEY` members under `args`."""
        if not isinstance(value, dict) or not any(name.startswith("args.") for name in value):
            return value
        args = {name.removeprefix("args."): value[name] for name in value if name.startswith("args.")}
        rest = {name: member for name, member in value.items() if not name.startswith("args.")}
        return {**rest, "args": args}

    @field_validator("state", mode="before")
    @classmethod
    def single_state(cls, value: Any) -> Any:
        """Accept a single state without a list."""
        return [value] if isinstance(value, str) else value


class BulkBody(Incoming):
    """The action and the jobs it applies to; a dry run only counts them."""

    action: BulkAction
    filter: BulkFilter
    dry_run: bool = False
    reason: str | None = Field(None, max_length=1_000)


class CountDoc(Outgoing):
    """Number of jobs of one task and tenant."""

    task: str
    tenant: str
    count: int


class BulkDoc(Outgoing):
    """Number of matching jobs; `partial` if counting timed out."""

    action: BulkAction
    total: int
    counts: list[CountDoc]
    partial: bool


@routes.post("/v1/jobs/bulk", Access(Scope.OPERATE), answer=JobDoc, status=202, also={200: BulkDoc})
def act_on_jobs(call: Here, body: BulkBody) -> Answer:
    """Retry or cancel all matching jobs; a dry run counts them per task and tenant."""
    query = _query(call, body.filter)
    if body.dry_run:
        return Answer.of(_count(call, body.action, query))
    actor = Actor(call.caller.actor, "api", body.reason)
    job = bulk_runs.straight(call.session, call.jobs, body.action, query, actor, call.caller.tenant or "")
    return Answer.of(_job(call, job.id), 202, {"Location": f"/v1/jobs/{job.id}"})


def _query(call: Call, filter_: BulkFilter) -> JobQuery:
    tenants = jobs.tenants_of(call.session, call.caller)
    if filter_.tenant is not None:
        tenants = (filter_.tenant,) if tenants is None or filter_.tenant in tenants else ()
    query = JobQuery(
        states=frozenset(filter_.state),
        task=filter_.task,
        queue=filter_.queue,
        tenants=tenants,
        created_after=filter_.created_after,
        created_before=filter_.created_before,
        args=tuple(filter_.args.items()),
    )
    return jobs.within_span(query, call.now, real_time=not call.deps.test_clock)


def _count(call: Call, action: BulkAction, query: JobQuery) -> BulkDoc:
    rows = bulk.counted(call.session, action, query)
    counts = [CountDoc(task=row.task, tenant=row.tenant, count=row.count) for row in rows or ()]
    total = sum(count.count for count in counts)
    return BulkDoc(action=action, total=total, counts=counts, partial=rows is None)


def _job(call: Call, job_id: UUID) -> JobDoc:
    view = jobs.view(call.session, call.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_doc(view)
