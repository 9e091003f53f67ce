"""Bulk actions on all matching jobs: a dry run counts, a job applies the action in chunks."""

from uuid import UUID

from pydantic import Field, field_validator, model_validator

from kontor.audit import Actor
from kontor.bulk import service
from kontor.engine.admin.job_filter import JobFilter
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import RequestModel, ResponseModel
from kontor.jobs import service as jobs
from kontor.jobs.routes import applied_filter
from kontor.jobs.schemas import JobFilterMembers, JobOut, job_out
from kontor.kernel.errors import NotFound
from kontor.kernel.states import BulkAction, JobState
from models.keys import Scope

routes = Routes("jobs")


class BulkFilter(JobFilterMembers, RequestModel):
    """Same filters as `GET /v1/jobs`; arguments as `args.KEY` members or under `args`."""

    state: list[JobState] = Field(default_factory=list)
    args: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def gather(cls, value: object) -> object:
        """Collect `args.KEY` members under `args`."""
        if not isinstance(value, dict) or not any(name.startswith("args.") for name in value):
            return value
        args = {name.removeprefix("args."): value[name] for name in value if name.startswith("args.")}
        rest = {name: member for name, member in value.items() if not name.startswith("args.")}
        return {**rest, "args": args}

    @field_validator("state", mode="before")
    @classmethod
    def single_state(cls, value: object) -> object:
        """Accept a single state without a list."""
        return [value] if isinstance(value, str) else value


class BulkIn(RequestModel):
    """The action and the jobs it applies to; a dry run only counts them."""

    action: BulkAction
    filter: BulkFilter
    dry_run: bool = False
    reason: str | None = Field(None, max_length=1_000)


class BulkCountOut(ResponseModel):
    """Number of jobs of one task and tenant."""

    task: str
    tenant: str
    count: int


class BulkOut(ResponseModel):
    """Number of matching jobs; `partial` if counting timed out."""

    action: BulkAction
    total: int
    counts: list[BulkCountOut]
    partial: bool


@routes.post("/v1/jobs/bulk", RoutePolicy(Scope.OPERATE), response=JobOut, status=202, also={200: BulkOut})
def act_on_jobs(ctx: Ctx, body: BulkIn) -> ApiResponse:
    """Retry or cancel all matching jobs; a dry run counts them per task and tenant."""
    job_filter = applied_filter(ctx, body.filter, list(body.filter.args.items()))
    if body.dry_run:
        return ApiResponse.of(_count(ctx, body.action, job_filter))
    actor = Actor(ctx.caller.actor, "api", body.reason)
    job = service.start_unpreviewed(ctx.session, ctx.jobs, body.action, job_filter, actor, ctx.caller.tenant or "")
    return ApiResponse.of(_job(ctx, job.id), 202, {"Location": f"/v1/jobs/{job.id}"})


def _count(ctx: RequestContext, action: BulkAction, job_filter: JobFilter) -> BulkOut:
    rows = service.count_jobs(ctx.session, action, job_filter)
    counts = [BulkCountOut(task=row.task, tenant=row.tenant, count=row.count) for row in rows or ()]
    total = sum(count.count for count in counts)
    return BulkOut(action=action, total=total, counts=counts, partial=rows is None)


def _job(ctx: RequestContext, job_id: UUID) -> JobOut:
    view = jobs.view(ctx.session, ctx.deps.jobs.catalogue, job_id)
    if view is None:
        raise NotFound
    return job_out(view)
