"""Jobs: enqueue, read, search."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from psycopg import Connection
from sqlalchemy.orm import Session

from api import owners
from api.answers import ApiResponse, LongPoll
from api.call import Ctx, RequestContext, RoutePolicy
from api.job_docs import JobIdsOut, JobIn, JobListQuery, JobOut, JobPageOut, JobsIn, WaitQuery, job_out
from api.routes import Routes
from domain.errors import NotFound
from domain.paging import cursor_id
from engine.driver import driver
from engine.enqueue import Request
from models.keys import Scope
from services import jobs
from services.job_search import Searcher
from store.jobs_read import JobQuery

routes = Routes("jobs")


@routes.post("/v1/jobs", RoutePolicy(Scope.ENQUEUE), response=JobOut, status=202, also={200: JobOut}, sessionless=True)
def enqueue_job(ctx: Ctx, body: JobIn, query: Annotated[WaitQuery, Query()]) -> ApiResponse:
    """Enqueue a job, or return the unfinished one with its `unique_key`; optionally wait for the result."""
    ledger, request = ctx.jobs, _request(ctx, body)
    jobs.check_public(ledger.catalogue, ctx.caller, request.task)
    enqueued = ctx.put(request)
    if enqueued.created:
        response = _job_response(jobs.fresh(ledger, request, enqueued.id), 202)
    else:
        response = _shown(ctx, ctx.connection, enqueued.id, 200, deduplicated=True)
    if query.wait == 0:
        return response

    def render(session: Session) -> ApiResponse:
        return _shown(ctx, driver(session), enqueued.id, None, deduplicated=not enqueued.created)

    return replace(response, wait=LongPoll(query.wait, render, enqueued.id))


@routes.post("/v1/jobs/batch", RoutePolicy(Scope.ENQUEUE), response=JobIdsOut, status=202)
def enqueue_jobs(ctx: Ctx, body: JobsIn) -> JobIdsOut:
    """Enqueue up to 10,000 jobs, all or none."""
    requests = [_request(ctx, new) for new in body.jobs]
    return JobIdsOut(ids=jobs.enqueue_many(ctx.session, ctx.jobs, ctx.caller, requests))


@routes.get("/v1/jobs", RoutePolicy(Scope.READ), response=JobPageOut)
def list_jobs(ctx: Ctx, query: Annotated[JobListQuery, Query()]) -> JobPageOut:
    """Search jobs, newest first; without a time filter, only jobs of the last seven days."""
    job_query = _query(ctx, query)
    result = Searcher(ctx.jobs.catalogue, ctx.jobs.clock).search(ctx.session, job_query, query.limit)
    following = None if result.next is None else str(result.next)
    return JobPageOut(items=[job_out(view) for view in result.items], next=following, partial=result.partial)


@routes.get("/v1/jobs/{job_id}", RoutePolicy(Scope.READ, "job_id", owners.job), response=JobOut)
def get_job(ctx: Ctx, job_id: UUID) -> JobOut:
    """Return a job with its attempts."""
    view = jobs.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_out(view)


def _request(ctx: RequestContext, new: JobIn) -> Request:
    return Request(
        new.task,
        new.args,
        tenant=ctx.caller.tenant or new.tenant or "",
        queue=new.queue,
        priority=new.priority,
        run_at=new.run_at,
        unique_key=new.unique_key,
    )


def _shown(
    ctx: RequestContext, connection: Connection[Any], job_id: UUID, status: int | None, *, deduplicated: bool
) -> ApiResponse:
    """Build the response for a job; `status` None: 200 if it is finished, otherwise 202."""
    view = jobs.seen(connection, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    final = view.job.finished_at is not None
    return _job_response(view, status or (200 if final else 202), deduplicated=deduplicated)


def _job_response(view: jobs.JobView, status: int, *, deduplicated: bool = False) -> ApiResponse:
    headers = {"Location": f"/v1/jobs/{view.job.id}"}
    return ApiResponse.of(job_out(view, deduplicated=deduplicated), status, headers)


def _query(ctx: RequestContext, filter_: JobListQuery) -> JobQuery:
    args = tuple(
        (name.removeprefix("args."), text)
        for name, text in ctx.incoming.query.multi_items()
        if name.startswith("args.")
    )
    tenants = jobs.tenants_of(ctx.session, ctx.caller)
    if filter_.tenant is not None:
        tenants = (filter_.tenant,) if tenants is None or filter_.tenant in tenants else ()
    query = JobQuery(
        states=frozenset(filter_.state),
        task=filter_.task,
        queue=filter_.queue,
        tenants=tenants,
        created_after=filter_.created_after,
        created_before=filter_.created_before,
        args=args,
        before=cursor_id(filter_.cursor),
    )
    return jobs.within_span(query, ctx.now, real_time=not ctx.deps.test_clock)
