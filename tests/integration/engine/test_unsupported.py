"""Jobs that a release does not support: set aside by the relay, refused by an older worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from kontor.engine.catalogue import Catalogue, Payload, Policy
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.engine.handlers import JobContext, Outcome
from kontor.engine.relay import Relay
from kontor.engine.testing import InlineWorker
from kontor.kernel.doorbells import NEWER_PAYLOAD, UNKNOWN_TASK
from kontor.kernel.states import TaskKind
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import RETRY, Send, Write, Writer


class Unknown(Payload):
    policy: ClassVar[Policy] = Policy("gone.task", "write", TaskKind.TRANSACTIONAL, RETRY)
    note: str = "unknown"


class NewerWrite(Payload):
    policy: ClassVar[Policy] = Policy("test.write", "write", TaskKind.TRANSACTIONAL, RETRY)
    version: ClassVar[int] = 2
    note: str = "newer"


class NewerSend(Payload):
    policy: ClassVar[Policy] = Policy("test.send", "send", TaskKind.EXTERNAL, RETRY)
    version: ClassVar[int] = 2
    note: str = "newer"


def put_many(world: EngineHarness, payload: Payload, count: int, **options: str) -> None:
    """Enqueue jobs as another release does."""
    jobs = Jobs(Catalogue([type(payload)]), world.clock, world.inline.doorbell)
    request = JobRequest.of(payload, **options)  # type: ignore[arg-type]  # options are text here
    with Session(world.engine) as session, session.begin():
        jobs.enqueue_many(session, [request] * count)


@contextmanager
def next_release(world: EngineHarness, *payloads: type[Payload]) -> Iterator[InlineWorker]:
    """A release that knows more."""
    handlers = [Writer(world.script, payload) for payload in payloads]
    with InlineWorker(world.engine, handlers, world.clock) as inline:
        yield inline


@pytest.mark.parametrize("count", [40, 3_000])
@pytest.mark.parametrize("payload", [Unknown(), NewerWrite()], ids=["task", "version"])
def test_job_runs_at_once_when_unsupported_jobs_of_its_tenant_are_in_front(
    world: EngineHarness, count: int, payload: Payload
) -> None:
    put_many(world, payload, count)
    job = world.put(Write(note="behind"))
    for _ in range(4):
        world.inline.tick()
    assert world.state(job) == "succeeded"
    assert world.ask("SELECT count(*) FROM jobs WHERE state = 'queued' AND attempt = 0") == count


def test_unsupported_task_is_named_once_when_it_is_set_aside(world: EngineHarness) -> None:
    put_many(world, Unknown(), 3)
    with capture_logs() as logs:
        for _ in range(3):
            put_many(world, Unknown(), 1)
            world.inline.tick()
    named = [entry for entry in logs if entry["event"] == "jobs.unsupported"]
    assert [(entry["task"], entry["log_level"]) for entry in named] == [("gone.task", "warning")]


def test_unsupported_jobs_run_by_themselves_when_a_release_knows_them(world: EngineHarness) -> None:
    put_many(world, Unknown(), 3_000)
    world.inline.drain()
    assert world.ask("SELECT count(*) FROM jobs WHERE unsupported") > 0
    with next_release(world, Unknown) as newer:
        newer.drain(limit=10_000)
    assert world.ask("SELECT count(*) FROM jobs_archive WHERE state = 'succeeded'") == 3_000


def test_next_job_of_a_lane_goes_when_the_one_before_it_is_unsupported(world: EngineHarness) -> None:
    put_many(world, NewerSend(), 2, lane="a")
    first = world.put(Send(note="first"), lane="a")
    last = world.put(Send(note="last"), lane="a")

    def let_the_last_wait(job: JobContext, note: str) -> Outcome | None:
        world.inline.run(last)
        assert world.job(last).held
        return None

    world.script.actions["first"] = let_the_last_wait
    world.ask("UPDATE jobs SET held = true, unsupported = true WHERE id NOT IN (:first, :last)", first=first, last=last)
    world.inline.run(first)
    assert not world.job(last).held
    world.inline.tick()
    assert [world.state(job) for job in (first, last)] == ["succeeded", "succeeded"]


def test_older_worker_refuses_without_an_attempt_when_a_newer_relay_rings(world: EngineHarness) -> None:
    put_many(world, Unknown(), 1)
    put_many(world, NewerWrite(), 2)
    put_many(world, NewerSend(), 1)
    rows = world.ask("SELECT array_agg(id ORDER BY task) FROM jobs")
    with capture_logs() as logs:
        for _ in range(2):
            unknown = world.inline.runner.run("bell", "gone.task", [rows[0]])
            external = world.inline.runner.run("bell", "test.send", [rows[1]])
            batch = world.inline.runner.run("bell", "test.write", rows[2:])
    assert [answer.seconds for answer in (unknown, external, batch)] == [UNKNOWN_TASK, NEWER_PAYLOAD, NEWER_PAYLOAD]
    assert world.ask("SELECT count(*) FROM jobs WHERE state = 'queued' AND attempt = 0") == 4
    assert len([entry for entry in logs if entry["event"] == "worker.unsupported"]) == 3


def test_batch_runs_what_it_can_when_some_payloads_are_newer(world: EngineHarness) -> None:
    put_many(world, NewerWrite(), 1)
    job = world.put(Write(note="x"))
    rows = world.ask("SELECT array_agg(id) FROM jobs")
    assert world.inline.runner.run("bell", "test.write", rows).claimed == 1
    assert world.state(job) == "succeeded"


def test_refused_task_rests_longer_each_time_and_holds_up_nobody_of_its_tenant(world: EngineHarness) -> None:
    put_many(world, Unknown(), 3_000)
    job = world.put(Write(note="behind"))
    inline = world.inline
    newer = Relay(inline.relay.connection, inline.bells, Catalogue([Unknown, Write]), world.clock)
    inline.relay = newer
    newer.begin()
    for _ in range(20):
        inline.tick()
    assert world.state(job) == "succeeded"
    assert newer.stats.dispatched < 100
    assert world.ask("SELECT count(*) FROM jobs WHERE state = 'queued' AND task = 'gone.task'") == 3_000


def test_refused_task_is_offered_again_and_runs_when_a_newer_worker_answers(world: EngineHarness) -> None:
    put_many(world, Unknown(), 5)
    with next_release(world, Unknown, Write) as newer:
        newer.relay.begin()
        newer.bells.ring_hint()
        newer.relay.tick()
        while newer.bells.dispatched:
            bell = newer.bells.dispatched.popleft()
            newer.bells.answers.append(world.inline.runner.run(bell.id, bell.task, bell.ids))
        newer.tick()
        world.clock.advance(timedelta(seconds=3))
        newer.drain()
    assert world.ask("SELECT count(*) FROM jobs_archive WHERE state = 'succeeded'") == 5
