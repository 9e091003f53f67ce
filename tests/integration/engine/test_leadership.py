"""The lease of a leader: who takes over, when, and what the former leader can still do."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import Engine

from kontor.engine.leadership import LEASE_SECONDS, LOCK, Leadership, LeadershipLost, ProcessIdentity
from kontor.kernel.database import PgConnection
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Write
from tests.support.polling import wait_for

Candidate = Callable[[str], Leadership]


class Stopwatch:
    """Elapsed seconds as a test sets them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def connect(engine: Engine) -> Iterator[Callable[[str], PgConnection]]:
    """Opens sessions of other processes."""
    opened: list[PgConnection] = []

    def opening(application: str) -> PgConnection:
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        opened.append(psycopg.connect(url, autocommit=True, application_name=application))
        return opened[-1]

    yield opening
    for connection in opened:
        connection.close()


@pytest.fixture
def candidate(connect: Callable[[str], PgConnection], elapsed: Stopwatch) -> Candidate:
    """Makes relays that may lead."""

    def made(name: str) -> Leadership:
        identity = ProcessIdentity("relay", name, "host", 1, "1.0.0")
        return Leadership(connect(identity.application), identity, elapsed)

    return made


def expire(world: EngineHarness) -> None:
    world.ask("UPDATE leaders SET expires_at = clock_timestamp() - interval '1 millisecond'")


def orphan(world: EngineHarness) -> str:
    """A running job whose worker is not registered."""
    job = world.put(Write(note="orphan"))
    world.ask("UPDATE jobs SET state = 'running', worker = 'gone', started_at = now()")
    return str(job)


def test_standby_takes_over_when_the_lease_expired(world: EngineHarness, candidate: Candidate) -> None:
    former, standby = candidate("former"), candidate("standby")
    assert former.acquire()
    assert not standby.acquire()
    expire(world)
    assert standby.acquire()
    assert standby.fence == 2
    standby.confirm()
    with pytest.raises(psycopg.OperationalError):
        former.confirm()


def test_standby_leads_at_once_when_the_session_of_the_leader_ended(candidate: Candidate) -> None:
    former, standby = candidate("former"), candidate("standby")
    assert former.acquire()
    former._connection.close()
    wait_for(standby.acquire, "the freed lock", 10)
    assert standby.fence == 2


def test_standby_leads_at_once_when_the_leader_released(candidate: Candidate, world: EngineHarness) -> None:
    former, standby = candidate("former"), candidate("standby")
    assert former.acquire()
    former.release()
    assert world.ask("SELECT holder FROM leaders") is None
    assert standby.acquire()


def test_nobody_leads_when_a_release_without_leases_holds_the_lock(
    world: EngineHarness, candidate: Candidate, connect: Callable[[str], PgConnection]
) -> None:
    older = connect("kontor-relay")
    older.execute(LOCK, ("kontor relay",))
    relay = candidate("relay")
    assert not relay.acquire()
    older.close()
    wait_for(relay.acquire, "the freed lock", 10)


def test_lease_is_extended_when_it_is_a_second_old(
    world: EngineHarness, candidate: Candidate, elapsed: Stopwatch
) -> None:
    relay = candidate("relay")
    relay.acquire()
    first = world.ask("SELECT expires_at FROM leaders")
    relay.renew()
    assert world.ask("SELECT expires_at FROM leaders") == first
    elapsed.seconds += 1.5
    relay.renew()
    assert world.ask("SELECT expires_at FROM leaders") > first
    elapsed.seconds += LEASE_SECONDS - 1
    relay.check()


def test_leader_steps_down_before_it_acts_when_it_was_stopped_for_the_length_of_its_lease(
    world: EngineHarness, candidate: Candidate, elapsed: Stopwatch
) -> None:
    leadership, relay = candidate("relay"), world.inline.relay
    leadership.acquire()
    relay.lead = leadership
    world.put(Write(note="waiting"))
    world.inline.bells.ring_hint()
    elapsed.seconds += LEASE_SECONDS
    with pytest.raises(LeadershipLost):
        relay.tick()
    assert not world.inline.bells.dispatched
    with pytest.raises(LeadershipLost):
        leadership.renew()


def test_leader_steps_down_before_it_acts_when_it_was_stopped_while_it_waited(
    world: EngineHarness, candidate: Candidate, elapsed: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    leadership, relay, bells = candidate("relay"), world.inline.relay, world.inline.bells
    leadership.acquire()
    relay.lead = leadership
    relay.tick()
    world.put(Write(note="waiting"))
    bells.ring_hint()
    listen = bells.listen

    def stopped(seconds: float) -> object:
        elapsed.seconds += LEASE_SECONDS
        return listen(seconds)

    monkeypatch.setattr(bells, "listen", stopped)
    with pytest.raises(LeadershipLost):
        relay.tick()
    assert not bells.dispatched


@pytest.mark.parametrize("change", ["fence = fence + 1", "holder = 'another'", "expires_at = clock_timestamp()"])
def test_leader_rescues_and_promotes_nothing_when_its_fence_is_gone(
    world: EngineHarness, candidate: Candidate, change: str
) -> None:
    leadership, relay = candidate("relay"), world.inline.relay
    leadership.acquire()
    relay.lead = leadership
    orphan(world)
    world.put(Write(note="timer"), run_at=world.clock.now() + timedelta(hours=1))
    world.ask("INSERT INTO worker_processes VALUES ('silent', 'h', 1, '1', 1, '{}', now(), '2020-01-01')")
    world.clock.advance(timedelta(hours=2))
    world.ask(f"UPDATE leaders SET {change}")
    with pytest.raises(LeadershipLost):
        relay._rescue(0.0)
    with pytest.raises(LeadershipLost):
        relay._promote(0.0)
    assert world.ask("SELECT string_agg(state, ' ' ORDER BY id) FROM jobs") == "running scheduled"
    assert world.ask("SELECT count(*) FROM worker_processes") == 1


def test_leader_rescues_and_promotes_while_its_fence_stands(world: EngineHarness, candidate: Candidate) -> None:
    leadership, relay = candidate("relay"), world.inline.relay
    leadership.acquire()
    relay.lead = leadership
    orphan(world)
    relay._rescue(0.0)
    assert world.ask("SELECT state FROM jobs") == "queued"
