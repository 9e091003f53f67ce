from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.engine.admin.operations import Operations
from kontor.engine.enqueue import JobRequest
from kontor.engine.handlers import JobContext, Outcome, Permanent, RemoteUnavailable, Transient
from kontor.kernel.errors import Conflict, NotFound
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send, Write

OPERATOR = Actor("olga", "10.0.0.1", "it was wrong")
BACKLOG = 2000


def steer(world: EngineHarness, action: Callable[[Operations, Session], object]) -> object:
    with Session(world.engine) as session, session.begin():
        return action(Operations(world.inline.jobs), session)


def cancel(world: EngineHarness, job: UUID) -> object:
    return steer(world, lambda control, session: control.cancel(session, job, OPERATOR).state)


def retry(world: EngineHarness, job: UUID) -> object:
    return steer(world, lambda control, session: control.retry(session, job, OPERATOR))


def pause(world: EngineHarness, queue: str = "write") -> object:
    return steer(world, lambda control, session: control.pause_queue(session, queue, OPERATOR))


def resume(world: EngineHarness, queue: str = "write") -> object:
    return steer(world, lambda control, session: control.resume_queue(session, queue, OPERATOR))


def failing(error: Exception) -> Callable[[JobContext, str], Outcome | None]:
    def action(job: JobContext, note: str) -> Outcome | None:
        raise error

    return action


def test_pause_stops_dispatched_jobs_too(world: EngineHarness) -> None:
    jobs = [world.put(Write(note="x")) for _ in range(3)]
    world.inline.bells.ring_hint()
    world.inline.relay.tick()
    assert world.inline.bells.dispatched
    pause(world)
    assert [world.inline.answer(bell) for bell in list(world.inline.bells.dispatched)] == [0] * len(
        world.inline.bells.dispatched
    )
    world.inline.bells.dispatched.clear()
    assert world.inline.drain() == 0
    resume(world)
    world.inline.relay.begin()
    assert world.inline.drain() == len(jobs)


def test_pause_does_not_affect_other_queues(world: EngineHarness) -> None:
    pause(world)
    world.put(Write(note="x"))
    other = world.put(Send(note="y"))
    assert world.inline.drain() == 1
    assert world.state(other) == "succeeded"


def test_pause_and_resume_take_effect_at_once_despite_a_long_backlog(world: EngineHarness) -> None:
    requests = [JobRequest("test.write", {"note": f"{number}"}) for number in range(BACKLOG)]
    with Session(world.engine) as session, session.begin():
        world.inline.jobs.enqueue_many(session, requests)
    world.inline.tick()
    done = world.ask("SELECT count(*) FROM jobs_archive")
    assert 0 < done < BACKLOG
    pause(world)
    assert world.inline.drain() == 0
    assert world.ask("SELECT count(*) FROM jobs_archive") == done
    resume(world)
    assert world.inline.drain() == BACKLOG - done


def test_unknown_queue_cannot_be_paused(world: EngineHarness) -> None:
    with pytest.raises(NotFound):
        pause(world, "nonsense")


@pytest.mark.parametrize("later", [False, True])
def test_waiting_job_is_cancelled_at_once(world: EngineHarness, later: bool) -> None:
    run_at = world.clock.now() + timedelta(hours=1) if later else None
    job = world.put(Write(note="x"), run_at=run_at)
    cancel(world, job)
    row = world.job(job)
    assert (row.state, row.reason) == ("cancelled", "it was wrong")
    world.clock.advance(timedelta(hours=2))
    assert world.inline.drain() == 0
    with pytest.raises(Conflict) as caught:
        cancel(world, job)
    assert caught.value.state == "cancelled"


def test_succeeded_job_can_be_neither_cancelled_nor_retried(world: EngineHarness) -> None:
    job = world.put(Write(note="x"))
    world.inline.drain()
    for operation in (cancel, retry):
        with pytest.raises(Conflict) as caught:
            operation(world, job)
        assert caught.value.state == "succeeded"


def test_unknown_job_is_not_found(world: EngineHarness) -> None:
    for operation in (cancel, retry):
        with pytest.raises(NotFound):
            operation(world, UUID(int=1))


@pytest.mark.parametrize("error", [Permanent("no"), Transient("later")])
def test_retry_of_a_dead_or_retrying_job_resets_its_attempts(world: EngineHarness, error: Exception) -> None:
    world.script.actions["x"] = failing(error)
    job = world.put(Write(note="x"))
    world.inline.drain()
    world.script.actions.clear()
    retry(world, job)
    assert world.job(job).attempt == 0
    world.inline.drain()
    assert (world.state(job), world.effects()) == ("succeeded", ["x"])


def test_cancelled_job_can_be_retried(world: EngineHarness) -> None:
    job = world.put(Write(note="x"), unique_key="k")
    cancel(world, job)
    retry(world, job)
    world.inline.drain()
    assert world.state(job) == "succeeded"


def test_cancelled_job_is_not_retried_while_another_holds_its_unique_key(world: EngineHarness) -> None:
    job = world.put(Write(note="x"), unique_key="k")
    cancel(world, job)
    world.put(Write(note="y"), unique_key="k")
    with pytest.raises(Conflict):
        retry(world, job)


def test_cancel_of_a_running_job_prevents_its_next_attempt(world: EngineHarness) -> None:
    def stopped_while_it_fails(job: JobContext, note: str) -> Outcome | None:
        assert cancel(world, job.id) == "running"
        raise Transient("in an hour", retry_in=timedelta(hours=1))

    world.script.actions["x"] = stopped_while_it_fails
    job = world.put(Send(note="x"), lane="a")
    world.inline.drain()
    assert (world.state(job), world.job(job).reason) == ("cancelled", "cancelled on request")
    assert world.ask("SELECT busy_with FROM lanes") is None


def test_lane_is_free_when_its_running_probe_was_cancelled(world: EngineHarness) -> None:
    def stopped_while_down(job: JobContext, note: str) -> Outcome | None:
        cancel(world, job.id)
        raise RemoteUnavailable("refused")

    world.script.actions["x"] = stopped_while_down
    job, other = world.put(Send(note="x"), lane="a"), world.put(Send(note="y"), lane="a")
    world.inline.drain()
    assert world.state(job) == "cancelled"
    world.clock.advance(timedelta(minutes=5))
    world.inline.drain()
    assert world.state(other) == "succeeded"


def test_cancelling_the_first_job_of_a_lane_releases_the_next_one(world: EngineHarness) -> None:
    def refuse(job: JobContext, note: str) -> Outcome | None:
        raise RemoteUnavailable("refused")

    world.script.actions["x"] = refuse
    first, second = world.put(Send(note="x"), lane="a"), world.put(Send(note="y"), lane="a")
    world.inline.drain()
    world.ask("UPDATE lanes SET probe_at = NULL")
    cancel(world, first)
    world.inline.drain()
    assert world.state(second) == "succeeded"


def test_every_operation_is_audited_with_actor_and_reason(world: EngineHarness) -> None:
    job = world.put(Write(note="x"))
    pause(world)
    resume(world)
    cancel(world, job)
    retry(world, job)
    with world.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT actor, reason, origin, action FROM audit_log ORDER BY seq").all()
    assert {tuple(row[:3]) for row in rows} == {("olga", "it was wrong", "10.0.0.1")}
    assert [row[3] for row in rows] == ["queue.pause", "queue.resume", "job.cancel", "job.retry"]
