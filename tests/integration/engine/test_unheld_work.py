"""What no worker holds is run again: leases, doorbells and lanes that the workers' beats leave out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Engine, create_engine

from kontor.adapters.clock import ServerClock
from kontor.adapters.fakes import ManualClock
from kontor.engine import lanes, recovery
from kontor.engine.fair_pick import OVERDUE_SECONDS
from kontor.engine.handlers import Handler, JobContext, Outcome, RemoteUnavailable
from kontor.engine.job_stats import JobStats
from kontor.engine.testing import InlineWorker
from kontor.kernel.doorbells import Doorbell
from tests.conftest import libpq
from tests.integration.engine.conftest import EngineHarness, guard
from tests.integration.engine.scripted_tasks import Script, Send, Sender, SendParked
from tests.support.cutting_proxy import CuttingProxy, before_postgres
from workers.heartbeat import Heartbeat

RUN = """
UPDATE jobs SET state = 'running', attempt = 1, worker = 'inline', lease = :lease, started_at = now() WHERE id = :id
"""
FORGET = "UPDATE worker_processes SET leases = NULL, bells = NULL"


@dataclass
class BeatingHarness(EngineHarness):
    """A harness whose worker is registered and beats when a test says so."""

    heartbeat: Heartbeat
    proxy: CuttingProxy
    bells: list[str]

    def beat(self) -> None:
        """Write one beat."""
        self.heartbeat._beat()

    def compare(self, seconds: float = OVERDUE_SECONDS + 1) -> None:
        """Let the relay compare, so long after now."""
        self.inline.relay._compare(self.clock.monotonic() + seconds, self.clock.now())

    def dispatch(self) -> Doorbell:
        """Let the relay dispatch the only job that waits."""
        self.inline.bells.ring_hint()
        self.inline.relay.tick()
        [bell] = self.inline.bells.dispatched
        return bell


@pytest.fixture
def world(database_url: str, engine: Engine, script: Script) -> Iterator[BeatingHarness]:
    """An engine whose connections to PostgreSQL may lose a reply."""
    clock = ManualClock()
    guard(engine)
    handlers: list[Handler] = [Sender(script), Sender(script, SendParked)]
    bells: list[str] = []
    with before_postgres(database_url) as (proxy, url):
        through = create_engine(url)
        with InlineWorker(through, handlers, clock, registered_only=True) as inline:
            beats = psycopg.connect(libpq(database_url), autocommit=True)
            inline.runtime.holdings._bells = lambda: tuple(bells)
            heartbeat = Heartbeat(
                lambda: beats, "inline", 1, [], lambda _: None, JobStats(), inline.runtime.holdings, ServerClock()
            )
            heartbeat.register()
            yield BeatingHarness(inline, script, engine, clock, heartbeat, proxy, bells)
            beats.close()
        through.dispose()


def test_job_runs_again_when_the_answer_to_its_claims_commit_is_lost(world: BeatingHarness) -> None:
    job, behind = (world.put(Send(note=note), lane="a") for note in ("first", "second"))
    world.proxy.lose = b"COMMIT"
    assert world.inline.run(job).claimed == 0
    assert world.state(job) == "running"
    world.compare()
    world.beat()
    world.compare()
    assert world.state(job) == "running"
    world.beat()
    world.compare()
    assert (world.state(job), world.outcomes(job)) == ("queued", ["crashed"])
    world.inline.drain()
    assert [world.state(done) for done in (job, behind)] == ["succeeded"] * 2
    assert dict(world.script.sent) == {str(job): 1, str(behind): 1}
    assert world.ask("SELECT busy_with FROM lanes") is None


def test_running_job_is_left_alone_while_beats_report_its_lease(world: BeatingHarness) -> None:
    def watched(job: JobContext, note: str) -> Outcome | None:
        for _ in range(4):
            world.beat()
            world.compare()
        assert world.ask("SELECT state FROM jobs") == "running"
        return None

    job = world.put(Send(note="long"))
    world.script.actions["long"] = watched
    world.inline.run(job)
    assert (world.state(job), world.outcomes(job)) == ("succeeded", [])
    assert world.inline.runtime.holdings.leases() == ()


def test_running_job_of_a_release_whose_beats_report_nothing_is_left_alone(world: BeatingHarness) -> None:
    job = world.put(Send(note="old"))
    world.ask(RUN, id=job, lease=uuid4())
    for _ in range(4):
        world.beat()
        world.ask(FORGET)
        world.compare()
    assert world.state(job) == "running"


def test_lease_claimed_after_the_first_sight_is_not_the_one_that_was_missed(world: BeatingHarness) -> None:
    job, lease = world.put(Send(note="again")), uuid4()
    world.ask(RUN, id=job, lease=uuid4())
    world.compare()
    world.beat()
    world.beat()
    world.ask("UPDATE jobs SET lease = :lease", lease=lease)
    world.compare()
    assert world.state(job) == "running"
    assert recovery.requeue_unheld(world.inline.relay.connection, [(job, uuid4())], world.clock.now()) == 0
    assert recovery.requeue_unheld(world.inline.relay.connection, [(job, lease)], world.clock.now()) == 1


def test_doorbell_is_dispatched_again_when_two_beats_of_every_worker_leave_it_out(world: BeatingHarness) -> None:
    world.put(Send(note="lost"))
    bell = world.dispatch()
    world.inline.bells.dispatched.clear()
    world.inline.bells.held = {"inline": (bell,)}
    world.compare()
    world.beat()
    world.compare()
    assert bell.id in world.inline.relay.windows["send"].dispatched
    world.beat()
    world.compare()
    assert world.inline.bells.held == {"inline": ()}
    assert world.inline.drain() == 1


def test_doorbell_that_a_beat_reports_is_kept(world: BeatingHarness) -> None:
    world.put(Send(note="kept"))
    bell = world.dispatch()
    world.inline.bells.dispatched.clear()
    world.bells.append(bell.id)
    for _ in range(4):
        world.beat()
        world.compare()
    assert bell.id in world.inline.relay.windows["send"].dispatched


def test_doorbell_in_the_list_of_a_worker_that_reports_nothing_is_kept(world: BeatingHarness) -> None:
    world.put(Send(note="old"))
    bell = world.dispatch()
    world.inline.bells.dispatched.clear()
    world.inline.bells.held = {"inline": (bell,)}
    for _ in range(4):
        world.beat()
        world.ask(FORGET)
        world.compare()
    assert bell.id in world.inline.relay.windows["send"].dispatched


def test_doorbells_of_a_worker_that_is_not_registered_are_dispatched_again(world: BeatingHarness) -> None:
    job = world.put(Send(note="swept"))
    bell = world.dispatch()
    world.inline.bells.dispatched.clear()
    world.inline.bells.held = {"long gone": (bell,)}
    world.compare(0)
    assert world.inline.bells.held == {}
    assert world.inline.drain() == 1
    assert (world.state(job), world.outcomes(job)) == ("succeeded", [])


def two_in_a_lane(world: BeatingHarness) -> tuple[UUID, UUID]:
    """Two jobs of one lane, the second held behind the first."""
    jobs = [world.put(Send(note=note), lane="a") for note in ("first", "second")]
    world.ask("UPDATE jobs SET held = true WHERE id = :id", id=jobs[1])
    return jobs[0], jobs[1]


def test_held_job_is_released_when_it_was_locked_as_its_lane_became_free(world: BeatingHarness) -> None:
    first, second = two_in_a_lane(world)
    with psycopg.connect(libpq(world.engine.url.render_as_string(hide_password=False))) as other:
        other.execute("SELECT 1 FROM jobs WHERE id = %s FOR UPDATE", [second])
        world.inline.run(first)
        world.compare()
        assert world.job(second).held
    world.compare()
    assert not world.job(second).held
    world.inline.drain()
    assert [world.state(job) for job in (first, second)] == ["succeeded"] * 2


def test_probe_is_released_when_it_was_locked_as_it_became_due(world: BeatingHarness) -> None:
    def down(job: JobContext, note: str) -> Outcome | None:
        raise RemoteUnavailable("refused")

    job = world.put(Send(note="down"), lane="a")
    world.script.actions["down"] = down
    world.inline.run(job)
    world.script.actions.clear()
    later = world.clock.advance(timedelta(minutes=5))
    with psycopg.connect(libpq(world.engine.url.render_as_string(hide_password=False))) as other:
        other.execute("SELECT 1 FROM jobs FOR UPDATE")
        assert lanes.release_probes(world.inline.relay.connection, later) == 1
        assert world.job(job).held
    world.compare()
    world.inline.drain()
    assert world.state(job) == "succeeded"


def test_lane_is_free_again_when_it_names_a_job_that_does_not_run(world: BeatingHarness) -> None:
    _, second = two_in_a_lane(world)
    world.ask("INSERT INTO lanes (name, busy_with) VALUES ('a', :gone)", gone=uuid4())
    world.ask("DELETE FROM jobs WHERE NOT held")
    world.compare()
    assert not world.job(second).held
    assert world.ask("SELECT busy_with FROM lanes") is None


@pytest.mark.parametrize(
    ("lane", "why"),
    [
        ("state = 'forced'", "an operator holds it"),
        ("state = 'open', probe_at = '2100-01-01Z'", "its probe is not due"),
        ("state = 'closed'", "another job waits to be claimed"),
    ],
)
def test_held_job_stays_held_while_its_lane_has_a_turn(world: BeatingHarness, lane: str, why: str) -> None:
    _, second = two_in_a_lane(world)
    world.ask("INSERT INTO lanes (name) VALUES ('a')")
    world.ask(f"UPDATE lanes SET {lane}")
    if "closed" not in lane:
        world.ask("DELETE FROM jobs WHERE NOT held")
    world.compare()
    assert world.job(second).held, why


def test_lanes_are_looked_at_in_turns(world: BeatingHarness) -> None:
    for name in "abc":
        world.put(Send(note=name), lane=name)
    world.ask("UPDATE jobs SET held = true")
    connection = world.inline.relay.connection
    assert lanes.look_at_held(connection, "", 2) == ("b", ["a", "b"])
    assert lanes.look_at_held(connection, "b", 2) == ("", ["c"])
