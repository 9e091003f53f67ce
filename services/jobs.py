"""Jobs as outsiders see them: enqueued, read, searched."""

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
    """Put many, all or none. Raises Forbidden or Invalid naming the item."""
    for task in {request.task for request in requests}:
        check_public(jobs.catalogue, caller, task)
    try:
        return jobs.put_many(session, requests)
    except Invalid as refused:
        raise _in_item(jobs, requests, refused) from None


def fresh(jobs: Jobs, request: Request, job_id: UUID) -> JobView:
    """A job just put, without reading it back: `jobs` is the ledger it was put by."""
    payload = checked(jobs.catalogue[request.task], request.args)
    policy, now = payload.policy, jobs.clock.now()
    later = request.run_at is not None and request.run_at > now
    job = JobRecord(
        id=job_id,
        task=policy.name,
        queue=request.queue or policy.queue,
        tenant=request.tenant,
        lane=request.lane,
        priority=request.priority,
        state=JobState.SCHEDULED if later else JobState.QUEUED,
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
    """One job with its attempts."""
    return seen(driver(session), catalogue, job_id)


def seen(connection: Connection[Any], catalogue: Catalogue, job_id: UUID) -> JobView | None:
    """`view` at driver level."""
    job = jobs_read.find(connection, job_id)
    if job is None:
        return None
    attempts = jobs_read.attempts_of(connection, [job])
    return JobView(job, redacted(catalogue, job), attempts.get(job.id, []))


def views(session: Session, catalogue: Catalogue, jobs: Sequence[JobRecord]) -> list[JobView]:
    """Jobs with their attempts."""
    attempts = jobs_read.attempts_of(driver(session), jobs)
    return [JobView(job, redacted(catalogue, job), attempts.get(job.id, [])) for job in jobs]


def default_span(query: JobQuery, now: datetime) -> datetime | None:
    """From when a search without a time filter looks: seven days back."""
    if query.created_after is None and query.created_before is None:
        return now - DEFAULT_SPAN
    return query.created_after


def within_span(query: JobQuery, now: datetime, *, real_time: bool) -> JobQuery:
    """The query with its default span; `real_time`: no test clock runs, so ids tell the time."""
    after = default_span(query, now)
    floor = None if after is None or not real_time else id_floor(after)
    return replace(query, created_after=after, floor=floor)


def id_floor(created_after: datetime) -> UUID:
    """The least id a job created then can have: ids keep real time, so only without a test clock."""
    millis = max(0, int((created_after - SKEW).timestamp() * 1000))
    return UUID(int=(millis << 80) | (0x7 << 76) | (0x8 << 60))


def tenants_of(session: Session, caller: Caller) -> tuple[str, ...] | None:
    """The tenants whose jobs a caller sees; None for all."""
    if caller.reseller_id is not None:
        clients = owners.client_ids(driver(session), caller.reseller_id)
        return (str(caller.reseller_id), *map(str, clients))
    return None if caller.account_id is None else (str(caller.account_id),)


def owner(session: Session, job_id: UUID) -> Possession | None:
    """Whose a job is; None when there is no such job."""
    job = jobs_read.find(driver(session), job_id)
    return None if job is None else owner_of_tenant(session, job.tenant)


def owner_of_tenant(session: Session, tenant: str) -> Possession:
    """Who stands behind a tenant; nobody (the provider) behind a free-form one."""
    try:
        account_id = UUID(tenant)
    except ValueError:
        return Possession()
    found = owners.find(driver(session), owners.ACCOUNT, account_id)
    return Possession() if found is None else Possession(*found)


def unfinished(session: Session, job_ids: Collection[UUID]) -> set[UUID]:
    """Those of the jobs that are not finished yet."""
    return jobs_read.unfinished(driver(session), job_ids)


def redacted(catalogue: Catalogue, job: JobRecord) -> Mapping[str, Any]:
    """A job's args without what its task calls sensitive."""
    hidden = catalogue[job.task].sensitive if job.task in catalogue else frozenset()
    if not hidden:
        return job.payload
    return {name: REDACTED if name in hidden else value for name, value in job.payload.items()}


def _in_item(jobs: Jobs, requests: Sequence[Request], refused: Invalid) -> Invalid:
    """The complaint with the place of the first request that deserves it."""
    for number, request in enumerate(requests):
        try:
            fresh(jobs, request, NO_JOB)
            fits = request.queue is None or request.queue in jobs.catalogue.queues
        except Invalid:
            fits = False
        if not fits:
            errors = [FieldError(f"jobs.{number}.{one.loc}", one.msg) for one in refused.errors]
            return Invalid(refused.code, refused.message, errors=errors)
    return refused


def check_public(catalogue: Catalogue, caller: Caller, task: str) -> None:
    """Raise Forbidden when a bound key may not enqueue the task, Invalid when there is none."""
    if caller.bound and not catalogue[task].policy.public:
        raise Forbidden("task_not_public", f"A bound key may not enqueue {task}.", task=task)
