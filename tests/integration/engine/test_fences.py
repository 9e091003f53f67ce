"""A worker that lost its lease, while another one runs the job."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import pytest
from sqlalchemy import Engine

from kontor.adapters.fakes import ManualClock
from kontor.engine.handlers import Handler, JobContext, Outcome, RemoteUnavailable, Transient
from kontor.engine.testing import InlineWorker
from tests.integration.engine.conftest import EngineHarness, guard
from tests.integration.engine.scripted_tasks import Script, Send, Sender

TIMEOUT_SECONDS = 30
REGISTER = """
INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at)
VALUES ('other', 'here', 1, '0', 1, '{}', now(), clock_timestamp() + interval '1 hour')
"""


@dataclass
class GatedAction:
    """An action that signals its start and ends when it is released."""

    began: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)
    ends: Callable[[], None] = lambda: None

    def __call__(self, job: JobContext, note: str) -> Outcome | None:
        self.began.set()
        assert self.released.wait(TIMEOUT_SECONDS)
        self.ends()
        return None


@dataclass
class TwoWorkers(EngineHarness):
    """A second worker with another name and other handlers."""

    other: InlineWorker
    other_script: Script


@pytest.fixture
def two(engine: Engine, script: Script) -> Iterator[TwoWorkers]:
    guard(engine)
    clock, other_script = ManualClock(), Script()
    stale_handlers: list[Handler] = [Sender(script)]
    other_handlers: list[Handler] = [Sender(other_script)]
    with (
        InlineWorker(engine, stale_handlers, clock, worker="stale") as inline,
        InlineWorker(engine, other_handlers, clock, worker="other") as other,
    ):
        yield TwoWorkers(inline, script, engine, clock, other, other_script)


def down() -> None:
    raise RemoteUnavailable("refused")


def failing() -> None:
    raise Transient("no")


@pytest.mark.parametrize("ends", [lambda: None, failing, down], ids=["done", "failed", "down"])
@pytest.mark.parametrize("lane", [None, "a"])
def test_worker_without_its_lease_records_nothing_while_another_runs_the_job(
    two: TwoWorkers, ends: Callable[[], None], lane: str | None
) -> None:
    stale, current = GatedAction(ends=ends), GatedAction()
    two.script.actions["x"], two.other_script.actions["x"] = stale, current
    job = two.put(Send(note="x"), lane=lane)
    with ThreadPoolExecutor(2) as pool:
        stale_run = pool.submit(two.inline.run, job)
        assert stale.began.wait(TIMEOUT_SECONDS)
        two.ask(REGISTER)
        two.other.relay.rescue_from = float("-inf")
        two.other.relay._rescue(0.0)
        assert two.outcomes(job) == ["crashed"]
        current_run = pool.submit(two.other.run, job)
        assert current.began.wait(TIMEOUT_SECONDS)
        before = two.ask("SELECT lease FROM jobs"), two.ask("SELECT busy_with FROM lanes")

        stale.released.set()
        stale_run.result(TIMEOUT_SECONDS)

        row = two.job(job)
        assert (row.state, row.worker, row.attempt) == ("running", "other", 2)
        assert (two.ask("SELECT lease FROM jobs"), two.ask("SELECT busy_with FROM lanes")) == before
        assert (two.effects(), two.outcomes(job), two.script.failures) == ([], ["crashed"], [])
        current.released.set()
        current_run.result(TIMEOUT_SECONDS)
    row = two.job(job)
    assert (row.state, row.worker, row.attempt, two.effects()) == ("succeeded", "other", 2, ["x"])
