"""Real processes, killed, stopped and continued."""

import os
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import redis
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from kontor.adapters.clock import SystemClock
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.adapters.settings import Settings
from kontor.audit import Actor
from kontor.engine.admin.operations import Operations
from kontor.engine.catalogue import Catalogue
from kontor.engine.enqueue import JobRequest, Jobs
from tests.faults import fairness, recovery
from tests.faults.checker import judge
from tests.faults.conftest import disposable_fleet
from tests.faults.crash_points import run_cell
from tests.faults.fleet import Enqueuer, Fleet, Member, fleet
from tests.faults.recovery import begun, owner
from tests.faults.tasks import PAYLOADS
from tests.support.polling import wait_for

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]


def enqueuer_of(fleet: Fleet) -> Enqueuer:
    return next(member for member in fleet.members if isinstance(member, Enqueuer))


def put(fleet: Fleet, kind: str, **args: object) -> UUID:
    ids = enqueuer_of(fleet).put([(f"fault.{kind}", dict(args))])
    assert ids is not None
    return ids[0]


def state(fleet: Fleet, job: UUID) -> tuple[str, int, int]:
    query = "SELECT state, attempt, crashes FROM jobs WHERE id = %(id)s UNION ALL "
    query += "SELECT state, attempt, crashes FROM jobs_archive WHERE id = %(id)s"
    with fleet.connect() as connection:
        row = connection.execute(query, {"id": job}).fetchone()
    assert row is not None
    return str(row[0]), int(row[1]), int(row[2])


def crashed(fleet: Fleet, job: UUID, times: int) -> bool:
    return state(fleet, job)[2] == times


def holder(fleet: Fleet, number: int, attempt: int = 1) -> Member:
    """The worker in which an attempt hangs."""
    wait_for(lambda: bool(begun(fleet, [number], attempt)), "the job in hand")
    return owner(fleet, begun(fleet, [number], attempt)[number])


@pytest.mark.parametrize(
    ("point", "kind"),
    [
        ("enqueued.after", "batch"),
        ("publish.after", "rerun"),
        ("effect.after", "batch"),
        ("commit.before", "verify"),
        ("record.before", "park"),
    ],
)
def test_no_job_is_lost_or_doubled_when_a_process_is_killed(live: Fleet, point: str, kind: str) -> None:
    assert run_cell(live, point, kind).verdict.faults == ()


@pytest.mark.parametrize("kind", ["single", "rerun"])
def test_worker_stopped_for_longer_than_its_lease_records_nothing(live: Fleet, kind: str) -> None:
    job = put(live, kind, number=1, holds=1)
    stopped = holder(live, 1)
    stopped.send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: state(live, job)[0] == "succeeded", "the job done elsewhere")
    finally:
        stopped.send_signal(signal.SIGCONT)
    assert state(live, job) == ("succeeded", 2, 1)
    waiting = "SELECT count(*) FROM worker_processes WHERE pid = %s"
    wait_for(lambda: live.ask(waiting, [stopped.pid])[0][0] == 1, "the stopped worker back")
    assert judge(live, [job]).faults == ()
    stopped.kill()  # its job would use up the grace of a stopping worker


def test_worker_that_wakes_while_another_runs_its_job_records_nothing(live: Fleet) -> None:
    job = put(live, "rerun", number=1, gated=True)
    stopped = holder(live, 1)
    stopped.send_signal(signal.SIGSTOP)
    try:
        other = holder(live, 1, attempt=2)
    finally:
        stopped.send_signal(signal.SIGCONT)
    live.sink.open_gate(1, 1)
    wait_for(lambda: bool(live.sink.lines(effect=1, pid=stopped.pid)), "the act of the woken worker")
    stopped.stop()  # it has tried to record by then
    assert state(live, job) == ("running", 2, 1)
    assert live.ask("SELECT * FROM effects") == []
    live.sink.open_gate(1, 2)
    wait_for(lambda: state(live, job)[0] == "succeeded", "the job done elsewhere")
    assert [line["pid"] for line in live.sink.lines(effect=1)] == [stopped.pid, other.pid]
    assert judge(live, [job]).faults == ()


def test_running_job_stops_when_it_is_cancelled(live: Fleet) -> None:
    job = put(live, "rerun", number=1, holds=1)
    holder(live, 1)
    engine = create_engine(live.settings.database_url)
    jobs = Jobs(Catalogue(PAYLOADS), SystemClock(), SilentRelayHint())
    with Session(engine) as session, session.begin():
        assert Operations(jobs).cancel(session, job, Actor("a test")).state == "running"
    engine.dispose()
    wait_for(lambda: state(live, job)[0] == "cancelled", "the job cancelled")
    assert live.sink.lines(effect=1) == []


def test_job_that_crashes_three_workers_is_dead(live: Fleet) -> None:
    job = put(live, "single", number=1, holds=3)
    innocent = put(live, "single", number=2)
    for attempt in (1, 2, 3):
        victim = holder(live, 1, attempt)
        victim.kill()
        live.replace(victim)
        wait_for(partial(crashed, live, job, attempt), "the crash written down")
    wait_for(lambda: state(live, job)[0] == "dead", "the job dead")
    assert live.ask("SELECT reason FROM jobs WHERE id = %s", [job]) == [("poison",)]
    assert state(live, innocent)[0] == "succeeded"


def test_backlog_of_one_tenant_does_not_delay_another(live: Fleet) -> None:
    times, left = fairness.measure(live, 60_000, 1)
    assert left > 0, "the backlog was gone before: the test showed nothing"
    assert max(times) < 5.0


def test_test_clock_moves_every_process(settings: Settings, tmp_path: Path) -> None:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    environ = {"KONTOR_TEST_CLOCK": start.isoformat()}
    with fleet(settings, tmp_path / "fleet", "relay", "worker", environ=environ) as made:
        made.workers(1)
        recovery.put(made, [JobRequest("fault.single", {"number": 1}, run_at=start + timedelta(days=1))])
        recovery.put(made, [JobRequest("fault.single", {"number": 2})])
        wait_for(lambda: made.open_jobs() == 1, "the job that is due")
        made.ask("UPDATE clock SET now = %s RETURNING now", [start + timedelta(days=1)])
        made.settled()
        rows = made.ask("SELECT created_at, finished_at FROM jobs_archive ORDER BY finished_at")
        assert [row[1] for row in rows] == [start, start + timedelta(days=1)]


def test_ten_thousand_jobs_survive_the_death_of_every_process(tmp_path: Path) -> None:
    with disposable_fleet(tmp_path / "data", "relay", "worker", "worker", "enqueuer") as (servers, made):
        made.workers(2)
        ids = enqueuer_of(made).put([("fault.batch", {"number": number}) for number in range(10_000)])
        assert ids is not None
        for member in made.members:
            member.kill()
        assert servers.postgres.process is not None
        servers.postgres.process.kill()
        servers.postgres.process.wait()
        with redis.Redis.from_url(servers.valkey.url) as client:
            client.flushall()
        servers.revive()
        for member in list(made.members):
            made.replace(member)
        made.settled(300)
        verdict = judge(made, ids)
        assert verdict.faults == ()
        assert verdict.succeeded == 10_000


def kill_redis(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        pid = client.info("server")["process_id"]
    os.kill(int(pid), signal.SIGKILL)


@pytest.mark.parametrize("disaster", ["flush", "restart"])
def test_doorbells_lost_by_redis_are_rung_again(tmp_path: Path, disaster: str) -> None:
    with disposable_fleet(tmp_path / "data", "relay", "worker", "enqueuer") as (servers, made):
        made.workers(1)
        held = put(made, "single", number=1, holds=1)
        busy = holder(made, 1)
        if disaster == "flush":
            with redis.Redis.from_url(servers.valkey.url) as client:
                client.flushall()
        else:
            kill_redis(servers.valkey.url)
            wait_for(lambda: not servers.valkey.is_running(), "the death of Redis")
            servers.revive()
        job = put(made, "single", number=2)
        wait_for(lambda: state(made, job)[0] == "succeeded", "a job after the disaster")
        assert state(made, held)[0] == "queued"
        busy.kill()  # its job would use up the grace of a stopping worker
