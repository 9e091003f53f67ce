"""Leadership among several relays."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self

import psycopg
import pytest
from structlog.testing import capture_logs

import workers.relay
from kontor.adapters.settings import Settings
from kontor.engine import processes
from kontor.engine.catalogue import Catalogue
from kontor.engine.leadership import LOCK, Leadership, ProcessIdentity
from kontor.engine.testing import MemoryDoorbellChannel
from kontor.kernel.database import PgConnection
from kontor.kernel.doorbells import DoorbellReset, DoorbellUnavailable, RelayEvents
from tests.conftest import libpq
from tests.integration.engine.scripted_tasks import Write
from tests.support.polling import wait_for
from workers.presence import Presence
from workers.relay import RelayProcess

OTHER = ProcessIdentity("relay", "other", "host", 2, "1.0.0")


class LeaderSignal(MemoryDoorbellChannel):
    """Signals that the relay leads."""

    def __init__(self) -> None:
        super().__init__()
        self.led = threading.Event()

    def begin(self) -> None:
        self.led.set()


class UnreachableChannel(LeaderSignal):
    """A broker that this host does not reach."""

    def begin(self) -> None:
        self.led.set()
        raise DoorbellUnavailable("no route")


class ContestedChannel(LeaderSignal):
    """A broker that another deployment uses with the same namespace, once."""

    def __init__(self) -> None:
        super().__init__()
        self.restarted = threading.Event()

    def begin(self) -> None:
        if self.led.is_set():
            self.restarted.set()
        self.led.set()

    def listen(self, seconds: float) -> RelayEvents:
        if not self.restarted.is_set():
            raise DoorbellReset
        return super().listen(seconds)


class StandbySignal(threading.Event):
    """A stop event that signals that the relay waits for leadership."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.set()
        return super().wait(0.01)


class RelayThread:
    """A relay process in a thread of this one."""

    def __init__(self, settings: Settings, bells: LeaderSignal, *, has_redis: bool = True) -> None:
        self.bells, self.standby = bells, StandbySignal()
        real = replace(settings, test_clock=False, test_clock_start=None)
        self.process = RelayProcess(real, Catalogue([Write]))
        identity, clock = self.process._presence.identity, self.process._clock
        self.process._presence = Presence(identity, clock, lambda: has_redis)
        self.process._bells, self.process._stop_requested = bells, self.standby  # type: ignore[assignment]  # in memory
        self.thread = threading.Thread(target=self.process.run)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()
        self.thread.join(30)


@pytest.fixture
def session(settings: Settings) -> Iterator[PgConnection]:
    """The session of another process."""
    with psycopg.connect(libpq(settings.database_url), autocommit=True) as connection:
        yield connection


def test_relay_takes_over_only_when_the_leader_is_gone(settings: Settings, session: PgConnection) -> None:
    session.execute(LOCK, ("kontor relay",))
    with RelayThread(settings, LeaderSignal()) as relay:
        wait_for(lambda: relay.standby.waited.is_set() or relay.bells.led.is_set(), "the second relay", 30)
        assert not relay.bells.led.is_set()
        session.close()
        assert relay.bells.led.wait(30)


def test_standby_says_nothing_of_leading_when_it_is_stopped(settings: Settings, session: PgConnection) -> None:
    session.execute(LOCK, ("kontor relay",))
    with capture_logs() as logs, RelayThread(settings, LeaderSignal()) as relay:
        assert relay.standby.waited.wait(30)
    assert [line["event"] for line in logs if line["event"].startswith("relay.")] == []


def test_leader_names_the_remedy_when_another_deployment_has_its_namespace(settings: Settings) -> None:
    channel = ContestedChannel()
    with capture_logs() as logs, RelayThread(settings, channel):
        assert channel.restarted.wait(30)
    said = [(line["resets"], "KONTOR_NAMESPACE" in line["remedy"]) for line in logs if line["event"] == "relay.reset"]
    assert said == [(1, True)]


def test_leader_lets_go_when_it_has_no_redis_and_a_standby_has(
    settings: Settings, session: PgConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.relay, "GIVE_UP_SECONDS", 0.0)
    other = Leadership(session, OTHER, lambda: 0.0)
    with RelayThread(settings, UnreachableChannel(), has_redis=False) as relay:
        assert relay.bells.led.wait(30)
        assert not other.acquire()
        processes.beat(session, OTHER, redis_ok=True, offset=0.0, trusted=True, leads=False)
        wait_for(other.acquire, "the lead of the other relay", 30)
        assert session.execute("SELECT holder FROM leaders").fetchone() == ("other",)


def test_leader_stays_when_no_standby_has_redis(
    settings: Settings, session: PgConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.relay, "GIVE_UP_SECONDS", 0.0)
    processes.beat(session, OTHER, redis_ok=False, offset=0.0, trusted=True, leads=False)
    with RelayThread(settings, UnreachableChannel(), has_redis=False) as relay:
        assert relay.bells.led.wait(30)
        relay.bells.led.clear()
        assert relay.bells.led.wait(30)
        assert session.execute("SELECT fence FROM leaders").fetchone() == (1,)


def test_relay_does_not_lead_when_its_clock_is_not_trusted(settings: Settings, session: PgConnection) -> None:
    relay = RelayThread(settings, LeaderSignal())
    relay.process._clock._wrong_beats = 3
    relay.process._clock._host = lambda: datetime(2020, 1, 1, tzinfo=UTC)
    with relay:
        relay.standby.waited.clear()
        assert relay.standby.waited.wait(30)
        assert not relay.bells.led.is_set()
        assert session.execute("SELECT clock_trusted FROM processes").fetchone() == (False,)


def test_relay_that_stops_leaves_the_lead_and_its_row(settings: Settings, session: PgConnection) -> None:
    with RelayThread(settings, LeaderSignal()) as relay:
        assert relay.bells.led.wait(30)
        assert session.execute("SELECT role, redis_ok FROM processes").fetchone() == ("relay", True)
    assert session.execute("SELECT holder FROM leaders").fetchone() == (None,)
    assert session.execute("SELECT count(*) FROM processes").fetchone() == (0,)
