from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from engine.control import Actor, Control
from engine.enqueue import Request
from engine.handlers import JobContext
from engine.outcomes import Down, Outcome, Permanent, Transient
from tests.integration.engine.conftest import World
from tests.integration.engine.world import Send, Write

OPERATOR = Actor("olga", "10.0.0.1", "it was wrong")
BACKLOG = 2000


def steer(world: World, deed: Callable[[Control, Session], object]) -> object:
    with Session(world.engine) as session, session.begin():
        return deed(Control(world.inline.jobs), session)


def cancel(world: World, job: UUID) -> object:
    return steer(world, lambda control, session: control.cancel(session, job, OPERATOR))


def retry(world: World, job: UUID) -> object:
    return steer(world, lambda control, session: control.retry(session, job, OPERATOR))


def pause(world: World, queue: str = "write") -> object:
    return steer(world, lambda control, session: control.pause_queue(session, queue, OPERATOR))


def resume(world: World, queue: str = "write") -> object:
    return steer(world, lambda control, session: control.resume_queue(session, queue, OPERATOR))


def failing(error: Exception) -> Callable[[JobContext, str], Outcome | None]:
    def deed(job: JobContext, note: str) -> Outcome | None:
        raise error

    return deed


def test_a_pause_stops_even_what_was_rung_for_already(world: World) -> None:
    jobs = [world.put(Write(note="x")) for _ in range(3)]
    world.inline.bells.ring_hint()
    world.inline.relay.tick()
    assert world.inline.bells.rung
    pause(world)
    assert [world.inline.answer(bell) for bell in list(world.inline.bells.rung)] == [0] * len(world.inline.bells.rung)
    world.inline.bells.rung.clear()
    assert world.inline.drain() == 0
    resume(world)
    world.inline.relay.begin()
    assert world.inline.drain() == len(jobs)


def test_a_pause_leaves_other_queues_alone(world: World) -> None:
    pause(world)
    world.put(Write(note="x"))
    other = world.put(Send(note="y"))
    assert world.inline.drain() == 1
    assert world.state(other) == "succeeded"


def test_pause_and_resume_act_at_once_in_front_of_a_long_backlog(world: World) -> None:
    requests = [Request("test.write", {"note": f"{number}"}) for number in range(BACKLOG)]
    with Session(world.engine) as session, session.begin():
        world.inline.jobs.put_many(session, requests)
    world.inline.tick()
    done = world.ask("SELECT count(*) FROM jobs_archive")
    assert 0 < done < BACKLOG
    pause(world)
    assert world.inline.drain() == 0
    assert world.ask("SELECT count(*) FROM jobs_archive") == done
    resume(world)
    assert world.inline.drain() == BACKLOG - done


def test_an_unknown_queue_cannot_be_paused(world: World) -> None:
    with pytest.raises(NotFound):
        pause(world, "nonsense")


@pytest.mark.parametrize("later", [False, True])
def test_a_waiting_job_is_cancelled_at_once(world: World, later: bool) -> None:
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


def test_a_job_that_succeeded_can_be_neither_cancelled_nor_retried(world: World) -> None:
    job = world.put(Write(note="x"))
    world.inline.drain()
    for deed in (cancel, retry):
        with pytest.raises(Conflict) as caught:
            deed(world, job)
        assert caught.value.state == "succeeded"


def test_a_job_that_never_was_is_not_found(world: World) -> None:
    for deed in (cancel, retry):
        with pytest.raises(NotFound):
            deed(world, UUID(int=1))


@pytest.mark.parametrize("error", [Permanent("no"), Transient("later")])
def test_a_dead_or_retrying_job_is_retried_now_with_all_its_attempts(world: World, error: Exception) -> None:
    world.script.deeds["x"] = failing(error)
    job = world.put(Write(note="x"))
    world.inline.drain()
    world.script.deeds.clear()
    retry(world, job)
    assert world.job(job).attempt == 0
    world.inline.drain()
    assert (world.state(job), world.effects()) == ("succeeded", ["x"])


def test_a_cancelled_job_comes_back(world: World) -> None:
    job = world.put(Write(note="x"), unique_key="k")
    cancel(world, job)
    retry(world, job)
    world.inline.drain()
    assert world.state(job) == "succeeded"


def test_a_cancelled_job_does_not_come_back_beside_another_with_its_key(world: World) -> None:
    job = world.put(Write(note="x"), unique_key="k")
    cancel(world, job)
    world.put(Write(note="y"), unique_key="k")
    with pytest.raises(Conflict):
        retry(world, job)


def test_a_running_job_is_asked_to_stop_and_does_not_wait_for_its_next_try(world: World) -> None:
    def stopped_while_it_fails(job: JobContext, note: str) -> Outcome | None:
        assert cancel(world, job.id) == "running"
        raise Transient("in an hour", retry_in=timedelta(hours=1))

    world.script.deeds["x"] = stopped_while_it_fails
    job = world.put(Send(note="x"), lane="a")
    world.inline.drain()
    assert (world.state(job), world.job(job).reason) == ("cancelled", "cancelled on request")
    assert world.ask("SELECT busy_with FROM lanes") is None


def test_a_running_probe_that_was_asked_to_stop_frees_its_lane(world: World) -> None:
    def stopped_while_down(job: JobContext, note: str) -> Outcome | None:
        cancel(world, job.id)
        raise Down("refused")

    world.script.deeds["x"] = stopped_while_down
    job, other = world.put(Send(note="x"), lane="a"), world.put(Send(note="y"), lane="a")
    world.inline.drain()
    assert world.state(job) == "cancelled"
    world.clock.advance(timedelta(minutes=5))
    world.inline.drain()
    assert world.state(other) == "succeeded"


def test_cancelling_the_job_a_lane_waits_for_lets_the_next_one_go(world: World) -> None:
    def refuse(job: JobContext, note: str) -> Outcome | None:
        raise Down("refused")

    world.script.deeds["x"] = refuse
    first, second = world.put(Send(note="x"), lane="a"), world.put(Send(note="y"), lane="a")
    world.inline.drain()
    world.ask("UPDATE lanes SET probe_at = NULL")
    cancel(world, first)
    world.inline.drain()
    assert world.state(second) == "succeeded"


def test_every_deed_is_written_down_with_who_and_why(world: World) -> None:
    job = world.put(Write(note="x"))
    pause(world)
    resume(world)
    cancel(world, job)
    retry(world, job)
    with world.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT actor, reason, origin, action FROM audit_log ORDER BY seq").all()
    assert {tuple(row[:3]) for row in rows} == {("olga", "it was wrong", "10.0.0.1")}
    assert [row[3] for row in rows] == ["queue.pause", "queue.resume", "job.cancel", "job.retry"]
