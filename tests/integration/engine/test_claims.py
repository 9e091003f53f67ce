"""Doorbells for jobs that must not be claimed: stale, doubled, or rung while another worker has the job."""

import pytest
from sqlalchemy import text

from kontor.engine.catalogue import Payload
from kontor.engine.handlers import JobContext, Outcome
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send, Write, WriteAlone, make_psycopg_drop_prepared_statements

EVERY_KIND = pytest.mark.parametrize(
    "payload", [Write(note="x"), WriteAlone(note="x"), Send(note="x")], ids=["transactional", "alone", "external"]
)


def test_second_doorbell_for_a_running_job_claims_nothing(world: EngineHarness) -> None:
    claimed: list[int] = []

    def ring_again(job: JobContext, note: str) -> Outcome | None:
        world.script.actions.clear()
        claimed.append(world.inline.run(job.id).claimed)
        return None

    world.script.actions["x"] = ring_again
    job = world.put(Send(note="x"))
    world.inline.run(job)
    assert (claimed, world.script.order) == ([0], ["x"])
    assert (world.state(job), world.job(job).attempt) == ("succeeded", 1)


@EVERY_KIND
def test_doorbell_for_a_job_that_is_locked_claims_nothing(world: EngineHarness, payload: Payload) -> None:
    job = world.put(payload)
    with world.engine.begin() as connection:
        connection.execute(text("SELECT id FROM jobs FOR UPDATE"))
        assert world.inline.run(job).claimed == 0
    assert (world.state(job), world.outcomes(job), world.script.order) == ("queued", [], [])
    assert world.inline.run(job).claimed == 1


@EVERY_KIND
def test_doorbell_for_a_job_of_a_paused_queue_claims_nothing(world: EngineHarness, payload: Payload) -> None:
    job, other = world.put(payload), world.put(payload)
    world.ask("INSERT INTO queues (name, paused) VALUES (:name, true)", name=payload.policy.queue)
    assert world.inline.run(job, other).claimed == 0
    assert (world.state(job), world.script.order) == ("queued", [])


def test_job_alone_in_its_commit_runs_again_when_its_handler_drops_a_table(world: EngineHarness) -> None:
    def drop(job: JobContext, note: str) -> Outcome | None:
        make_psycopg_drop_prepared_statements(world.script.sessions[-1])
        return None

    world.script.actions["x"] = drop
    jobs = [world.put(WriteAlone(note="x")) for _ in range(2)]
    world.inline.run(*jobs)
    assert [(world.state(job), world.outcomes(job)) for job in jobs] == [("succeeded", [])] * 2
    assert world.effects() == ["x", "x"]


def test_doorbell_for_a_job_held_in_its_lane_claims_nothing(world: EngineHarness) -> None:
    first, second, third = (world.put(Send(note=note), lane="a") for note in ("first", "second", "third"))

    def hear_the_others(job: JobContext, note: str) -> Outcome | None:
        world.inline.run(second, third)
        return None

    world.script.actions["first"] = hear_the_others
    world.inline.run(first)
    assert (world.job(second).held, world.job(third).held) == (False, True)
    assert world.inline.run(third).claimed == 0
    world.inline.drain()
    assert world.script.order == ["first", "second", "third"]
