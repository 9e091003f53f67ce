"""The heartbeat of a worker: what it writes, when the worker may claim, when the process ends."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from kontor.adapters.clock import ServerClock
from kontor.adapters.fakes import ManualClock
from kontor.engine import recovery
from kontor.engine.handlers import Handler
from kontor.engine.holdings import Holdings
from kontor.engine.job_stats import JobStats
from kontor.engine.testing import InlineWorker
from kontor.kernel.doorbells import HANDED_BACK
from tests.conftest import libpq
from tests.integration.engine.conftest import EngineHarness, guard
from tests.integration.engine.scripted_tasks import Script, Send, Sender, Write, Writer
from tests.support.polling import wait_for
from workers import heartbeat as module
from workers.heartbeat import CLAIM_SECONDS, SILENT_CHECKS, Heartbeat, resident_bytes

READ_ONLY = "SET default_transaction_read_only = {}"
UNFLUSHED = "SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn()"
STALE = """
INSERT INTO worker_processes (id, host, pid, version, threads, queues, started_at, heartbeat_at)
VALUES ('gone', 'here', 1, '0', 1, '{}', now(), clock_timestamp() - interval '1 hour')
"""


class Stalled:
    """Bells that cannot be read."""

    def __call__(self) -> tuple[str, ...]:
        raise OSError(24, "Too many open files")


@dataclass
class Beating:
    """A heartbeat on a real connection; `ended` collects why the process would end."""

    connection: "psycopg.Connection[Any]"
    holdings: Holdings
    heartbeat: Heartbeat
    ended: list[str] = field(default_factory=list)

    def row(self) -> tuple[Any, ...]:
        """Number, leases and bells of the last beat."""
        query = "SELECT beats, leases, bells FROM worker_processes WHERE id = 'w'"
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return tuple(row)


@pytest.fixture
def beating(database_url: str) -> Iterator[Beating]:
    ended: list[str] = []
    holdings = Holdings(lambda: ("bell",))
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        heartbeat = Heartbeat(
            lambda: connection, "w", 8, ["mail"], lambda _: None, JobStats(), holdings, ServerClock(), ended.append
        )
        heartbeat.register()
        yield Beating(connection, holdings, heartbeat, ended)
        heartbeat._stopping.set()
        if heartbeat.ident is not None:
            heartbeat.join(10)


def test_beat_reports_what_is_held_and_its_number(beating: Beating) -> None:
    lease = uuid4()
    assert beating.row() == (0, [], ["bell"])
    beating.holdings.take_lease(lease)
    beating.heartbeat._beat()
    assert beating.row() == (1, [lease], ["bell"])
    beating.holdings.drop_lease(lease)
    beating.heartbeat._beat()
    assert beating.row() == (2, [], ["bell"])


def test_beat_is_not_flushed(beating: Beating, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEATS_PER_MEASUREMENT", 1000)  # measurements of the clock are unflushed too
    beating.connection.execute("SET synchronous_commit = on")

    def unflushed() -> bool:
        beating.heartbeat._beat()
        row = beating.connection.execute(UNFLUSHED).fetchone()
        return row is not None and row[0] > 0

    # The server's own processes write and flush as well, but not after most of the beats.
    assert sum(unflushed() for _ in range(40)) > 20
    assert beating.connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_beat_counts_on_from_the_one_that_was_written_when_its_answer_was_lost(beating: Beating) -> None:
    beating.heartbeat._beat()
    beating.connection.execute("UPDATE worker_processes SET beats = beats + 1")
    beating.heartbeat._beat()
    assert beating.row()[0] == 2
    beating.heartbeat._beat()
    assert beating.row()[0] == 3


def test_worker_claims_nothing_eight_seconds_after_its_last_written_beat(
    beating: Beating, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(module, "monotonic", lambda: now)
    beating.heartbeat._beat()
    beating.connection.execute(READ_ONLY.format("on"))
    now += CLAIM_SECONDS - 0.1
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        beating.heartbeat._beat()
    assert beating.heartbeat.may_claim()
    now += 0.2
    assert not beating.heartbeat.may_claim()
    beating.connection.execute(READ_ONLY.format("off"))
    beating.heartbeat._beat()
    assert beating.heartbeat.may_claim()


def test_worker_claims_nothing_when_its_clock_is_not_trusted(beating: Beating, monkeypatch: pytest.MonkeyPatch) -> None:
    beating.heartbeat._beat()
    assert beating.heartbeat.may_claim()
    monkeypatch.setattr(ServerClock, "trusted", property(lambda _: False))
    assert not beating.heartbeat.may_claim()


def test_beat_measures_and_shows_the_hosts_clock(beating: Beating) -> None:
    for _ in range(2):
        beating.heartbeat._beat()
    row = beating.connection.execute(
        "SELECT role, clock_trusted, abs(clock_offset_seconds) < 1 FROM processes"
    ).fetchone()
    assert row == ("worker", True, True)


def test_worker_that_was_struck_off_registers_again(beating: Beating) -> None:
    beating.connection.execute("DELETE FROM worker_processes")
    beating.heartbeat._beat()
    assert beating.row()[0] == 0
    beating.heartbeat._beat()
    assert beating.row()[0] == 1


def test_beat_that_postgresql_refuses_ends_nothing(beating: Beating) -> None:
    beating.connection.execute(READ_ONLY.format("on"))
    beating.heartbeat.start()
    wait_for(lambda: beating.heartbeat._turns >= 3, "three turns", 30)
    assert beating.heartbeat.is_alive()
    assert beating.ended == []
    assert beating.row()[0] == 0


def test_any_other_error_in_the_heartbeat_ends_the_process(beating: Beating) -> None:
    beating.holdings._bells = Stalled()
    beating.heartbeat.start()
    wait_for(lambda: beating.ended != [], "the end", 30)
    beating.heartbeat.join(10)
    assert beating.ended == ["the heartbeat failed"]
    beating.heartbeat.check()
    assert beating.ended[1:] == ["the heartbeat thread died"]


def test_process_ends_with_75_for_the_supervisor() -> None:
    script = "from workers.heartbeat import end_process; end_process('a test')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 75
    assert b"heartbeat.process_ends" in done.stdout + done.stderr


def test_process_ends_when_the_heartbeat_makes_no_turn_for_twenty_checks(beating: Beating) -> None:
    beating.heartbeat.is_alive = lambda: True  # type: ignore[method-assign]  # a thread that lives and stands still
    beating.heartbeat._turns = 1
    for _ in range(SILENT_CHECKS):
        beating.heartbeat.check()
    assert beating.ended == []
    beating.heartbeat._asking = True
    beating.heartbeat.check()
    beating.heartbeat._asking = False
    for _ in range(SILENT_CHECKS - 1):
        beating.heartbeat.check()
    assert beating.ended == []
    beating.heartbeat.check()
    assert beating.ended == ["the heartbeat thread makes no turn"]


def test_memory_is_unknown_when_no_file_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Path, "read_text", refuse)
    assert resident_bytes() is None


Making = Callable[..., EngineHarness]


@pytest.fixture
def making(engine: Engine, script: Script) -> Iterator[Making]:
    """Makes an inline worker with options."""
    guard(engine)
    handlers: list[Handler] = [Sender(script), Writer(script)]
    made: list[InlineWorker] = []

    def make(**options: Any) -> EngineHarness:
        made.append(InlineWorker(engine, handlers, ManualClock(), **options))
        return EngineHarness(made[-1], script, engine, ManualClock())

    yield make
    for worker in made:
        worker.__exit__(None, None, None)


def test_worker_that_was_struck_off_claims_nothing(making: Making) -> None:
    world = making(registered_only=True)
    job = world.put(Send(note="x"), lane="a")
    assert world.inline.run(job).claimed == 0
    assert (world.state(job), world.script.order, world.ask("SELECT count(*) FROM lanes")) == ("queued", [], 0)
    world.ask(STALE.replace("'gone'", "'inline'"))
    assert world.inline.run(job).claimed == 1
    assert world.state(job) == "succeeded"


@pytest.mark.parametrize("payload", [Send(note="x"), Write(note="x")])
def test_worker_hands_doorbells_back_while_it_may_not_claim(making: Making, payload: Any) -> None:
    world = making(may_claim=lambda: False)
    job = world.put(payload)
    assert world.inline.run(job).claimed == HANDED_BACK
    assert (world.state(job), world.effects()) == ("queued", [])


@pytest.mark.parametrize(("after_outage", "present"), [(True, 1), (False, 0)])
def test_relay_strikes_nobody_off_in_the_first_ten_seconds_after_an_outage(
    making: Making, monkeypatch: pytest.MonkeyPatch, after_outage: bool, present: int
) -> None:
    monkeypatch.setattr(recovery, "SERVER_AGE", "SELECT 3600.0::float")
    world = making()
    world.ask(STALE)
    relay = world.inline.relay
    clock = relay.clock
    assert isinstance(clock, ManualClock)
    relay.after_outage = after_outage
    relay.tick()
    advance(clock, recovery.OUTAGE_GRACE_SECONDS - 1)
    relay.tick()
    assert world.ask("SELECT count(*) FROM worker_processes") == present
    advance(clock, 2)
    relay.tick()
    assert world.ask("SELECT count(*) FROM worker_processes") == 0


@pytest.mark.parametrize(("age", "grace"), [(0.0, 10.0), (4.0, 6.0), (9.5, 1.5), (3600.0, 1.5)])
def test_restart_of_postgresql_counts_as_an_outage(
    making: Making, monkeypatch: pytest.MonkeyPatch, age: float, grace: float
) -> None:
    monkeypatch.setattr(recovery, "SERVER_AGE", f"SELECT {age}::float")
    connection = making().inline.relay.connection
    assert recovery.grace_seconds(connection, after_outage=False) == grace


def advance(clock: ManualClock, seconds: float) -> None:
    clock.advance(timedelta(seconds=seconds))


def test_beat_reports_since_when_an_act_waits_for_its_record(beating: Beating) -> None:
    query = "SELECT extract(epoch FROM clock_timestamp() - unrecorded_since)::float8 FROM worker_processes"
    lease = uuid4()
    beating.holdings.take_lease(lease)
    beating.heartbeat._beat()
    assert beating.connection.execute(query).fetchone() == (None,)
    beating.holdings._elapsed = lambda: time.monotonic() - 12
    beating.holdings.end_act(lease)
    beating.holdings._elapsed = time.monotonic
    beating.heartbeat._beat()
    row = beating.connection.execute(query).fetchone()
    assert row is not None
    assert 12 <= row[0] < 20
    beating.holdings.drop_lease(lease)
    beating.heartbeat._beat()
    assert beating.connection.execute(query).fetchone() == (None,)
