"""Routes of lanes: list, hold, release, probe."""

from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query

from kontor.accounts import instances
from kontor.engine.admin import lanes
from kontor.engine.admin.lanes import LaneCounts
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery, ResponseModel, UtcOut
from kontor.jobs.routes import actor
from kontor.jobs.schemas import ActionIn
from kontor.kernel.errors import NotFound
from kontor.licences.service import account_of_lane
from models.control import BreakerState, Lane
from models.keys import Scope

routes = Routes("lanes")


class LaneState(StrEnum):
    """closed: jobs run. open: the remote is down, the next try is at `next_try_at`. held: by an operator."""

    CLOSED = "closed"
    OPEN = "open"
    HELD = "held"


BREAKERS: Final = {
    LaneState.CLOSED: BreakerState.CLOSED,
    LaneState.OPEN: BreakerState.OPEN,
    LaneState.HELD: BreakerState.FORCED,
}
STATES: Final = {breaker: state for state, breaker in BREAKERS.items()}


class LaneQuery(PageQuery):
    """Filter for lanes."""

    state: LaneState | None = None


class LaneOut(ResponseModel):
    """A lane: jobs that run one at a time behind a breaker. `waiting`: unfinished jobs; `since`: of the trouble."""

    name: str
    account_id: UUID | None
    state: LaneState
    failures: int
    waiting: int
    dead: int
    since: UtcOut | None
    next_try_at: UtcOut | None
    last_error: str | None


def require_lane(ctx: RequestContext) -> None:
    """Raise NotFound for a lane that no job has used."""
    if ctx.session.get(Lane, ctx.incoming.params["name"]) is None:
        raise NotFound("unknown_lane", lanes.UNKNOWN)


STEER = RoutePolicy(Scope.OPERATE, first=require_lane, unbound_only=True)


@routes.get("/v1/lanes", RoutePolicy(Scope.READ, unbound_only=True), response=PageOut[LaneOut])
def list_lanes(ctx: Ctx, query: Annotated[LaneQuery, Query()]) -> PageOut[LaneOut]:
    """List lanes by name."""
    breaker = None if query.state is None else BREAKERS[query.state]
    page = lanes.page(ctx.session, breaker, query.cursor, query.limit)
    counts = lanes.counts_by_lane(ctx.session, [lane.name for lane in page.items])
    return PageOut(items=[_lane_out(lane, counts.get(lane.name, LaneCounts())) for lane in page.items], next=page.next)


@routes.post("/v1/lanes/{name}/hold", STEER, response=LaneOut)
def hold_lane(ctx: Ctx, name: str, body: ActionIn = ActionIn()) -> LaneOut:  # noqa: B008 -- frozen
    """Hold a lane: no job starts until it is released. 409 `already_held`."""
    lanes.hold(ctx.session, ctx.jobs, name, actor(ctx, body.reason))
    return _lane(ctx, name)


@routes.post("/v1/lanes/{name}/release", STEER, response=LaneOut)
def release_lane(ctx: Ctx, name: str, body: ActionIn = ActionIn()) -> LaneOut:  # noqa: B008 -- frozen
    """End a hold: the next job is sent as a probe, and an instance gets a `ping`. 409 `not_held`."""
    instances.release_lane(ctx.session, ctx.jobs, name, actor(ctx, body.reason))
    return _lane(ctx, name)


@routes.post("/v1/lanes/{name}/probe", STEER, response=LaneOut)
def probe_lane(ctx: Ctx, name: str, body: ActionIn = ActionIn()) -> LaneOut:  # noqa: B008 -- frozen
    """Let an open lane send its next job now, and ping its instance. 409 `not_open`."""
    instances.probe_lane(ctx.session, ctx.jobs, name, actor(ctx, body.reason))
    return _lane(ctx, name)


def _lane(ctx: RequestContext, name: str) -> LaneOut:
    ctx.session.flush()
    lane = lanes.lock_lane(ctx.session, name)
    assert lane is not None
    return _lane_out(lane, lanes.counts_by_lane(ctx.session, [name]).get(name, LaneCounts()))


def _lane_out(lane: Lane, counts: LaneCounts) -> LaneOut:
    return LaneOut(
        name=lane.name,
        account_id=account_of_lane(lane.name),
        state=STATES[BreakerState(lane.state)],
        failures=lane.failures,
        waiting=counts.waiting,
        dead=counts.dead,
        since=lane.held_since,
        next_try_at=lane.probe_at,
        last_error=lane.last_error,
    )
