"""Jobs as outsiders see them: enqueued, read, run again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Never
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.engine import declared
from kontor.engine.admin import job_queries
from kontor.engine.admin.job_filter import COLD_STATES, JobFilter
from kontor.engine.admin.job_queries import AttemptRecord, JobRecord
from kontor.engine.catalogue import Catalogue, validate
from kontor.engine.declared import NOBODY, JobSubject
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.http import ownership
from kontor.http.keys import Principal
from kontor.http.ownership import Ownership
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.errors import FieldError, Forbidden, Invalid, NotFound
from kontor.kernel.ids import lowest_id
from kontor.kernel.states import JobState
from models.keys import Scope

DEFAULT_SPAN: Final = timedelta(days=7)
SKEW: Final = timedelta(hours=1)
REDACTED: Final = "***"


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with its attempts, sensitive args redacted."""

    job: JobRecord
    args: Mapping[str, JsonValue]
    attempts: Sequence[AttemptRecord]


def enqueue_many(session: Session, jobs: Jobs, caller: Principal, requests: Sequence[JobRequest]) -> list[UUID]:
    """Enqueue all requests or none. Raises Forbidden, or Invalid naming the item."""
    for task in dict.fromkeys(request.task for request in requests):
        require_enqueuable(jobs.catalogue, caller, task)
    try:
        return jobs.enqueue_many(session, requests)
    except Invalid as error:
        raise _in_item(jobs, requests, error) from None


def new_view(jobs: Jobs, request: JobRequest, job_id: UUID) -> JobView:
    """Build the view of a new job without reading it back; `jobs` enqueued it."""
    payload = validate(jobs.catalogue[request.task], request.args)
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
    return view_on_connection(psycopg_connection(session), catalogue, job_id)


def view_on_connection(connection: PgConnection, catalogue: Catalogue, job_id: UUID) -> JobView | None:
    """Return the same as `view`, on a psycopg connection."""
    job = job_queries.find(connection, job_id)
    if job is None:
        return None
    attempts = job_queries.attempts_of(connection, [job])
    return JobView(job, redacted(catalogue, job), attempts.get(job.id, []))


def views(session: Session, catalogue: Catalogue, jobs: Sequence[JobRecord]) -> list[JobView]:
    """Return listed jobs with their attempts."""
    attempts = job_queries.attempts_of(psycopg_connection(session), jobs, listed=True)
    return [JobView(job, redacted(catalogue, job), attempts.get(job.id, [])) for job in jobs]


def has_default_span(job_filter: JobFilter) -> bool:
    """Whether only jobs of the last seven days are searched: no time, external id or group of similar errors is set."""
    chosen = (job_filter.created_after, job_filter.created_before, job_filter.external_id, job_filter.fingerprint)
    return all(value is None for value in chosen)


def with_defaults(job_filter: JobFilter, now: datetime, *, real_time: bool) -> JobFilter:
    """Apply the default time range; succeeded jobs keep no error, so a search by error excludes the archive.

    `real_time`: no test clock runs, so ids can be compared with time.
    """
    after = now - DEFAULT_SPAN if has_default_span(job_filter) else job_filter.created_after
    floor = None if after is None or not real_time else id_floor(after)
    states = job_filter.states
    if not states and (job_filter.error is not None or job_filter.fingerprint is not None):
        states = frozenset(JobState) - COLD_STATES
    return job_filter.replace(states=states, created_after=after, floor=floor)


def id_floor(created_after: datetime) -> UUID:
    """Return the lowest id of jobs created then. Ids hold wall time, so only valid without a test clock."""
    return lowest_id(created_after - SKEW)


def visible_tenants(session: Session, caller: Principal) -> tuple[str, ...] | None:
    """Return the tenants whose jobs a caller may see; None for all."""
    if caller.reseller_id is not None:
        clients = ownership.client_ids(psycopg_connection(session), caller.reseller_id)
        return (str(caller.reseller_id), *map(str, clients))
    return None if caller.account_id is None else (str(caller.account_id),)


def subject_of(
    connection: PgConnection, caller: Principal, account_id: UUID | None, external_id: str | None
) -> JobSubject:
    """Return whom a new job is for; a key bound to an account is that account. Raises NotFound.

    An account that the caller does not see is none.
    """
    chosen = caller.account_id or account_id
    if chosen is None:
        return JobSubject(external_id=external_id)
    owners = ownership.owners_of(connection, ownership.ACCOUNT, chosen)
    if owners is None or not caller.can_see(Ownership(*owners)) or account_id not in (None, chosen):
        raise NotFound(message="There is no such account.")
    return JobSubject(chosen, owners[0], external_id)


def tenant_of(subject: JobSubject) -> str | None:
    """Return the tenant of a job for an account: its reseller, or itself."""
    owner = subject.reseller_id or subject.account_id
    return None if owner is None else str(owner)


def redacted(catalogue: Catalogue, job: JobRecord) -> Mapping[str, JsonValue]:
    """Return a job's args with the sensitive ones masked."""
    hidden = catalogue[job.task].sensitive if job.task in catalogue else frozenset()
    if not hidden:
        return job.payload
    return {name: REDACTED if name in hidden else value for name, value in job.payload.items()}


def _in_item(jobs: Jobs, requests: Sequence[JobRequest], error: Invalid) -> Invalid:
    """Return the error with the index of the first request that causes it."""
    for index, request in enumerate(requests):
        try:
            jobs.check(request)
        except Invalid as cause:
            errors = [FieldError(f"jobs.{index}.{item.loc}", item.msg) for item in cause.errors]
            return Invalid(cause.code, cause.message, errors=errors)
    return error


def require_enqueuable(catalogue: Catalogue, caller: Principal, task: str) -> None:
    """Raise Forbidden unless the key may enqueue the task: `task_internal`, then its scopes, then `task_not_public`.

    Unknown tasks pass; the enqueue itself refuses them.
    """
    require_not_internal(catalogue, task)
    if not caller.may_enqueue(task):
        raise Forbidden(message=f"This key may not enqueue {task}.", scope=f"{Scope.ENQUEUE}:{task}")
    if caller.bound and task in catalogue and not catalogue[task].policy.public:
        raise Forbidden("task_not_public", f"A bound key may not enqueue {task}.", task=task)


def require_not_internal(catalogue: Catalogue, task: str) -> None:
    """Raise Forbidden(`task_internal`) for a task of Kontor's own, whoever asks (security.md 1.1)."""
    if task in catalogue and catalogue[task].policy.internal:
        message = f"{task} is a task of Kontor's own; only Kontor enqueues it. Run its schedule, or retry its job."
        raise Forbidden("task_internal", message, task=task)


def parse_args(text: str) -> Mapping[str, JsonValue]:
    """Parse edited args from JSON; integers of any size stay exact. Raises Invalid."""
    try:
        args = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        message = f"Invalid JSON: {error}."
        raise Invalid("invalid_args", message, errors=[FieldError("args", message)]) from None
    if not isinstance(args, dict):
        message = 'Args must be a JSON object such as {"offer_id": "…"}.'
        raise Invalid("invalid_args", message, errors=[FieldError("args", message)])
    return args


def rerun(session: Session, jobs: Jobs, view: JobView, args: Mapping[str, JsonValue], actor: Actor) -> UUID:
    """Enqueue the task again for the same tenant and lane, without the old job's keys.

    Raises Forbidden(`task_internal`), Invalid.

    Args that were shown redacted and not edited keep their values. The new job is a child of the old one.
    """
    old = view.job
    require_not_internal(jobs.catalogue, old.task)
    payload = {name: _unredacted(view, name, value) for name, value in args.items()}
    family, subject = jobs.child_of(old.id, old.trace_id), NOBODY
    if old.task in jobs.catalogue.declared:
        payload, subject = _opened(session, jobs, old.id, payload)
    job = family.enqueue(session, old.task, payload, tenant=old.tenant, lane=old.lane, queue=old.queue, subject=subject)
    changed = sorted(name for name in {*payload, *old.payload} if payload.get(name) != old.payload.get(name))
    detail = {"job": str(job.id), "changed": changed}
    audit.record(session, actor, "job.again", f"job:{old.id}", at=jobs.clock.now(), detail=detail)
    return job.id


def _opened(
    session: Session, jobs: Jobs, old_id: UUID, args: Mapping[str, JsonValue]
) -> tuple[dict[str, JsonValue], JobSubject]:
    """Return the args of a declared type with the sealed values where the mask stands still, and whom they are for.

    Raises Invalid when the values were erased.
    """
    assert jobs.secret_box is not None
    facts = declared.read(psycopg_connection(session), old_id, jobs.secret_box)
    if facts.erased and REDACTED in str(args):
        message = "The sensitive args were erased when the job ended. Fill them in."
        raise Invalid("invalid_args", message, errors=[FieldError("args", message)])
    return dict(declared.opened(args, facts, masked_only=True)), facts.subject


def _unredacted(view: JobView, name: str, value: JsonValue) -> JsonValue:
    hidden = value == REDACTED and view.args.get(name) == REDACTED and name in view.job.payload
    return view.job.payload[name] if hidden else value


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no number")
