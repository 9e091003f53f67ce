"""Routes of leases: for pull workers with a key of scope `work`, and with the token of an attempt."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from pydantic import Field, JsonValue
from sqlalchemy.orm import Session

from kontor.engine.pulling import LeasedJob, Puller
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.responses import ApiResponse, LongPoll
from kontor.http.routing import Routes
from kontor.http.wire import Json, RequestModel, ResponseModel, UtcIn, UtcOut, uuid_of
from kontor.task_types import leases, registry
from kontor.task_types.leases import LeaseCall
from models.keys import Scope

routes = Routes("leases")
RESULT_BODY: Final = 256 * 1024
"""Bytes of a call: the same result as JSON with escapes may be longer than 64 KiB."""


class LeaseIn(RequestModel):
    """What a pull worker asks for; `max` counts what it may hold in all, `wait` is in seconds.

    `tokens`: each lease comes with a token that opens it alone, for a process that should not have the key.
    """

    tasks: list[str] = Field(min_length=1, max_length=100)
    most: int = Field(1, ge=1, le=50, alias="max")
    wait: float = Field(0, ge=0, le=30)
    worker: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.@/-]+$")
    tokens: bool = False


class PulledJobOut(ResponseModel):
    """A job as its worker gets it: the sensitive args are open."""

    id: UUID
    task: str
    attempt: int
    args: dict[str, Json]
    account: UUID | None
    reseller: UUID | None
    external_id: str | None


class LeaseOut(ResponseModel):
    """A lease; it lasts 60 s from its last heartbeat."""

    lease: UUID
    expires_at: UtcOut
    job: PulledJobOut
    token: str | None


class LeasesOut(ResponseModel):
    """The leases that a call got."""

    items: list[LeaseOut]


class BeatOut(ResponseModel):
    """Until when the lease lasts now; `cancel_requested`: somebody cancelled the job, so stop."""

    expires_at: UtcOut
    cancel_requested: bool


class EndedOut(ResponseModel):
    """What ended the attempt of a job."""

    job: UUID
    ended: str


class CompleteIn(RequestModel):
    """The result, at most 64 KiB as JSON."""

    result: Json = None


class FailIn(RequestModel):
    """Why it failed; `permanent`: do not try again; `retry_in`: seconds, else by the type's policy."""

    error: str = Field(max_length=4_000)
    permanent: bool = False
    retry_in: float | None = Field(None, ge=0, le=7 * 86_400)


class SnoozeIn(RequestModel):
    """When to run it again; uses no attempt."""

    until: UtcIn


def may_work(ctx: RequestContext) -> None:
    """Raise Forbidden unless the key has `work`, whole or narrowed; which tasks is checked with the body."""
    if not any(scope.partition(":")[0] == Scope.WORK for scope in ctx.caller.scopes):
        ctx.require_scope(Scope.WORK)


def may_hold(ctx: RequestContext) -> None:
    """Raise Forbidden unless the key may work, or the call has the token of this lease."""
    if str(ctx.caller.key_id) != ctx.incoming.params["lease_id"]:
        may_work(ctx)


def require_lease(ctx: RequestContext) -> None:
    """Raise NotFound for a lease that is not the caller's, before its body is looked at."""
    LeaseCall.of(ctx, uuid_of(ctx.incoming.params["lease_id"]))


WORK = RoutePolicy(None, guard=may_work)
HOLD = RoutePolicy(None, first=require_lease, guard=may_hold)


@routes.post("/v1/leases", WORK, response=LeasesOut, audited=False)
def lease_jobs(ctx: Ctx, body: LeaseIn) -> ApiResponse:
    """Lease jobs of pull types; `[]` when there is none after `wait` seconds."""
    registry.refresh(ctx.connection, ctx.deps.jobs.catalogue)
    tasks = leases.pulled_tasks(ctx.deps.jobs.catalogue, body.tasks, sorted(ctx.caller.scopes))
    puller = Puller(ctx.caller.key_id, body.worker, ctx.caller.tenant, body.tokens)
    ctx.deps.puller_use.note(puller.key_id, puller.name)

    def render(session: Session) -> ApiResponse:
        return _leased(leases.lease(ctx, session, puller, tasks, body.most))

    response = render(ctx.session)
    if body.wait == 0 or not response.again:
        return response
    return replace(response, wait=LongPoll(body.wait, render, tasks=tuple(tasks), tenant=puller.tenant))


@routes.post("/v1/leases/{lease_id}/heartbeat", HOLD, response=BeatOut, audited=False)
def heartbeat(ctx: Ctx, lease_id: UUID) -> BeatOut:
    """Prolong a lease by 60 s. 409 `lease_lost`."""
    attempt = LeaseCall.of(ctx, lease_id).attempt()
    return BeatOut(expires_at=attempt.beat(), cancel_requested=attempt.row.cancel_requested)


@routes.post("/v1/leases/{lease_id}/complete", HOLD, response=EndedOut, audited=False, body_limit=RESULT_BODY)
def complete(ctx: Ctx, lease_id: UUID, body: CompleteIn = CompleteIn()) -> EndedOut:  # noqa: B008 -- frozen
    """Record success; a second time the first one's answer. 409 `lease_lost`, 422 `result_too_large`."""
    result: JsonValue = leases.require_result(body.result)
    return _ended(LeaseCall.of(ctx, lease_id).once("complete", lambda attempt: attempt.complete(result)))


@routes.post("/v1/leases/{lease_id}/fail", HOLD, response=EndedOut, audited=False)
def fail(ctx: Ctx, lease_id: UUID, body: FailIn) -> EndedOut:
    """Record a failed attempt. 409 `lease_lost`."""
    retry_in = leases.pause_of(body.retry_in)
    call = LeaseCall.of(ctx, lease_id)
    return _ended(
        call.once("fail", lambda attempt: attempt.fail(body.error, permanent=body.permanent, retry_in=retry_in))
    )


@routes.post("/v1/leases/{lease_id}/snooze", HOLD, response=EndedOut, audited=False)
def snooze(ctx: Ctx, lease_id: UUID, body: SnoozeIn) -> EndedOut:
    """Let the job run again later; uses no attempt. 409 `lease_lost`."""
    until = leases.require_future(body.until, ctx.now)
    return _ended(LeaseCall.of(ctx, lease_id).once("snooze", lambda attempt: attempt.snooze(until)))


@routes.post("/v1/leases/{lease_id}/release", HOLD, response=EndedOut, audited=False)
def release(ctx: Ctx, lease_id: UUID) -> EndedOut:
    """Give the job back; uses no attempt. 409 `lease_lost`."""
    return _ended(LeaseCall.of(ctx, lease_id).once("release", lambda attempt: attempt.release()))


def _ended(answer: JsonValue) -> EndedOut:
    return EndedOut.model_validate(answer)


def _leased(jobs: Sequence[LeasedJob]) -> ApiResponse:
    items = [
        LeaseOut(
            lease=each.lease,
            expires_at=each.expires_at,
            token=each.token,
            job=PulledJobOut(
                id=each.row.id,
                task=each.row.task,
                attempt=each.attempt,
                args=dict(each.args),
                account=each.subject.account_id,
                reseller=each.subject.reseller_id,
                external_id=each.subject.external_id,
            ),
        )
        for each in jobs
    ]
    # The sensitive args are open here, and a stored response lies in clear.
    return replace(ApiResponse.of(LeasesOut(items=items)), again=not items, masked=frozenset({"args"}))
