from datetime import timedelta
from typing import Any

import pytest

from kontor.engine.catalogue import Payload
from kontor.engine.handlers import Cancel, Cancelled, Done, JobContext, Outcome, Permanent, Snooze, Transient
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import HandlerAction, Send, Write, WriteAlone

BOTH = pytest.mark.parametrize(
    "payload", [Write(note="x"), WriteAlone(note="x"), Send(note="x")], ids=["transactional", "alone", "external"]
)


def raising(error: Exception) -> HandlerAction:
    def action(job: JobContext, note: str) -> Outcome | None:
        raise error

    return action


def returning(outcome: Outcome) -> HandlerAction:
    return lambda job, note: outcome


@BOTH
def test_failed_job_is_retried_later_and_finally_dead(world: EngineHarness, payload: Payload) -> None:
    world.script.actions["x"] = raising(RuntimeError("boom"))
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
    assert world.script.failures == [("x", None), ("x", None), ("x", "failed")]


@BOTH
def test_transient_failure_sets_its_own_delay(world: EngineHarness, payload: Payload) -> None:
    world.script.actions["x"] = raising(Transient("later", retry_in=timedelta(minutes=7)))
    job = world.put(payload)
    world.inline.drain()
    assert world.job(job).run_at == world.clock.now() + timedelta(minutes=7)


@BOTH
def test_permanent_failure_is_dead_at_once(world: EngineHarness, payload: Payload) -> None:
    world.script.actions["x"] = raising(Permanent("no such thing"))
    job = world.put(payload)
    world.inline.drain()
    row = world.job(job)
    assert (row.state, row.reason, row.attempt) == ("dead", "permanent", 1)


def test_snooze_counts_no_attempt(world: EngineHarness) -> None:
    until = world.clock.now() + timedelta(days=2)
    world.script.actions["x"] = returning(Snooze(until))
    world.script.claims["x"] = returning(Snooze(until))
    jobs = [world.put(Write(note="x")), world.put(WriteAlone(note="x")), world.put(Send(note="x"))]
    world.inline.drain()
    for job in jobs:
        row = world.job(job)
        assert (row.state, row.attempt, row.run_at) == ("scheduled", 0, until)
        assert world.outcomes(job) == ["snoozed"]
    world.clock.advance(timedelta(days=2))
    world.script.actions.clear()
    world.script.claims.clear()
    assert world.inline.drain() == 3
    assert [world.job(job).attempt for job in jobs] == [1, 1, 1]


def test_cancellation_ends_the_job_with_its_reason(world: EngineHarness) -> None:
    world.script.actions["x"] = returning(Cancel("nobody wants it"))
    world.script.claims["x"] = returning(Cancel("nobody wants it"))
    for job in (world.put(Write(note="x")), world.put(WriteAlone(note="x")), world.put(Send(note="x"))):
        world.inline.drain()
        row = world.job(job)
        assert (row.state, row.reason, row.attempt) == ("cancelled", "nobody wants it", 1)
    assert not world.script.sent


def test_claim_may_finish_the_job(world: EngineHarness) -> None:
    world.script.claims["x"] = returning(Done("already"))
    job = world.put(Send(note="x"))
    world.inline.drain()
    row = world.job(job)
    assert (row.state, row.attempt, row.result) == ("succeeded", 1, "already")


@BOTH
@pytest.mark.parametrize("position", [0, 3, 6])
def test_failing_job_of_a_batch_does_not_affect_the_others(
    world: EngineHarness, payload: Payload, position: int
) -> None:
    world.script.actions["bad"] = raising(RuntimeError("boom"))
    notes = [f"n{number}" for number in range(6)]
    notes.insert(position, "bad")
    jobs = {note: world.put(type(payload).model_validate({"note": note})) for note in notes}
    assert world.inline.run(*jobs.values()).claimed == 7
    good = sorted(set(notes) - {"bad"})
    assert world.effects() == good
    assert {world.job(jobs[note]).attempt for note in good} == {1}
    assert (world.state(jobs["bad"]), world.outcomes(jobs["bad"])) == ("retrying", ["failed"])
    assert all(world.script.sent[str(jobs[note])] <= 1 for note in good)


def test_failing_claim_of_a_batch_does_not_affect_the_others(world: EngineHarness) -> None:
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
def test_unstorable_result_fails_only_its_own_job(world: EngineHarness, payload: Payload, result: Any) -> None:
    def record(*args: Any) -> Outcome:
        return Done(result)

    handler: Any = world.inline.registry[payload.policy.name]
    bad = world.put(payload)
    handler.run = handler.record = record
    world.inline.drain()
    assert (world.state(bad), world.outcomes(bad)) == ("retrying", ["failed"])


@BOTH
def test_unstorable_error_message_is_stored_with_replacements(world: EngineHarness, payload: Payload) -> None:
    world.script.actions["x"] = raising(RuntimeError("a\0b\ud800c"))
    job = world.put(payload)
    world.inline.drain()
    assert world.job(job).error["message"] == "a\ufffdb?c"


@BOTH
def test_failure_is_recorded_when_the_failure_hook_raises(world: EngineHarness, payload: Payload) -> None:
    world.script.actions["x"] = raising(RuntimeError("boom"))
    world.script.on_failure = lambda: (_ for _ in ()).throw(RuntimeError("cannot listen"))
    job = world.put(payload)
    world.inline.drain()
    assert (world.state(job), world.outcomes(job)) == ("retrying", ["failed"])


@BOTH
def test_payload_that_is_no_longer_valid_is_a_failure(world: EngineHarness, payload: Payload) -> None:
    job = world.put(payload)
    world.ask("""UPDATE jobs SET payload = '{"nonsense": 1}'""")
    world.inline.drain()
    assert (world.state(job), world.outcomes(job)) == ("retrying", ["failed"])
    assert world.job(job).error["type"] == "ValidationError"


def test_handler_that_stops_on_request_is_cancelled(world: EngineHarness) -> None:
    world.script.actions["x"] = raising(Cancelled())
    job = world.put(Send(note="x"))
    world.inline.drain()
    assert (world.state(job), world.job(job).reason) == ("cancelled", "cancelled on request")


def test_task_without_a_handler_stays_queued(world: EngineHarness) -> None:
    job = world.put(Write(note="x"))
    world.ask("UPDATE jobs SET task = 'test.unknown'")
    assert world.inline.drain() == 0
    assert world.state(job) == "queued"


@BOTH
def test_job_is_dead_after_the_maximum_attempts_of_its_row(world: EngineHarness, payload: Payload) -> None:
    world.script.actions["x"] = raising(RuntimeError("boom"))
    job = world.put(payload)
    world.ask("UPDATE jobs SET max_attempts = 1")
    world.inline.drain()
    assert (world.state(job), world.job(job).reason, world.job(job).attempt) == ("dead", "failed", 1)
    assert world.script.failures == [("x", "failed")]


@BOTH
def test_job_is_retried_while_its_row_allows_more_attempts_than_its_task(
    world: EngineHarness, payload: Payload
) -> None:
    world.script.actions["x"] = raising(RuntimeError("boom"))
    job = world.put(payload)
    assert world.ask("SELECT max_attempts FROM jobs") == 3
    world.ask("UPDATE jobs SET max_attempts = 4")
    for _ in range(3):
        world.inline.drain()
        world.clock.advance(timedelta(minutes=1))
    assert (world.state(job), world.job(job).attempt) == ("retrying", 3)
    world.inline.drain()
    assert (world.state(job), world.job(job).attempt) == ("dead", 4)


def test_failed_claim_counts_towards_the_maximum_attempts_of_the_row(world: EngineHarness) -> None:
    world.script.claims["x"] = raising(RuntimeError("boom"))
    job = world.put(Send(note="x"))
    world.ask("UPDATE jobs SET max_attempts = 1")
    world.inline.drain()
    assert (world.state(job), world.job(job).reason) == ("dead", "failed")


@BOTH
def test_retry_delay_of_a_handler_is_at_most_a_day(world: EngineHarness, payload: Payload) -> None:
    world.script.actions["x"] = raising(Transient("later", retry_in=timedelta(days=9)))
    job = world.put(payload)
    world.inline.drain()
    assert world.job(job).run_at == world.clock.now() + timedelta(hours=24)
