"""The test clock; with real time there is no such thing."""

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
    """Where to set the clock, and whether to wait for what is due then."""

    now: Instant
    settle: bool = False


class ClockDoc(Outgoing):
    """Where the clock stands."""

    now: Moment


class DueDoc(Outgoing):
    """What is left to do: jobs by task, schedules, probes of open lanes."""

    jobs: dict[str, int]
    schedules: list[str]
    probes: list[str]


class UnsettledDoc(ClockDoc):
    """The clock is set, but not everything that is due was done in time."""

    due: DueDoc


def must_be_on(call: Call) -> None:
    """Raise NotFound unless the test clock is on."""
    if not call.deps.test_clock:
        raise NotFound("no_test_clock", "The test clock is off; KONTOR_TEST_CLOCK=1 turns it on.")


ADMIN = Access(Scope.ADMIN, first=must_be_on, unbound_only=True)


@routes.get("/v1/clock", ADMIN, answer=ClockDoc, problems=[404])
def get_clock(call: Here) -> ClockDoc:
    """The time every process sees."""
    return ClockDoc(now=call.now)


@routes.post("/v1/clock", ADMIN, answer=ClockDoc, also={202: UnsettledDoc}, problems=[404])
def set_clock(call: Here, body: ClockBody) -> Answer:
    """Move the time every process sees. 409 `clock_backwards`."""
    now = clock.move(call.session, call.jobs.doorbell, body.now)
    answer = Answer.of(ClockDoc(now=now))
    if not body.settle:
        return answer

    def render(session: Session) -> Answer:
        left = clock.due(session, now)
        if not left:
            return answer
        due = DueDoc(jobs=dict(left.jobs), schedules=list(left.schedules), probes=list(left.probes))
        return Answer.of(UnsettledDoc(now=now, due=due), 202)

    over = Wait(SETTLE_SECONDS, render, over=lambda session: not clock.due(session, now))
    return Answer(answer.body, wait=over)
