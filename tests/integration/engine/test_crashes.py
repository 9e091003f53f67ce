"""Crashes without a process: a crash point raises, and the relay recovers."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from kontor.adapters.fakes import ManualClock
from kontor.engine import recovery
from kontor.engine.catalogue import Payload
from kontor.engine.handlers import Handler, JobContext, Outcome, Transient
from kontor.engine.testing import InlineWorker
from kontor.kernel.doorbells import Doorbell
from tests.integration.engine.conftest import EngineHarness, guard
from tests.integration.engine.scripted_tasks import (
    Script,
    Send,
    Sender,
    SendParked,
    SendVerified,
    VerifyingSender,
    Write,
    Writer,
)
from tests.support.polling import wait_for

REGISTER = """
INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at)
VALUES ('inline', 'here', 1, '0', 1, '{}', now(), clock_timestamp() - interval '1 hour')
"""


class Died(BaseException):
    """The process died."""


@dataclass
class MovableCrashPoint:
    """A movable crash point."""

    point: str = ""

    def __call__(self, name: str) -> None:
        if name == self.point:
            raise Died


@dataclass
class CrashingHarness(EngineHarness):
    """A harness whose worker dies at a named point."""

    crash_point: MovableCrashPoint

    def die(self, point: str, *ids: UUID) -> None:
        """Run jobs of one doorbell and die at a point; the relay recovers."""
        self.crash_point.point = point
        task = self.ask("SELECT task FROM jobs WHERE id = :id", id=ids[0])
        self.ask(REGISTER)
        with pytest.raises(Died):
            self.inline.run(*ids)
        self.crash_point.point = ""
        bell = Doorbell("held", self.inline.registry.catalogue[task].policy.queue, task, ids)
        self.inline.bells.held = {"inline": (bell,)}
        self.notice()

    def notice(self) -> None:
        """Run the recovery of the relay only."""
        self.inline.relay.rescue_from = float("-inf")
        self.inline.relay._rescue(0.0)


@pytest.fixture
def dying(engine: Engine, script: Script) -> Iterator[CrashingHarness]:
    guard(engine)
    clock = ManualClock()
    handlers: list[Handler] = [Writer(script), Sender(script), VerifyingSender(script), Sender(script, SendParked)]
    crash_point = MovableCrashPoint()
    with InlineWorker(engine, handlers, clock, crash=crash_point) as inline:
        yield CrashingHarness(inline, script, engine, clock, crash_point)


TRANSACTIONAL_POINTS = [
    "claim.before",
    "claim.after",
    "effect.before",
    "effect.after",
    "record.before",
    "commit.before",
]
UNDER_LEASE = ["effect.before", "effect.after", "record.before", "record.after", "commit.before"]


@pytest.mark.parametrize("point", TRANSACTIONAL_POINTS)
def test_transactional_job_runs_again_and_the_crash_counts_as_an_attempt(dying: CrashingHarness, point: str) -> None:
    jobs = [dying.put(_write(number)) for number in range(3)]
    dying.die(point, *jobs)
    assert dying.effects() == []
    assert {tuple(dying.outcomes(job)) for job in jobs} == {("crashed",)}
    assert dying.inline.drain() == 3
    assert dying.effects() == ["0", "1", "2"]
    assert {(dying.state(job), dying.job(job).attempt) for job in jobs} == {("succeeded", 2)}


def test_committed_job_does_not_run_again_after_a_crash(dying: CrashingHarness) -> None:
    job = dying.put(_write(1))
    dying.die("commit.after", job)
    assert dying.inline.drain() == 0
    assert dying.effects() == ["1"]


@pytest.mark.parametrize("point", UNDER_LEASE)
def test_external_job_runs_again_under_the_same_key(dying: CrashingHarness, point: str) -> None:
    job = dying.put(Send(note="x"))
    dying.die(point, job)
    assert (dying.state(job), dying.outcomes(job)) == ("queued", ["crashed"])
    dying.inline.drain()
    assert (dying.state(job), dying.effects()) == ("succeeded", ["x"])
    assert dict(dying.script.sent) == {str(job): 1 if point == "effect.before" else 2}


@pytest.mark.parametrize("point", UNDER_LEASE)
def test_verify_policy_checks_before_acting_again(dying: CrashingHarness, point: str) -> None:
    job = dying.put(SendVerified(note="x"))
    dying.die(point, job)
    dying.inline.drain()
    assert (dying.state(job), dying.effects(), dying.script.verified) == ("succeeded", ["x"], ["x"])
    assert dying.script.sent[str(job)] == 1


@pytest.mark.parametrize("point", UNDER_LEASE)
def test_park_policy_leaves_the_job_to_an_operator(dying: CrashingHarness, point: str) -> None:
    job = dying.put(SendParked(note="x"))
    dying.die(point, job)
    dying.inline.drain()
    row = dying.job(job)
    assert (row.state, row.reason, dying.effects()) == ("dead", "unknown", [])
    assert dying.script.failures == [("x", "unknown")]


def test_parked_task_runs_again_when_it_crashed_in_its_claim(dying: CrashingHarness) -> None:
    job = dying.put(SendParked(note="x"))
    dying.die("claim.before", job)
    dying.inline.drain()
    assert dying.state(job) == "succeeded"


@pytest.mark.parametrize(("point", "crashed"), [("claim.before", 0), ("effect.before", 0), ("claim.after", 0)])
def test_only_the_job_that_was_begun_is_a_crash_when_a_doorbell_carries_several(
    dying: CrashingHarness, point: str, crashed: int
) -> None:
    jobs = [dying.put(_send(number)) for number in range(3)]
    dying.die(point, *jobs)
    assert [dying.outcomes(job) for job in jobs] == [["crashed"] if place == crashed else [] for place in range(3)]
    dying.inline.drain()
    assert {dying.state(job) for job in jobs} == {"succeeded"}


@pytest.mark.parametrize("payload", [Send, SendVerified])
def test_lane_of_a_dead_worker_is_released(dying: CrashingHarness, payload: type[Send]) -> None:
    first, second = (dying.put(payload(note=note), lane="a") for note in "ab")
    dying.die("effect.after", first, second)
    dying.inline.drain()
    assert [dying.state(job) for job in (first, second)] == ["succeeded"] * 2
    assert dying.script.order[-1] == "b"


@pytest.mark.parametrize(
    ("kind", "point"),
    [("write", "effect.before"), ("send", "effect.before"), ("send", "claim.before")],
    ids=["transactional", "external", "in the claim"],
)
def test_job_that_crashes_three_workers_is_dead_and_others_succeed(
    dying: CrashingHarness, kind: str, point: str
) -> None:
    make = _write if kind == "write" else _send
    poison, *innocents = (dying.put(make(number)) for number in range(4))
    dying.die(point, poison, *innocents)
    dying.die(point, poison)
    dying.die(point, poison)
    dying.inline.drain()
    row = dying.job(poison)
    assert (row.state, row.reason) == ("dead", "poison")
    assert [dying.state(job) for job in innocents] == ["succeeded"] * 3
    assert dying.effects() == ["1", "2", "3"]


def test_crashed_jobs_run_in_smaller_batches(dying: CrashingHarness) -> None:
    dying.inline.relay.batching.estimates.observe("test.write", 0.0001)
    dying.inline.relay.slots = 64
    for crashes, number in ((0, 3), (1, 3), (2, 3)):
        for note in range(number):
            job = dying.put(_write(note))
            dying.ask("UPDATE jobs SET crashes = :c WHERE id = :id", c=crashes, id=job)
    dying.inline.relay.timers.poll = float("inf")
    dying.inline.bells.ring_hint()
    dying.inline.relay.tick()
    dispatched = dying.inline.bells.dispatched
    assert sorted(len(bell.ids) for bell in dispatched) == [1, 1, 1, 1, 3]


@pytest.mark.parametrize("make", ["write", "send"])
def test_job_is_dead_after_a_crash_in_its_last_attempt(dying: CrashingHarness, make: str) -> None:
    job = dying.put(_write(1) if make == "write" else _send(1), lane=None if make == "write" else "a")
    dying.ask("UPDATE jobs SET max_attempts = 1")
    dying.die("effect.before", job)
    dying.inline.drain()
    row = dying.job(job)
    assert (row.state, row.reason, row.attempt, dying.outcomes(job)) == ("dead", "failed", 1, ["crashed"])
    assert (dying.effects(), dict(dying.script.sent), dying.script.failures) == ([], {}, [("1", "failed")])
    assert dying.ask("SELECT count(*) FROM lanes WHERE busy_with IS NOT NULL") == 0


@pytest.mark.parametrize("make", ["write", "send"])
def test_crash_counts_towards_the_maximum_attempts_of_the_row(dying: CrashingHarness, make: str) -> None:
    job = dying.put(_write(1) if make == "write" else _send(1))
    dying.ask("UPDATE jobs SET max_attempts = 2")
    dying.die("effect.before", job)

    def fail(job: JobContext, note: str) -> Outcome | None:
        raise Transient("no")

    dying.script.actions["1"] = fail
    dying.inline.drain()
    row = dying.job(job)
    assert (row.state, row.reason, row.attempt, dying.outcomes(job)) == ("dead", "failed", 2, ["crashed", "failed"])


def test_stale_but_connected_worker_keeps_its_lease_for_a_while(dying: CrashingHarness) -> None:
    dying.ask(REGISTER)
    dying.ask("UPDATE worker_processes SET heartbeat_at = clock_timestamp() - interval '5 seconds'")
    url = dying.engine.url.update_query_dict({"application_name": recovery.APPLICATION_PREFIX + "inline"})
    engine = create_engine(url)
    with engine.connect():
        dying.notice()
        assert dying.ask("SELECT count(*) FROM worker_processes") == 1
        dying.ask("UPDATE worker_processes SET heartbeat_at = clock_timestamp() - interval '11 seconds'")
        dying.notice()
        assert dying.ask("SELECT count(*) FROM worker_processes") == 0
    engine.dispose()


def test_connection_of_a_worker_with_the_same_name_at_another_database_is_left_alone(dying: CrashingHarness) -> None:
    dying.ask(REGISTER)
    dying.ask("UPDATE worker_processes SET heartbeat_at = clock_timestamp() - interval '11 seconds'")
    named = {"application_name": recovery.APPLICATION_PREFIX + "inline"}
    engine = create_engine(dying.engine.url.set(database="postgres").update_query_dict(named))
    with engine.connect() as connection:
        dying.notice()
        assert dying.ask("SELECT count(*) FROM worker_processes") == 0
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def test_stale_worker_with_an_idle_transaction_is_struck_off_at_the_second_look(dying: CrashingHarness) -> None:
    dying.ask(REGISTER)
    dying.ask("UPDATE worker_processes SET heartbeat_at = clock_timestamp() - interval '4 seconds'")
    url = dying.engine.url.update_query_dict({"application_name": recovery.APPLICATION_PREFIX + "inline"})
    engine = create_engine(url)
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        idle = "SELECT state_change < clock_timestamp() - interval '2 s' FROM pg_stat_activity WHERE pid = :pid"
        wait_for(lambda: dying.ask(idle, pid=pid) is True, "two idle seconds", 20)
        dying.notice()
        assert dying.ask("SELECT count(*) FROM worker_processes") == 1
        dying.ask("UPDATE worker_processes SET heartbeat_at = clock_timestamp()")
        dying.notice()
        dying.ask("UPDATE worker_processes SET heartbeat_at = clock_timestamp() - interval '4 seconds'")
        dying.notice()
        assert dying.ask("SELECT count(*) FROM worker_processes") == 1
        dying.notice()
        assert dying.ask("SELECT count(*) FROM worker_processes") == 0
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT 1"))
    engine.dispose()


def test_connections_of_a_stalled_worker_are_terminated(dying: CrashingHarness) -> None:
    dying.ask(REGISTER)
    engine = create_engine(
        dying.engine.url.update_query_dict({"application_name": recovery.APPLICATION_PREFIX + "inline"})
    )
    with engine.connect() as connection:
        dying.notice()
        with pytest.raises(OperationalError):
            connection.execute(text("SELECT 1"))
    engine.dispose()


def _write(number: int) -> Payload:
    return Write(note=str(number))


def _send(number: int) -> Payload:
    return Send(note=str(number))
