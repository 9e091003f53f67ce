"""Actions on every job that matches: first a count, then a job that does it in chunks."""

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
    """As in the query of `GET /v1/jobs`; args are named `args.KEY` or stand under `args`."""

    state: list[JobState] = Field(default_factory=list)
    task: str | None = None
    queue: str | None = None
    tenant: str | None = None
    created_after: Instant | None = None
    created_before: Instant | None = None
    args: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def gather(cls, given: Any) -> Any:
        """Collect `args.KEY` under `args`."""
        if not isinstance(given, dict) or not any(name.startswith("args.") for name in given):
            return given
        args = {name.removeprefix("args."): given[name] for name in given if name.startswith("args.")}
        rest = {name: value for name, value in given.items() if not name.startswith("args.")}
        return {**rest, "args": args}

    @field_validator("state", mode="before")
    @classmethod
    def several(cls, given: Any) -> Any:
        """One state may stand alone."""
        return [given] if isinstance(given, str) else given


class BulkBody(Incoming):
    """What to do to which jobs; a dry run only counts."""

    action: BulkAction
    filter: BulkFilter
    dry_run: bool = False
    reason: str | None = Field(None, max_length=1_000)


class CountDoc(Outgoing):
    """Jobs of one task and tenant."""

    task: str
    tenant: str
    count: int


class BulkDoc(Outgoing):
    """What would be touched; `partial` when counting took too long to finish."""

    action: BulkAction
    total: int
    counts: list[CountDoc]
    partial: bool


@routes.post("/v1/jobs/bulk", Access(Scope.OPERATE), answer=JobDoc, status=202, also={200: BulkDoc})
def act_on_jobs(call: Here, body: BulkBody) -> Answer:
    """Retry or cancel every job that matches; a dry run counts them per task and tenant."""
    query = _query(call, body.filter)
    if body.dry_run:
        return Answer.of(_count(call, body.action, query))
    actor = Actor(call.caller.actor, "api", body.reason)
    put = bulk_runs.straight(call.session, call.jobs, body.action, query, actor, call.caller.tenant or "")
    return Answer.of(_job(call, put.id), 202, {"Location": f"/v1/jobs/{put.id}"})


def _query(call: Call, given: BulkFilter) -> JobQuery:
    tenants = jobs.tenants_of(call.session, call.caller)
    if given.tenant is not None:
        tenants = (given.tenant,) if tenants is None or given.tenant in tenants else ()
    query = JobQuery(
        states=frozenset(given.state),
        task=given.task,
        queue=given.queue,
        tenants=tenants,
        created_after=given.created_after,
        created_before=given.created_before,
        args=tuple(given.args.items()),
    )
    return jobs.within_span(query, call.now, real_time=not call.deps.test_clock)


def _count(call: Call, action: BulkAction, query: JobQuery) -> BulkDoc:
    found = bulk.counted(call.session, action, query)
    counts = [CountDoc(task=one.task, tenant=one.tenant, count=one.count) for one in found or ()]
    total = sum(one.count for one in counts)
    return BulkDoc(action=action, total=total, counts=counts, partial=found is None)


def _job(call: Call, job_id: UUID) -> JobDoc:
    view = jobs.view(call.session, call.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_doc(view)
