"""Cancel and retry of a job whose row or lane another session holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.bulk import service as bulk
from kontor.engine.admin import lanes
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.admin.operations import Cancellation, Operations
from kontor.engine.handlers import Cancelled, JobContext, Outcome, RemoteUnavailable, Transient
from kontor.kernel.errors import Busy, Conflict
from kontor.kernel.states import BulkAction, JobState
from tests.conftest import libpq
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send, Write

OPERATOR = Actor("olga", "10.0.0.1", "it was wrong")
T = TypeVar("T")
ROW = "SELECT 1 FROM jobs WHERE id = %s FOR UPDATE"


@contextmanager
def locked(world: EngineHarness, statement: str, *values: object) -> Iterator[None]:
    """Hold locks in another session."""
    url = libpq(world.engine.url.render_as_string(hide_password=False))
    with psycopg.connect(url) as other:
        assert other.execute(statement, values).rowcount
        yield


def steer(world: EngineHarness, action: Callable[[Operations, Session], T]) -> T:
    """Act within a second."""
    began = monotonic()
    try:
        with Session(world.engine) as session, session.begin():
            return action(Operations(world.inline.jobs), session)
    finally:
        assert monotonic() - began < 1


def cancel(world: EngineHarness, job: UUID) -> Cancellation:
    return steer(world, lambda control, session: control.cancel(session, job, OPERATOR))


def retry(world: EngineHarness, job: UUID) -> None:
    steer(world, lambda control, session: control.retry(session, job, OPERATOR))


def fail(job: JobContext, note: str) -> Outcome | None:
    raise Transient("later")


def test_cancel_of_a_locked_job_is_remembered_and_ends_it_when_the_lock_is_gone(world: EngineHarness) -> None:
    job = world.put(Write(note="x"))
    with locked(world, ROW, job):
        assert cancel(world, job) == Cancellation(JobState.QUEUED, remembered=True)
        assert cancel(world, job).remembered
        world.inline.tick()
        assert world.state(job) == "queued"
    world.inline.tick()
    row = world.job(job)
    assert (row.state, row.reason, world.effects()) == ("cancelled", "it was wrong", [])
    assert world.ask("SELECT count(*) FROM cancel_requests") == 0
    assert world.ask("SELECT array_agg(actor || action) FROM audit_log") == ["olgajob.cancel"] * 2


@pytest.mark.parametrize("payload", [Write(note="x"), Send(note="x")], ids=["transactional", "external"])
def test_claim_obeys_a_remembered_cancel_when_the_relay_has_not_yet(world: EngineHarness, payload: Write) -> None:
    job = world.put(payload)
    with locked(world, ROW, job):
        cancel(world, job)
    world.inline.run(job)
    assert (world.state(job), world.job(job).reason, world.effects()) == ("cancelled", "cancelled on request", [])


def test_running_transactional_job_is_cancelled_when_its_handler_stops(world: EngineHarness) -> None:
    def stop(job: JobContext, note: str) -> Outcome | None:
        assert cancel(world, job.id).remembered
        assert world.ask("SELECT count(*) FROM cancel_requests WHERE job_id = :id", id=job.id)
        raise Cancelled

    world.script.actions["x"] = stop
    job = world.put(Write(note="x"))
    world.inline.drain()
    assert (world.state(job), world.effects(), world.outcomes(job)) == ("cancelled", [], [])


def test_cancel_during_a_failing_run_prevents_the_next_attempt(world: EngineHarness) -> None:
    def cancel_and_fail(job: JobContext, note: str) -> Outcome | None:
        cancel(world, job.id)
        raise Transient("later")

    world.script.actions["x"] = cancel_and_fail
    job = world.put(Write(note="x"))
    world.inline.tick()
    world.inline.tick()
    assert world.state(job) == "cancelled"


def test_cancel_is_forgotten_when_the_run_finishes_first(world: EngineHarness) -> None:
    def only_cancel(job: JobContext, note: str) -> Outcome | None:
        cancel(world, job.id)
        return None

    world.script.actions["x"] = only_cancel
    job = world.put(Write(note="x"))
    world.inline.drain()
    assert (world.state(job), world.ask("SELECT count(*) FROM cancel_requests")) == ("succeeded", 0)


def test_running_job_is_asked_to_stop_when_its_lock_is_gone(world: EngineHarness) -> None:
    def record_meanwhile(job: JobContext, note: str) -> Outcome | None:
        with locked(world, ROW, job.id):
            assert cancel(world, job.id) == Cancellation(JobState.RUNNING, remembered=True)
        world.inline.relay.timers.rescue = 0.0
        world.inline.relay.tick()
        assert world.ask("SELECT cancel_requested FROM jobs WHERE id = :id", id=job.id)
        raise Cancelled

    world.script.actions["x"] = record_meanwhile
    world.ask("INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at)"
              " VALUES ('inline', 'h', 1, '0', 1, '{}', now(), now())")  # fmt: skip
    job = world.put(Send(note="x"))
    world.inline.drain()
    assert world.state(job) == "cancelled"


def test_cancel_is_remembered_when_the_lane_is_locked(world: EngineHarness) -> None:
    def refuse(job: JobContext, note: str) -> Outcome | None:
        raise RemoteUnavailable("refused")

    world.script.actions["x"] = refuse
    job = world.put(Send(note="x"), lane="a")
    world.inline.drain()
    with locked(world, "SELECT 1 FROM lanes FOR UPDATE"):
        assert cancel(world, job).remembered
        world.inline.relay.timers.rescue = 0.0
        world.inline.relay.tick()
        assert world.state(job) == "queued"
        with pytest.raises(Busy):
            steer(world, lambda control, session: lanes.hold(session, control.jobs, "a", OPERATOR))
    world.inline.tick()
    assert world.state(job) == "cancelled"


def test_retry_is_refused_as_busy_when_the_job_is_locked(world: EngineHarness) -> None:
    world.script.actions["x"] = fail
    job = world.put(Write(note="x"))
    world.inline.drain()
    with locked(world, ROW, job), pytest.raises(Busy):
        retry(world, job)
    retry(world, job)
    running = world.put(Write(note="y"))
    with locked(world, ROW, running), pytest.raises(Conflict) as caught:
        retry(world, running)
    assert (caught.value.code, caught.value.state) == ("not_retryable", "queued")


def test_retried_job_runs_when_it_was_cancelled_while_locked(world: EngineHarness) -> None:
    world.script.actions["x"] = fail
    job = world.put(Write(note="x"))
    world.inline.drain()
    with locked(world, ROW, job):
        cancel(world, job)
    world.script.actions.clear()
    retry(world, job)
    world.inline.drain()
    assert world.state(job) == "succeeded"


def test_queue_and_schedule_actions_are_refused_as_busy_when_their_rows_are_locked(world: EngineHarness) -> None:
    steer(world, lambda control, session: control.pause_queue(session, "write", OPERATOR))
    with locked(world, "SELECT 1 FROM queues FOR UPDATE"), pytest.raises(Busy):
        steer(world, lambda control, session: control.resume_queue(session, "write", OPERATOR))


@pytest.mark.parametrize(("action", "done"), [(BulkAction.CANCEL, 3), (BulkAction.RETRY, 2)])
def test_bulk_chunk_does_not_wait_when_a_job_is_locked(world: EngineHarness, action: BulkAction, done: int) -> None:
    world.script.actions["x"] = fail
    jobs = [world.put(Write(note="x")) for _ in range(3)]
    world.inline.drain()
    with locked(world, ROW, jobs[1]):
        result = steer(world, lambda control, session: bulk.run_chunk(session, control, action, JobFilter(), OPERATOR))
    assert (result.done, result.refused) == (done, 3 - done)
    world.script.actions.clear()
    world.inline.tick()
    states = {world.state(job) for job in jobs}
    assert states == ({"cancelled"} if action is BulkAction.CANCEL else {"succeeded", "retrying"})
