"""Every failed attempt is one log line with job, attempt, tenant and trace, without payload data."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from structlog.typing import EventDict

from kontor.engine.catalogue import Payload
from kontor.engine.handlers import JobContext, Outcome, Permanent, RemoteUnavailable
from kontor.kernel.ids import new_id
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import HandlerAction, Send, Write, WriteAlone

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KINDS = pytest.mark.parametrize(
    "payload",
    [Write(note="s3cret"), WriteAlone(note="s3cret"), Send(note="s3cret")],
    ids=lambda payload: type(payload).__name__,
)


def put(world: EngineHarness, payload: Payload, lane: str | None = None) -> UUID:
    """Enqueue a job of a tenant within a trace."""
    jobs = world.inline.jobs.child_of(new_id(), TRACE)
    with Session(world.engine) as session, session.begin():
        return jobs.enqueue(session, payload.policy.name, payload, tenant="volga", lane=lane).id


def raising(error: Exception) -> HandlerAction:
    def action(job: JobContext, note: str) -> Outcome | None:
        raise error

    return action


def lines(world: EngineHarness, event: str) -> list[EventDict]:
    """Run every due job; returns the log lines of an event."""
    with capture_logs() as logs:
        world.inline.drain()
    assert "s3cret" not in str(logs)
    return [line for line in logs if line["event"] == event]


@KINDS
def test_failed_attempt_and_death_are_logged(world: EngineHarness, payload: Payload) -> None:
    world.script.actions["s3cret"] = raising(Permanent("no such thing\nDETAIL: note=s3cret"))
    job = put(world, payload)
    with capture_logs() as logs:
        world.inline.drain()
    failed, dead = logs
    named = {"job": str(job), "task": payload.policy.name, "attempt": 1, "tenant": "volga", "trace": TRACE}
    assert named.items() <= failed.items()
    assert named.items() <= dead.items()
    assert (failed["event"], failed["outcome"], failed["log_level"]) == ("job.failed", "failed", "warning")
    assert (dead["event"], dead["reason"], dead["log_level"]) == ("job.dead", "permanent", "error")
    assert (failed["error"], failed["says"]) == ("Permanent", "no such thing")
    assert "s3cret" not in str(logs)


def test_unavailable_remote_is_logged(world: EngineHarness) -> None:
    world.script.actions["s3cret"] = raising(RemoteUnavailable("refused"))
    job = put(world, Send(note="s3cret"), lane="instance:volga")
    (line,) = lines(world, "job.failed")
    assert (line["job"], line["outcome"], line["tenant"], line["trace"]) == (str(job), "down", "volga", TRACE)


def test_crash_is_logged(world: EngineHarness) -> None:
    job = put(world, Send(note="s3cret"))
    with world.engine.begin() as connection:
        running = "UPDATE jobs SET state = 'running', worker = 'gone', attempt = 1, started_at = now() WHERE id = :id"
        connection.execute(text("UPDATE jobs SET state = 'queued' WHERE id = :id"), {"id": job})
        connection.execute(text(running), {"id": job})
    (line,) = lines(world, "job.crashed")
    assert (line["job"], line["attempt"], line["tenant"], line["trace"]) == (str(job), 1, "volga", TRACE)
    assert line["died"] == "gone"
