"""Jobs as API and console show them: enqueue, read, search."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from sqlalchemy.orm import Session

from domain.errors import FieldError, Forbidden, Invalid
from domain.jobs import JobState
from engine.catalogue import Catalogue, checked
from engine.driver import driver
from engine.enqueue import Jobs, Request
from services.keys import Caller, Possession
from store import jobs_read, owners
from store.jobs_read import AttemptRecord, JobQuery, JobRecord

DEFAULT_SPAN: Final = timedelta(days=7)
SKEW: Final = timedelta(hours=1)
REDACTED: Final = "***"
NO_JOB: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with its attempts, sensitive args redacted."""

    job: JobRecord
    args: Mapping[str, Any]
    attempts: Sequence[AttemptRecord]


def enqueue_many(session: Session, jobs: Jobs, caller: Caller, requests: Sequence[Request]) -> list[UUID]:
    """Enqueue all requests or none. Raises Forbidden, or Invalid naming the item."""
    for task in {request.task for request in requests}:
        check_public(jobs.catalogue, caller, task)
    try:
        return jobs.put_many(session, requests)
    except Invalid as error:
        raise _in_item(jobs, requests, error) from None


def fresh(jobs: Jobs, request: Request, job_id: UUID) -> JobView:
    """Build the view of a new job without reading it back; `jobs` enqueued it."""
    payload = checked(jobs.catalogue[request.task], request.args)
    policy, now = payload.policy, jobs.clock.now()
    is_scheduled = request.run_at is not None and request.run_at > now
    job = JobRecord(
        id=job_id,
        task=policy.name,
        queue=request.queue or policy.queue,
        tenant=request.tenant,
        lane=request.lane,
        priority=request.priority,
        state=JobState.SCHEDULED if is_scheduled else JobState.QUEUED,
        payload=payload.model_dump(mode="json", exclude_unset=True),
        unique_key=request.unique_key,
        run_at=request.run_at or now,
        attempt=0,
        max_attempts=policy.retry.max_attempts,
        worker=None,
        result=None,
        error=None,
        reason=None,
        parent_id=jobs.parent_id,
        trace_id=jobs.trace_id,
        created_at=now,
        started_at=None,
        finished_at=None,
    )
    return JobView(job, redacted(jobs.catalogue, job), [])


def view(session: Session, catalogue: Catalogue, job_id: UUID) -> JobView | None:
    """Return one job with its attempts."""
    return seen(driver(session), catalogue, job_id)


def seen(connection: Connection[Any], catalogue: Catalogue, job_id: UUID) -> JobView | None:
    """Return the same as `view`, on a psycopg connection."""
    job = jobs_read.find(connection, job_id)
    if job is None:
        return None
    attempts = jobs_read.attempts_of(connection, [job])
    return JobView(job, redacted(catalogue, job), attempts.get(job.id, []))


def views(session: Session, catalogue: Catalogue, jobs: Sequence[JobRecord]) -> list[JobView]:
    """Return jobs with their attempts."""
    attempts = jobs_read.attempts_of(driver(session), jobs)
    return [JobView(job, redacted(catalogue, job), attempts.get(job.id, [])) for job in jobs]


def default_span(query: JobQuery, now: datetime) -> datetime | None:
    """Return the start of a search: seven days back when the query has no time filter."""
    if query.created_after is None and query.created_before is None:
        return now - DEFAULT_SPAN
    return query.created_after


def within_span(query: JobQuery, now: datetime, *, real_time: bool) -> JobQuery:
    """Apply the default time range; `real_time`: no test clock runs, so ids can be compared with time."""
    after = default_span(query, now)
    floor = None if after is None or not real_time else id_floor(after)
    return replace(query, created_after=after, floor=floor)


def id_floor(created_after: datetime) -> UUID:
    """Return the lowest id of jobs created then. Ids hold wall time, so only valid without a test clock."""
    millis = max(0, int((created_after - SKEW).timestamp() * 1000))
    return UUID(int=(millis << 80) | (0x7 << 76) | (0x8 << 60))


def tenants_of(session: Session, caller: Caller) -> tuple[str, ...] | None:
    """Return the tenants whose jobs a caller may see; None for all."""
    if caller.reseller_id is not None:
        clients = owners.client_ids(driver(session), caller.reseller_id)
        return (str(caller.reseller_id), *map(str, clients))
    return None if caller.account_id is None else (str(caller.account_id),)


def owner(session: Session, job_id: UUID) -> Possession | None:
    """Return who owns a job; None when there is no such job."""
    job = jobs_read.find(driver(session), job_id)
    return None if job is None else owner_of_tenant(session, job.tenant)


def owner_of_tenant(session: Session, tenant: str) -> Possession:
    """Return who owns a tenant's jobs; a free-form tenant belongs to the provider."""
    try:
        account_id = UUID(tenant)
    except ValueError:
        return Possession()
    owner = owners.find(driver(session), owners.ACCOUNT, account_id)
    return Possession() if owner is None else Possession(*owner)


def unfinished(session: Session, job_ids: Collection[UUID]) -> set[UUID]:
    """Return the ids of those jobs that are not finished."""
    return jobs_read.unfinished(driver(session), job_ids)


def redacted(catalogue: Catalogue, job: JobRecord) -> Mapping[str, Any]:
    """Return a job's args with the sensitive ones masked."""
    hidden = catalogue[job.task].sensitive if job.task in catalogue else frozenset()
    if not hidden:
        return job.payload
    return {name: REDACTED if name in hidden else value for name, value in job.payload.items()}


def _in_item(jobs: Jobs, requests: Sequence[Request], error: Invalid) -> Invalid:
    """Return the error with the index of the first request that causes it."""
    for index, request in enumerate(requests):
        try:
            fresh(jobs, request, NO_JOB)
            valid = request.queue is None or request.queue in jobs.catalogue.queues
        except Invalid:
            valid = False
        if not valid:
            errors = [FieldError(f"jobs.{index}.{item.loc}", item.msg) for item in error.errors]
            return Invalid(error.code, error.message, errors=errors)
    return error


def check_public(catalogue: Catalogue, caller: Caller, task: str) -> None:
    """Raise Forbidden when a bound key may not enqueue the task, Invalid when there is no such task."""
    if caller.bound and not catalogue[task].policy.public:
        raise Forbidden("task_not_public", f"A bound key may not enqueue {task}.", task=task)
