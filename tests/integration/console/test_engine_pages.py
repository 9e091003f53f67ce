"""What the pages about the engine say: speed, lateness, turns, workers, lanes; and what is done there."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from adapters.clock_fakes import ManualClock
from api.deps import Deps
from domain.misfire import MisfirePolicy
from engine.driver import driver
from engine.schedules import Declared, declare
from models.console import JobRollup
from models.control import Lane, Queue, WorkerProcess
from models.jobs import Job
from store import rollups
from tests.support.api import ResellerAccounts
from tests.support.console import ConsoleClient, enqueue_probe, mark_dead
from tests.support.worker import running_worker

As = Callable[[str], ConsoleClient]


def roll(deps: Deps) -> None:
    """Let the figures be counted now."""
    with deps.sessions() as session:
        deps.jobs.enqueue(session, "console.rollup", {})
        session.commit()
    with running_worker(deps) as engine:
        engine.inline.drain()


def worker(deps: Deps, name: str = "w1") -> None:
    """A process that lives."""
    with deps.sessions() as session:
        session.add(
            WorkerProcess(
                id=name, host="web-1", pid=4711, version="0", threads=8, queues=["probe"],
                started_at=func.clock_timestamp(), heartbeat_at=func.clock_timestamp(), memory_bytes=100_000_000,
            )
        )  # fmt: skip
        session.commit()


def test_figures_tell_how_many_ended_how_long_they_waited_and_which_were_late(
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
        found = rollups.by_task(driver(session), "minute", clock.now() - timedelta(hours=1))
        probe = next(one for one in found if one.task == "probe.echo")
    assert (probe.succeeded, probe.cancelled, probe.late) == (3, 0, 3)
    assert probe.wait_sum == 1_800
    assert probe.waits == [0, 0, 0, 0, 0, 3, 0, 0]
    someone = signed_in("viewer")
    for span in ("hour", "day", "week"):
        text = someone.get(f"/console?span={span}").text
        assert '<td class="figure bad">3</td>' in text, span
        assert "≤ 10 min" in text, span


def test_hours_are_the_sum_of_their_minutes(deps: Deps, clock: ManualClock) -> None:
    for _ in range(3):
        enqueue_probe(deps)
        with running_worker(deps) as engine:
            engine.inline.drain()
        clock.advance(timedelta(minutes=7))
        roll(deps)
    with deps.sessions() as session:
        sums = select(JobRollup.size, func.sum(JobRollup.succeeded)).where(JobRollup.task == "probe.echo")
        found = {size: int(total) for size, total in session.execute(sums.group_by(JobRollup.size))}
    assert found == {"minute": 3, "hour": 3}


def test_a_long_outage_is_counted_in_pieces(deps: Deps, clock: ManualClock) -> None:
    enqueue_probe(deps)
    with running_worker(deps) as engine:
        engine.inline.drain()
    clock.advance(timedelta(days=2))
    roll(deps)
    with deps.sessions() as session:
        found = session.scalar(select(func.sum(JobRollup.succeeded)).where(JobRollup.size == "hour"))
    assert found is not None
    assert found >= 1


def test_what_waits_longer_than_its_task_allows_is_said_first(signed_in: As, deps: Deps, clock: ManualClock) -> None:
    worker(deps)
    enqueue_probe(deps)
    clock.advance(timedelta(seconds=31))
    assert "1 probe.echo job waits longer than the task allows." in signed_in("viewer").get("/console").text


def test_a_healthy_quiet_system_says_so(signed_in: As, deps: Deps) -> None:
    worker(deps)
    text = signed_in("viewer").get("/console").text
    assert "All is well" in text
    assert "It is quiet." in text


def test_a_queue_shows_who_waits_and_whose_turn_it_was(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    one = make_accounts("elbe")
    with deps.sessions() as session:
        for tenant in (str(one.reseller), "", "someone"):
            deps.jobs.enqueue(session, "probe.echo", {}, tenant=tenant)
        session.commit()
    someone = signed_in("viewer")
    text = someone.get("/console/queues/probe").text
    assert "elbe" in text
    assert "the provider" in text
    with running_worker(deps) as engine:
        engine.inline.drain()
    assert "Nobody waits" not in someone.get("/console/queues/probe").text
    assert someone.http.get("/console/queues/none").status_code == 404


def test_how_many_at_once_is_set_with_a_reason(signed_in: As, deps: Deps) -> None:
    someone = signed_in("operator")
    place = "/console/queues/probe/limit"
    assert someone.post(place, {"concurrency": "4"}).status_code == 422
    for wrong in ("0", "-1", "x", "99999999"):
        assert someone.post(place, {"concurrency": wrong, "reason": "slow disk"}).status_code == 422, wrong
    assert someone.post(place, {"concurrency": "4", "reason": "slow disk"}).status_code == 303
    with deps.sessions() as session:
        assert session.get_one(Queue, "probe").concurrency == 4
    assert someone.post(place, {"concurrency": "", "reason": "new disk"}).status_code == 303
    with deps.sessions() as session:
        assert session.get_one(Queue, "probe").concurrency is None


def test_one_worker_is_drained_and_works_again(signed_in: As, deps: Deps) -> None:
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


def test_an_instance_shows_its_line_and_its_errors(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    client: UUID = make_accounts("elbe").client
    lane = f"instance:{client}"
    with deps.sessions() as session:
        session.add(Lane(name=lane, state="open", failures=3, last_error="connection refused"))
        put = deps.jobs.enqueue(session, "probe.echo", {"message": "waits"}, lane=lane)
        dead = deps.jobs.enqueue(session, "probe.echo", {"message": "gave up"}, lane=lane)
        session.commit()
    mark_dead(deps, dead.id, ConnectionError("no route to host"))
    text = signed_in("viewer").get(f"/console/instances/instance%3A{client}").text
    for words in (
        "elbe client",
        "connection refused",
        str(put.id),
        "no route to host",
        "https://customer.example/hook",
    ):
        assert words in text, words


def test_a_schedule_that_did_not_fire_is_named(signed_in: As, deps: Deps, clock: ManualClock) -> None:
    with deps.sessions() as session:
        declare(session, [Declared("nightly", "5 0 * * *", "UTC", "probe.echo", MisfirePolicy.ONCE)], clock.now())
        session.commit()
    clock.advance(timedelta(hours=12))
    someone = signed_in("viewer")
    assert "nightly is overdue" not in someone.get("/console").text
    clock.advance(timedelta(minutes=11))
    assert "The schedule nightly is overdue." in someone.get("/console").text
