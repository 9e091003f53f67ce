"""Jobs: enqueue, read, search."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from psycopg import Connection
from sqlalchemy.orm import Session

from api import owners
from api.answers import Answer, Wait
from api.call import Access, Call, Here
from api.job_docs import JobDoc, JobFilter, JobIds, JobPage, NewJob, NewJobs, WaitQuery, job_doc
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


@routes.post("/v1/jobs", Access(Scope.ENQUEUE), answer=JobDoc, status=202, also={200: JobDoc}, direct=True)
def enqueue_job(call: Here, body: NewJob, query: Annotated[WaitQuery, Query()]) -> Answer:
    """Enqueue a job, or return the unfinished one with its `unique_key`; optionally wait for the result."""
    ledger, request = call.jobs, _request(call, body)
    jobs.check_public(ledger.catalogue, call.caller, request.task)
    enqueued = call.put(request)
    if enqueued.created:
        answer = _job_response(jobs.fresh(ledger, request, enqueued.id), 202)
    else:
        answer = _shown(call, call.connection, enqueued.id, 200, deduplicated=True)
    if query.wait == 0:
        return answer

    def render(session: Session) -> Answer:
        return _shown(call, driver(session), enqueued.id, None, deduplicated=not enqueued.created)

    return replace(answer, wait=Wait(query.wait, render, enqueued.id))


@routes.post("/v1/jobs/batch", Access(Scope.ENQUEUE), answer=JobIds, status=202)
def enqueue_jobs(call: Here, body: NewJobs) -> JobIds:
    """Enqueue up to 10,000 jobs, all or none."""
    requests = [_request(call, new) for new in body.jobs]
    return JobIds(ids=jobs.enqueue_many(call.session, call.jobs, call.caller, requests))


@routes.get("/v1/jobs", Access(Scope.READ), answer=JobPage)
def list_jobs(call: Here, query: Annotated[JobFilter, Query()]) -> JobPage:
    """Search jobs, newest first; without a time filter, only jobs of the last seven days."""
    job_query = _query(call, query)
    result = Searcher(call.jobs.catalogue, call.jobs.clock).search(call.session, job_query, query.limit)
    following = None if result.next is None else str(result.next)
    return JobPage(items=[job_doc(view) for view in result.items], next=following, partial=result.partial)


@routes.get("/v1/jobs/{job_id}", Access(Scope.READ, "job_id", owners.job), answer=JobDoc)
def get_job(call: Here, job_id: UUID) -> JobDoc:
    """Return a job with its attempts."""
    view = jobs.view(call.session, call.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_doc(view)


def _request(call: Call, new: NewJob) -> Request:
    return Request(
        new.task,
        new.args,
        tenant=call.caller.tenant or new.tenant or "",
        queue=new.queue,
        priority=new.priority,
        run_at=new.run_at,
        unique_key=new.unique_key,
    )


def _shown(call: Call, connection: Connection[Any], job_id: UUID, status: int | None, *, deduplicated: bool) -> Answer:
    """Build the response for a job; `status` None: 200 if it is finished, otherwise 202."""
    view = jobs.seen(connection, call.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    final = view.job.finished_at is not None
    return _job_response(view, status or (200 if final else 202), deduplicated=deduplicated)


def _job_response(view: jobs.JobView, status: int, *, deduplicated: bool = False) -> Answer:
    headers = {"Location": f"/v1/jobs/{view.job.id}"}
    return Answer.of(job_doc(view, deduplicated=deduplicated), status, headers)


def _query(call: Call, filter_: JobFilter) -> JobQuery:
    args = tuple(
        (name.removeprefix("args."), text)
        for name, text in call.arrival.query.multi_items()
        if name.startswith("args.")
    )
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
        args=args,
        before=cursor_id(filter_.cursor),
    )
    return jobs.within_span(query, call.now, real_time=not call.deps.test_clock)
