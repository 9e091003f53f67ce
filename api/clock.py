"""The test clock; not found unless it is on."""

from sqlalchemy.orm import Session

from api.answers import Answer, Wait
from api.call import Access, Call, Here
from api.routes import Routes
from api.schema import Incoming, Instant, Moment, Outgoing
from domain.errors import NotFound
from models.keys import Scope
from services import clock

routes = Routes("clock")
SETTLE_SECONDS = 60.0


class ClockBody(Incoming):
    """The new time, and whether to wait for the work that is due by then."""

    now: Instant
    settle: bool = False


class ClockDoc(Outgoing):
    """The current time of the clock."""

    now: Moment


class DueDoc(Outgoing):
    """Work left: jobs by task, schedules, and probes of open lanes."""

    jobs: dict[str, int]
    schedules: list[str]
    probes: list[str]


class UnsettledDoc(ClockDoc):
    """The clock is set, but some due work did not finish in time."""

    due: DueDoc


def require_test_clock(call: Call) -> None:
    """Raise NotFound unless the test clock is on."""
    if not call.deps.test_clock:
        raise NotFound("no_test_clock", "The test clock is off; set KONTOR_TEST_CLOCK=1 to turn it on.")


ADMIN = Access(Scope.ADMIN, first=require_test_clock, unbound_only=True)


@routes.get("/v1/clock", ADMIN, answer=ClockDoc, problems=[404])
def get_clock(call: Here) -> ClockDoc:
    """Return the time that every process uses."""
    return ClockDoc(now=call.now)


@routes.post("/v1/clock", ADMIN, answer=ClockDoc, also={202: UnsettledDoc}, problems=[404])
def set_clock(call: Here, body: ClockBody) -> Answer:
    """Move the time that every process uses. 409 `clock_backwards`."""
    now = clock.move(call.session, call.jobs.doorbell, body.now)
    answer = Answer.of(ClockDoc(now=now))
    if not body.settle:
        return answer

    def render(session: Session) -> Answer:
        pending = clock.due(session, now)
        if not pending:
            return answer
        due = DueDoc(jobs=dict(pending.jobs), schedules=list(pending.schedules), probes=list(pending.probes))
        return Answer.of(UnsettledDoc(now=now, due=due), 202)

    over = Wait(SETTLE_SECONDS, render, over=lambda session: not clock.due(session, now))
    return Answer(answer.body, wait=over)
