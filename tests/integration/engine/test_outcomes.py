from datetime import timedelta
from typing import Any

import pytest

from engine.catalogue import Payload
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome, Permanent, Snooze, Stopped, Transient
from tests.integration.engine.conftest import World
from tests.integration.engine.world import Deed, Send, Write, WriteAlone

BOTH = pytest.mark.parametrize(
    "payload", [Write(note="x"), WriteAlone(note="x"), Send(note="x")], ids=["transactional", "alone", "external"]
)


def raising(error: Exception) -> Deed:
    def deed(job: JobContext, note: str) -> Outcome | None:
        raise error

    return deed


def returning(outcome: Outcome) -> Deed:
    return lambda job, note: outcome


@BOTH
def test_a_failure_is_tried_again_later_and_dies_at_last(world: World, payload: Payload) -> None:
    world.script.deeds["x"] = raising(RuntimeError("boom"))
    job = world.put(payload)
    world.inline.drain()
    assert (world.state(job), world.job(job).attempt) == ("retrying", 1)
    assert world.job(job).run_at == world.clock.now() + timedelta(seconds=5)
    world.clock.advance(timedelta(seconds=5))
    world.inline.drain()
    assert world.job(job).run_at == world.clock.now() + timedelta(seconds=10)
    world.clock.advance(timedelta(seconds=10))
    world.inline.drain()
    row = world.job(job)
    assert (row.state, row.reason, row.attempt) == ("dead", "failed", 3)
    assert row.error["type"] == "RuntimeError"
    assert world.outcomes(job) == ["failed"] * 3
    assert world.effects() == []
    assert world.script.told == [("x", None), ("x", None), ("x", "failed")]


@BOTH
def test_a_transient_failure_names_its_pause(world: World, payload: Payload) -> None:
    world.script.deeds["x"] = raising(Transient("later", retry_in=timedelta(minutes=7)))
    job = world.put(payload)
    world.inline.drain()
    assert world.job(job).run_at == world.clock.now() + timedelta(minutes=7)


@BOTH
def test_a_permanent_failure_is_dead_at_once(world: World, payload: Payload) -> None:
    world.script.deeds["x"] = raising(Permanent("no such thing"))
    job = world.put(payload)
    world.inline.drain()
    row = world.job(job)
    assert (row.state, row.reason, row.attempt) == ("dead", "permanent", 1)


def test_a_snooze_burns_no_attempt(world: World) -> None:
    until = world.clock.now() + timedelta(days=2)
    world.script.deeds["x"] = returning(Snooze(until))
    world.script.claims["x"] = returning(Snooze(until))
    jobs = [world.put(Write(note="x")), world.put(WriteAlone(note="x")), world.put(Send(note="x"))]
    world.inline.drain()
    for job in jobs:
        row = world.job(job)
        assert (row.state, row.attempt, row.run_at) == ("scheduled", 0, until)
        assert world.outcomes(job) == ["snoozed"]
    world.clock.advance(timedelta(days=2))
    world.script.deeds.clear()
    world.script.claims.clear()
    assert world.inline.drain() == 3
    assert [world.job(job).attempt for job in jobs] == [1, 1, 1]


def test_a_cancellation_ends_the_job_with_its_reason(world: World) -> None:
    world.script.deeds["x"] = returning(Cancel("nobody wants it"))
    world.script.claims["x"] = returning(Cancel("nobody wants it"))
    for job in (world.put(Write(note="x")), world.put(WriteAlone(note="x")), world.put(Send(note="x"))):
        world.inline.drain()
        row = world.job(job)
        assert (row.state, row.reason, row.attempt) == ("cancelled", "nobody wants it", 1)
    assert not world.script.sent


def test_a_claim_may_find_that_all_is_done(world: World) -> None:
    world.script.claims["x"] = returning(Done("already"))
    job = world.put(Send(note="x"))
    world.inline.drain()
    row = world.job(job)
    assert (row.state, row.attempt, row.result) == ("succeeded", 1, "already")


@BOTH
@pytest.mark.parametrize("position", [0, 3, 6])
def test_one_failing_job_of_a_batch_takes_nobody_along(world: World, payload: Payload, position: int) -> None:
    world.script.deeds["bad"] = raising(RuntimeError("boom"))
    notes = [f"n{number}" for number in range(6)]
    notes.insert(position, "bad")
    jobs = {note: world.put(type(payload).model_validate({"note": note})) for note in notes}
    assert world.inline.run(*jobs.values()).claimed == 7
    good = sorted(set(notes) - {"bad"})
    assert world.effects() == good
    assert {world.job(jobs[note]).attempt for note in good} == {1}
    assert (world.state(jobs["bad"]), world.outcomes(jobs["bad"])) == ("retrying", ["failed"])
    assert all(world.script.sent[str(jobs[note])] <= 1 for note in good)


def test_one_failing_claim_of_a_batch_takes_nobody_along(world: World) -> None:
    world.script.claims["bad"] = raising(RuntimeError("boom"))
    jobs = {note: world.put(Send(note=note)) for note in ("a", "bad", "b", "c")}
    world.inline.run(*jobs.values())
    assert world.effects() == ["a", "b", "c"]
    assert {note: world.state(job) for note, job in jobs.items()} == {
        "a": "succeeded",
        "bad": "retrying",
        "b": "succeeded",
        "c": "succeeded",
    }


@BOTH
@pytest.mark.parametrize("result", [object(), "nul \0", {"half": "\ud800"}], ids=["no JSON", "NUL", "surrogate"])
def test_a_result_that_cannot_be_stored_is_a_failure_of_that_job_alone(
    world: World, payload: Payload, result: Any
) -> None:
    def record(*args: Any) -> Outcome:
        return Done(result)

    handler: Any = world.inline.registry[payload.policy.name]
    bad = world.put(payload)
    handler.run = handler.record = record
    world.inline.drain()
    assert (world.state(bad), world.outcomes(bad)) == ("retrying", ["failed"])


@BOTH
def test_a_message_that_cannot_be_stored_is_stored_as_far_as_it_can(world: World, payload: Payload) -> None:
    world.script.deeds["x"] = raising(RuntimeError("a\0b\ud800c"))
    job = world.put(payload)
    world.inline.drain()
    assert world.job(job).error["message"] == "a\ufffdb?c"


@BOTH
def test_a_handler_that_fails_while_it_is_told_keeps_no_failure_back(world: World, payload: Payload) -> None:
    world.script.deeds["x"] = raising(RuntimeError("boom"))
    world.script.telling = lambda: (_ for _ in ()).throw(RuntimeError("cannot listen"))
    job = world.put(payload)
    world.inline.drain()
    assert (world.state(job), world.outcomes(job)) == ("retrying", ["failed"])


@BOTH
def test_a_payload_that_fits_no_more_is_a_failure(world: World, payload: Payload) -> None:
    job = world.put(payload)
    world.ask("""UPDATE jobs SET payload = '{"nonsense": 1}'""")
    world.inline.drain()
    assert (world.state(job), world.outcomes(job)) == ("retrying", ["failed"])
    assert world.job(job).error["type"] == "ValidationError"


def test_a_handler_that_gives_way_is_cancelled(world: World) -> None:
    world.script.deeds["x"] = raising(Stopped())
    job = world.put(Send(note="x"))
    world.inline.drain()
    assert (world.state(job), world.job(job).reason) == ("cancelled", "cancelled on request")


def test_a_task_that_nobody_runs_here_stays_queued(world: World) -> None:
    job = world.put(Write(note="x"))
    world.ask("UPDATE jobs SET task = 'test.unknown'")
    assert world.inline.drain() == 0
    assert world.state(job) == "queued"
