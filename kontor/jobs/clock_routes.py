"""The test clock; not found unless it is on."""

from sqlalchemy.orm import Session

from kontor.engine import test_clock
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.responses import ApiResponse, LongPoll
from kontor.http.routing import Routes
from kontor.http.wire import RequestModel, ResponseModel, UtcIn, UtcOut
from kontor.kernel.errors import NotFound
from models.keys import Scope

routes = Routes("clock")
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


@routes.get("/v1/clock", ADMIN, response=ClockOut, problems=[404])
def get_clock(ctx: Ctx) -> ClockOut:
    """Return the time that every process uses."""
    return ClockOut(now=ctx.now)


@routes.post("/v1/clock", ADMIN, response=ClockOut, also={202: UnsettledOut}, problems=[404])
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
    return ApiResponse(response.body, wait=done)
