"""Request and response models of jobs."""

from collections.abc import Sequence
from typing import ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, Field, FieldSerializationInfo, PrivateAttr, field_serializer

from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.admin.job_queries import AttemptRecord
from kontor.http.visibility import ResponseView
from kontor.http.wire import Json, PageOut, PageQuery, QueryModel, RequestModel, ResponseModel, UtcIn, UtcOut
from kontor.jobs.service import JobView
from kontor.kernel.states import JobState


class ActionIn(RequestModel):
    """Reason, kept in the audit log."""

    reason: str | None = None


class JobIn(RequestModel):
    """A new job; its args have at most 1 MiB. `priority` 9 runs first.

    `unique_key` returns an unfinished job of the same task instead. `account_id` sets the lane, and the tenant to its
    reseller, or to itself.
    """

    task: str = Field(max_length=200)
    args: dict[str, Json]
    queue: str | None = Field(None, max_length=200)
    priority: int = Field(0, ge=0, le=9)
    run_at: UtcIn | None = None
    unique_key: str | None = Field(None, min_length=1, max_length=500)
    tenant: str | None = Field(None, max_length=200)
    account_id: UUID | None = None
    external_id: str | None = Field(None, min_length=1, max_length=200)


class JobsIn(RequestModel):
    """Jobs to enqueue, all or none."""

    jobs: list[JobIn] = Field(max_length=10_000)


class JobIdsOut(ResponseModel):
    """Job ids in the order of the request."""

    ids: list[UUID]


def error_seen(error: Json, task: str, info: FieldSerializationInfo) -> Json:
    """Return the error of a job as the viewer may know it: of Kontor's own tasks by its class (programme.md 3.6)."""
    view = info.context
    if not isinstance(error, dict) or not isinstance(view, ResponseView) or view.raw_errors or view.is_open(task):
        return error
    return {"type": error.get("type"), "message": view.error(str(error.get("message", "")))}


class AttemptOut(ResponseModel):
    """One attempt; `outcome` is null while it runs."""

    number: int
    worker: str | None
    started_at: UtcOut | None
    ended_at: UtcOut | None
    outcome: str | None
    error: Json
    _task: str = PrivateAttr("")

    @classmethod
    def of(cls, attempt: AttemptRecord, task: str) -> Self:
        """Build it from a row of a task's job."""
        shown = cls(**attempt._asdict())
        shown._task = task
        return shown

    @field_serializer("error")
    def error_for_viewer(self, error: Json, field: FieldSerializationInfo) -> Json:
        """Tell the error as that of the job is told."""
        return error_seen(error, self._task, field)


class JobOut(ResponseModel):
    """A job. `deduplicated` is true if an existing job was returned instead of a new one.

    In a list args, result and errors over 4 KiB are cut (`args_truncated`, `result_truncated`): long members end in
    `…` or are missing, a long result is the beginning of its JSON as a string. The job itself has them whole. Those of
    Kontor's own tasks are for operators alone: others get `{}` and null.
    """

    id: UUID
    task: str
    queue: str
    tenant: str
    state: JobState
    priority: int
    args: dict[str, Json]
    args_truncated: bool = False
    attempt: int
    max_attempts: int
    run_at: UtcOut
    created_at: UtcOut
    started_at: UtcOut | None
    finished_at: UtcOut | None
    result: Json
    result_truncated: bool = False
    error: Json
    attempts: list[AttemptOut]
    unique_key: str | None = None
    reason: str | None = None
    parent_id: UUID | None = None
    trace_id: str | None = None
    deduplicated: bool = False

    @field_serializer("args")
    def args_for_viewer(self, args: dict[str, Json], field: FieldSerializationInfo) -> dict[str, Json]:
        """Empty the arguments of a job of Kontor's own, except to operators."""
        return args if self._is_open(field) else {}

    @field_serializer("result")
    def result_for_viewer(self, result: Json, field: FieldSerializationInfo) -> Json:
        """Leave out the result of a job of Kontor's own, except to operators."""
        return result if self._is_open(field) else None

    @field_serializer("error")
    def error_for_viewer(self, error: Json, field: FieldSerializationInfo) -> Json:
        """Tell the error of a job of Kontor's own by its class, except to operators with `operate`."""
        return error_seen(error, self.task, field)

    def _is_open(self, field: FieldSerializationInfo) -> bool:
        return not isinstance(field.context, ResponseView) or field.context.sees_task(self.task)


class JobPageOut(PageOut[JobOut]):
    """Jobs, newest first; `partial` if the search was cut after one second: continue with `next`."""

    partial: bool = False


class JobFilterMembers(BaseModel):
    """The members of a job filter, for a query string and a body."""

    state: list[JobState] = Field([], description="May be repeated.")
    task: str | None = None
    queue: str | None = None
    tenant: str | None = None
    external_id: str | None = None
    created_after: UtcIn | None = None
    created_before: UtcIn | None = None

    def job_filter(self, args: Sequence[tuple[str, str]], visible: tuple[str, ...] | None) -> JobFilter:
        """Return the filter of a caller that sees the jobs of `visible` tenants, all if None."""
        chosen = {name: getattr(self, name) for name in JobFilterMembers.model_fields}
        states, tenant = chosen.pop("state"), chosen.pop("tenant")
        tenants = visible
        if tenant is not None:
            tenants = (tenant,) if visible is None or tenant in visible else ()
        return JobFilter(states=frozenset(states), tenants=tenants, args=tuple(args), **chosen)


class JobListQuery(JobFilterMembers, PageQuery):
    """Filter for jobs. Parameters `args.KEY=text` compare an argument as text."""

    open_prefix: ClassVar[str | None] = "args."


class WaitQuery(QueryModel):
    """Seconds to wait for the job to finish."""

    wait: float = Field(0, ge=0, le=30)


def job_out(view: JobView, *, deduplicated: bool = False) -> JobOut:
    """Build the response for a job."""
    job = view.job
    return JobOut(
        id=job.id,
        task=job.task,
        queue=job.queue,
        tenant=job.tenant,
        state=JobState(job.state),
        priority=job.priority,
        args=dict(view.args),
        args_truncated=job.args_truncated,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        run_at=job.run_at,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        result=job.result,
        result_truncated=job.result_truncated,
        error=job.error,
        attempts=[AttemptOut.of(attempt, job.task) for attempt in view.attempts],
        unique_key=job.unique_key,
        reason=job.reason,
        parent_id=job.parent_id,
        trace_id=job.trace_id,
        deduplicated=deduplicated,
    )
