"""Jobs: list, wait, steer; the test clock, which is not found unless it is on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.engine import test_clock
from kontor.engine.admin.job_filter import PREFIX, JobFilter
from kontor.engine.admin.operations import Operations
from kontor.engine.enqueue import JobRequest
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.ownership import Ownership
from kontor.http.responses import ApiResponse, LongPoll
from kontor.http.routing import Routes
from kontor.http.wire import RequestModel, ResponseModel, UtcIn, UtcOut, uuid_of
from kontor.jobs import service
from kontor.jobs.schemas import (
    ActionIn,
    JobFilterMembers,
    JobIdsOut,
    JobIn,
    JobListQuery,
    JobOut,
    JobPageOut,
    JobsIn,
    WaitQuery,
    job_out,
)
from kontor.jobs.search import Searcher
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.errors import Forbidden, NotFound
from kontor.kernel.paging import cursor_id
from kontor.limits import service as limits
from kontor.task_types.registry import refresh_task
from models.keys import Scope


def operations(ctx: RequestContext) -> Operations:
    """Return the engine's operations at the time of this request."""
    return Operations(ctx.jobs)


def actor(ctx: RequestContext, reason: str | None) -> Actor:
    """Return the actor for the audit log."""
    return Actor(ctx.caller.actor, "api", reason)


def applied_filter(ctx: RequestContext, members: JobFilterMembers, args: Sequence[tuple[str, str]]) -> JobFilter:
    """Return the filter as applied: jobs the caller may see, by default of the last seven days."""
    job_filter = members.job_filter(args, service.visible_tenants(ctx.session, ctx.caller))
    if ctx.caller.bound:
        internal = sorted(each.policy.name for each in ctx.deps.jobs.catalogue if each.policy.internal) if args else ()
        job_filter = job_filter.replace(reseller=ctx.caller.reseller_id, hidden_tasks=tuple(internal))
    return service.with_defaults(job_filter, ctx.now, real_time=not ctx.deps.test_clock)


def may_steer_job(ctx: RequestContext) -> None:
    """Check access: `enqueue` suffices for one's own jobs of public tasks; all others require `operate`."""
    if ctx.caller.has_scope(Scope.OPERATE):
        return
    job_id: UUID = uuid_of(ctx.incoming.params["job_id"])
    view = service.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    if not ctx.caller.may_enqueue(view.job.task):
        raise Forbidden(message="This key lacks the scope enqueue for this task.", scope=Scope.ENQUEUE.value)
    catalogue = ctx.deps.jobs.catalogue
    public = view.job.task in catalogue and catalogue[view.job.task].policy.public
    unowned = ownership.tenant_ownership(ctx.session, view.job.tenant) == Ownership()
    if not public or not (ctx.caller.bound or unowned):
        raise Forbidden(message="Jobs of others require the scope operate.", scope=Scope.OPERATE.value)


def may_enqueue_some(ctx: RequestContext) -> None:
    """Raise Forbidden unless the key has `enqueue`, whole or narrowed; which task is checked with the body."""
    if not any(scope.partition(":")[0] == Scope.ENQUEUE for scope in ctx.caller.scopes):
        ctx.require_scope(Scope.ENQUEUE)


def require_room(ctx: RequestContext, jobs: int) -> None:
    """Raise LimitReached when a bound key's tenant would have too many unfinished jobs."""
    tenant = ctx.caller.tenant
    if tenant is not None:
        ctx.deps.limits.jobs.add(tenant, jobs, lambda: limits.unfinished_jobs(ctx.connection, tenant))


routes = Routes("jobs")
JOB_LIMIT: Final = 2 * 1024 * 1024
"""Args have at most 1 MiB; the same text as JSON with escapes may be longer."""
BATCH_LIMIT: Final = 16 * 1024 * 1024
ENQUEUE_JOBS = RoutePolicy(None, guard=may_enqueue_some)


@routes.post(
    "/v1/jobs", ENQUEUE_JOBS, response=JobOut, status=202, also={200: JobOut},
    sessionless=True, audited=False, body_limit=JOB_LIMIT, problems=[404],
)  # fmt: skip
def enqueue_job(ctx: Ctx, body: JobIn, query: Annotated[WaitQuery, Query()]) -> ApiResponse:
    """Enqueue a job, or return the unfinished one with its `unique_key`; optionally wait for the result.

    403 `task_internal` for Kontor's own tasks, whatever the key; `task_not_public` for a bound key.
    """
    ledger, request = ctx.jobs, _request(ctx, body)
    service.require_enqueuable(ledger.catalogue, ctx.caller, request.task)
    require_room(ctx, 1)
    enqueued = ctx.enqueue_request(request)
    if enqueued.created:
        response = _job_response(service.new_view(ledger, request, enqueued.id), 202)
    else:
        response = _shown(ctx, ctx.connection, enqueued.id, 200, deduplicated=True)
    if query.wait == 0:
        return response

    def render(session: Session) -> ApiResponse:
        return _shown(ctx, psycopg_connection(session), enqueued.id, None, deduplicated=not enqueued.created)

    return replace(response, wait=LongPoll(query.wait, render, enqueued.id))


@routes.post(
    "/v1/jobs/batch", ENQUEUE_JOBS, response=JobIdsOut, status=202,
    audited=False, body_limit=BATCH_LIMIT, problems=[404],
)  # fmt: skip
def enqueue_jobs(ctx: Ctx, body: JobsIn) -> JobIdsOut:
    """Enqueue up to 10,000 jobs, all or none."""
    requests = [_request(ctx, new) for new in body.jobs]
    require_room(ctx, len(requests))
    return JobIdsOut(ids=service.enqueue_many(ctx.session, ctx.jobs, ctx.caller, requests))


@routes.get("/v1/jobs", RoutePolicy(Scope.READ), response=JobPageOut)
def list_jobs(ctx: Ctx, query: Annotated[JobListQuery, Query()]) -> JobPageOut:
    """Search jobs, newest first; without a time filter, only jobs of the last seven days."""
    pairs = ctx.incoming.query.multi_items()
    args = [(name.removeprefix(PREFIX), text) for name, text in pairs if name.startswith(PREFIX)]
    job_filter = applied_filter(ctx, query, args).replace(before=cursor_id(query.cursor))
    result = Searcher(ctx.jobs.catalogue, ctx.jobs.clock).search(ctx.session, job_filter, query.limit)
    following = None if result.next is None else str(result.next)
    return JobPageOut(items=[job_out(view) for view in result.items], next=following, partial=result.partial)


@routes.get("/v1/jobs/{job_id}", RoutePolicy(Scope.READ, "job_id", ownership.job), response=JobOut)
def get_job(ctx: Ctx, job_id: UUID) -> JobOut:
    """Return a job with its attempts."""
    view = service.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_out(view)


def _request(ctx: RequestContext, new: JobIn) -> JobRequest:
    """Return the request of a new job; the newest version of its type is read. Raises NotFound."""
    refresh_task(ctx.connection, ctx.deps.jobs.catalogue, new.task)
    subject = service.subject_of(ctx.connection, ctx.caller, new.account_id, new.external_id)
    return JobRequest(
        new.task,
        new.args,
        tenant=ctx.caller.tenant or service.tenant_of(subject) or new.tenant or "",
        lane=None if subject.account_id is None else f"account:{subject.account_id}",
        queue=new.queue,
        priority=new.priority,
        run_at=new.run_at,
        unique_key=new.unique_key,
        subject=subject,
    )


def _shown(
    ctx: RequestContext, connection: PgConnection, job_id: UUID, status: int | None, *, deduplicated: bool
) -> ApiResponse:
    """Build the response for a job; `status` None: 200 if it is finished, otherwise 202."""
    view = service.view_on_connection(connection, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    final = view.job.finished_at is not None
    return _job_response(view, status or (200 if final else 202), deduplicated=deduplicated)


def _job_response(view: service.JobView, status: int, *, deduplicated: bool = False) -> ApiResponse:
    headers = {"Location": f"/v1/jobs/{view.job.id}"}
    return ApiResponse.of(job_out(view, deduplicated=deduplicated), status, headers)


control_routes = Routes("jobs")
STEER = RoutePolicy(None, "job_id", ownership.job, guard=may_steer_job)


@control_routes.post("/v1/jobs/{job_id}/cancel", STEER, response=JobOut, also={202: JobOut})
def cancel_job(ctx: Ctx, job_id: UUID, body: ActionIn = ActionIn()) -> ApiResponse:  # noqa: B008 -- frozen
    """Cancel a waiting job, or ask a running one to stop. 409 `not_cancellable` with the state.

    202 if the job is locked, for example by its own transaction: it is cancelled as soon as it no longer is.
    """
    cancelled = operations(ctx).cancel(ctx.session, job_id, actor(ctx, body.reason))
    return ApiResponse.of(_controlled(ctx, job_id), 202 if cancelled.remembered else 200)


@control_routes.post("/v1/jobs/{job_id}/retry", STEER, response=JobOut)
def retry_job(ctx: Ctx, job_id: UUID, body: ActionIn = ActionIn()) -> JobOut:  # noqa: B008 -- frozen
    """Retry a dead, retrying or cancelled job now. 409 `not_retryable` with the state, `busy` if it is locked."""
    operations(ctx).retry(ctx.session, job_id, actor(ctx, body.reason))
    return _controlled(ctx, job_id)


def _controlled(ctx: RequestContext, job_id: UUID) -> JobOut:
    view = service.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_out(view)


clock_routes = Routes("clock")
SETTLE_SECONDS = 60.0


class ClockIn(RequestModel):
    """The new time, and whether to wait for the work that is due by then."""

    now: UtcIn
    settle: bool = False


class ClockOut(ResponseModel):
    """The current time of the clock."""

    now: UtcOut


class DueWorkOut(ResponseModel):
    """Work left: jobs by task, schedules, and probes of open lanes."""

    jobs: dict[str, int]
    schedules: list[str]
    probes: list[str]


class UnsettledOut(ClockOut):
    """The clock is set, but some due work did not finish in time."""

    due: DueWorkOut


def require_test_clock(ctx: RequestContext) -> None:
    """Raise NotFound unless the test clock is on."""
    if not ctx.deps.test_clock:
        raise NotFound("no_test_clock", "The test clock is off; set KONTOR_TEST_CLOCK=1 to turn it on.")


ADMIN = RoutePolicy(Scope.ADMIN, first=require_test_clock, unbound_only=True)


@clock_routes.get("/v1/clock", ADMIN, response=ClockOut, problems=[404])
def get_clock(ctx: Ctx) -> ClockOut:
    """Return the time that every process uses."""
    return ClockOut(now=ctx.now)


@clock_routes.post("/v1/clock", ADMIN, response=ClockOut, also={202: UnsettledOut}, problems=[404])
def set_clock(ctx: Ctx, body: ClockIn) -> ApiResponse:
    """Move the time that every process uses. 409 `clock_backwards`."""
    now = test_clock.advance(ctx.session, ctx.jobs.doorbell, body.now)
    response = ApiResponse.of(ClockOut(now=now))
    if not body.settle:
        return response

    def render(session: Session) -> ApiResponse:
        pending = test_clock.due_work(session, now)
        if not pending:
            return response
        due = DueWorkOut(jobs=dict(pending.jobs), schedules=list(pending.schedules), probes=list(pending.probes))
        return ApiResponse.of(UnsettledOut(now=now, due=due), 202)

    done = LongPoll(SETTLE_SECONDS, render, done=lambda session: not test_clock.due_work(session, now))
    return replace(response, wait=done)
