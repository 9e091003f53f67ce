"""The engine pages: throughput, lateness, fairness, workers, lanes, and their actions."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update

from kontor.adapters.fakes import ManualClock
from kontor.engine.admin import invariants
from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.schedules import declare
from kontor.http.context import Deps
from kontor.kernel.database import psycopg_connection
from kontor.kernel.states import MisfirePolicy
from kontor.monitoring import queries as monitoring_queries
from kontor.ui import texts
from models.console import JobRollup
from models.control import Lane, Queue, WorkerProcess
from models.jobs import Job
from tests.support.api import ResellerAccounts
from tests.support.console import ConsoleClient, enqueue_probe, mark_dead
from tests.support.worker import running_worker

As = Callable[[str], ConsoleClient]


def roll(deps: Deps) -> None:
    """Run the rollup of job stats now."""
    with deps.sessions() as session:
        deps.jobs.enqueue(session, "console.rollup", {})
        session.commit()
    with running_worker(deps) as engine:
        engine.inline.drain()


def worker(deps: Deps, name: str = "w1") -> None:
    """Add a live worker process."""
    with deps.sessions() as session:
        session.add(
            WorkerProcess(
                id=name, host="web-1", pid=4711, version="0", threads=8, queues=["probe"],
                started_at=func.clock_timestamp(), heartbeat_at=func.clock_timestamp(), memory_bytes=100_000_000,
            )
        )  # fmt: skip
        session.commit()


def test_overview_shows_finished_jobs_their_waits_and_late_starts(
    signed_in: As, deps: Deps, clock: ManualClock
) -> None:
    for number in range(3):
        enqueue_probe(deps, f"{number}")
    clock.advance(timedelta(minutes=10))
    with running_worker(deps) as engine:
        engine.inline.drain()
    roll(deps)
    roll(deps)
    with deps.sessions() as session:
        stats = monitoring_queries.by_task(psycopg_connection(session), "minute", clock.now() - timedelta(hours=1))
        probe = next(row for row in stats if row.task == "probe.echo")
    assert (probe.succeeded, probe.cancelled, probe.overdue) == (3, 0, 3)
    assert probe.wait_sum == 1_800
    assert probe.waits == [0, 0, 0, 0, 0, 3, 0, 0]
    someone = signed_in("viewer")
    for span in ("hour", "day", "week"):
        text = someone.get(f"/console?span={span}").text
        assert '<td class="figure bad">3</td>' in text, span
        assert "≤ 10 min" in text, span


def test_hourly_stats_are_the_sum_of_their_minutes(deps: Deps, clock: ManualClock) -> None:
    for _ in range(3):
        enqueue_probe(deps)
        with running_worker(deps) as engine:
            engine.inline.drain()
        clock.advance(timedelta(minutes=7))
        roll(deps)
    with deps.sessions() as session:
        sums = select(JobRollup.size, func.sum(JobRollup.succeeded)).where(JobRollup.task == "probe.echo")
        sums_by_size = {size: int(total) for size, total in session.execute(sums.group_by(JobRollup.size))}
    assert sums_by_size == {"minute": 3, "hour": 3}


def test_stats_of_a_long_outage_are_counted_in_parts(deps: Deps, clock: ManualClock) -> None:
    enqueue_probe(deps)
    with running_worker(deps) as engine:
        engine.inline.drain()
    clock.advance(timedelta(days=2))
    roll(deps)
    with deps.sessions() as session:
        succeeded = session.scalar(select(func.sum(JobRollup.succeeded)).where(JobRollup.size == "hour"))
    assert succeeded is not None
    assert succeeded >= 1


def test_overdue_jobs_are_reported_on_the_overview(signed_in: As, deps: Deps, clock: ManualClock) -> None:
    worker(deps)
    enqueue_probe(deps)
    clock.advance(timedelta(seconds=31))
    assert "1 probe.echo job is overdue." in signed_in("viewer").get("/console").text


def test_healthy_quiet_system_is_reported_as_such(signed_in: As, deps: Deps) -> None:
    worker(deps)
    text = signed_in("viewer").get("/console").text
    assert "All is well" in text
    assert "No jobs are waiting or running." in text


def test_queue_page_shows_waiting_tenants_and_their_turns(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("elbe")
    with deps.sessions() as session:
        for tenant in (str(accounts.reseller), "", "someone"):
            deps.jobs.enqueue(session, "probe.echo", {}, tenant=tenant)
        session.commit()
    someone = signed_in("viewer")
    text = someone.get("/console/queues/probe").text
    assert "elbe" in text
    assert "the provider" in text
    with running_worker(deps) as engine:
        engine.inline.drain()
    assert "No tenant has jobs here." not in someone.get("/console/queues/probe").text
    assert someone.http.get("/console/queues/none").status_code == 404


def test_concurrency_limit_is_validated_and_requires_a_reason(signed_in: As, deps: Deps) -> None:
    someone = signed_in("operator")
    place = "/console/queues/probe/limit"
    assert someone.post(place, {"concurrency": "4"}).status_code == 422
    for limit in ("0", "-1", "x", "99999999"):
        assert someone.post(place, {"concurrency": limit, "reason": "slow disk"}).status_code == 422, limit
    assert someone.post(place, {"concurrency": "4", "reason": "slow disk"}).status_code == 303
    with deps.sessions() as session:
        assert session.get_one(Queue, "probe").concurrency == 4
    assert someone.post(place, {"concurrency": "", "reason": "new disk"}).status_code == 303
    with deps.sessions() as session:
        assert session.get_one(Queue, "probe").concurrency is None


def test_worker_is_drained_and_resumed(signed_in: As, deps: Deps) -> None:
    worker(deps)
    job = enqueue_probe(deps)
    with deps.sessions() as session:
        row = session.get_one(Job, job)
        row.state, row.worker, row.started_at = "running", "w1", deps.clock.now()
        session.commit()
    someone = signed_in("operator")
    text = someone.get("/console/workers").text
    assert f'/console/jobs/{job}">probe.echo</a>' in text
    assert someone.post("/console/workers/w1/drain", {"reason": "new kernel"}).status_code == 303
    with deps.sessions() as session:
        assert session.get_one(WorkerProcess, "w1").draining
    assert "draining" in someone.get("/console/workers").text
    assert someone.post("/console/workers/w1/undrain").status_code == 303
    assert someone.post("/console/workers/w2/drain", {"reason": "x"}).status_code == 404


def test_instance_page_shows_its_waiting_jobs_and_errors(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    client: UUID = make_accounts("elbe").client
    lane = f"instance:{client}"
    with deps.sessions() as session:
        session.add(Lane(name=lane, state="open", failures=3, last_error="no connection: refused"))
        put = deps.jobs.enqueue(session, "probe.echo", {"message": "waits"}, lane=lane)
        dead = deps.jobs.enqueue(session, "probe.echo", {"message": "gave up"}, lane=lane)
        session.commit()
    mark_dead(deps, dead.id, ConnectionError("no route to host"))
    text = signed_in("viewer").get(f"/console/instances/instance%3A{client}").text
    for words in (
        "elbe client",
        "connection_refused",
        str(put.id),
        "no route to host",
        "https://customer.example/hook",
    ):
        assert words in text, words


def test_overdue_schedule_is_reported(signed_in: As, deps: Deps, clock: ManualClock) -> None:
    with deps.sessions() as session:
        declare(session, [ScheduleSpec("nightly", "5 0 * * *", "UTC", "probe.echo", MisfirePolicy.ONCE)], clock.now())
        session.commit()
    clock.advance(timedelta(hours=12))
    someone = signed_in("viewer")
    assert "nightly is overdue" not in someone.get("/console").text
    clock.advance(timedelta(minutes=11))
    assert "Schedule nightly is overdue." in someone.get("/console").text


def test_unknown_task_is_marked_on_overview_and_jobs_page(signed_in: As, deps: Deps) -> None:
    with deps.sessions() as session:
        deps.jobs.enqueue(session, "probe.echo", {})
        session.execute(update(Job).values(task="gone.task"))
        session.commit()
    with running_worker(deps) as engine:
        engine.inline.tick()
    someone = signed_in("viewer")
    for page in ("/console", "/console/jobs", "/console/jobs?state=queued&task=gone.task"):
        assert "1 job of unknown task gone.task: deploy the release that knows it" in someone.get(page).text
    assert '<span class="state held">unknown task</span>' in someone.get("/console/jobs").text


def test_broken_invariant_is_named_on_the_overview(signed_in: As, deps: Deps) -> None:
    with deps.sessions() as session:
        session.execute(text("""
            INSERT INTO processes (id, role, host, pid, version, started_at, beat_at, clock_offset_seconds)
            VALUES ('web-1', 'web', 'h', 1, '0', clock_timestamp() - interval '1 hour', clock_timestamp(), 2.5)
        """))  # fmt: skip
        session.commit()
    assert (
        "A clock is wrong: the clock of web web-1 is +2.5 s from PostgreSQL" in signed_in("viewer").get("/console").text
    )


def test_every_broken_invariant_has_a_sentence() -> None:
    assert set(texts.INVARIANTS) == set(invariants.NAMES)
