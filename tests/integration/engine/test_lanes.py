from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.engine.admin import lanes as lane_admin
from kontor.engine.handlers import Cancel, JobContext, Outcome, RemoteUnavailable, Transient
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send

STEP = timedelta(minutes=5)


def down(job: JobContext, note: str) -> Outcome | None:
    raise RemoteUnavailable("connection refused")


def ask_lane(world: EngineHarness, column: str, lane: str = "a") -> object:
    return world.ask(f"SELECT {column} FROM lanes WHERE name = :lane", lane=lane)


def while_acting(world: EngineHarness, note: str, others: Sequence[UUID]) -> None:
    """Let the doorbell of other jobs be heard while the job with this note acts."""

    def hear(job: JobContext, note: str) -> Outcome | None:
        world.inline.run(*others)
        return None

    world.script.actions[note] = hear


def test_doorbell_runs_the_jobs_of_a_lane_one_after_another(world: EngineHarness) -> None:
    notes = [f"n{number}" for number in range(5)]
    jobs = [world.put(Send(note=note), lane="a") for note in notes]
    assert world.inline.run(*jobs).claimed == 5
    assert world.script.order == notes
    assert ask_lane(world, "busy_with") is None


def test_lane_runs_one_job_at_a_time_in_order(world: EngineHarness) -> None:
    notes = [f"n{number}" for number in range(5)]
    jobs = [world.put(Send(note=note), lane="a") for note in notes]
    while_acting(world, "n0", jobs[1:])
    world.inline.run(jobs[0])
    assert world.script.order == ["n0"]
    assert [world.job(job).held for job in jobs[1:]] == [False, True, True, True]
    world.inline.drain()
    assert world.script.order == notes
    assert ask_lane(world, "busy_with") is None


def test_next_job_of_a_lane_is_announced_at_once(world: EngineHarness) -> None:
    jobs = [world.put(Send(note=note), lane="a") for note in "ab"]
    rings = world.inline.doorbell.rings
    while_acting(world, "a", jobs[1:])
    world.inline.run(jobs[0])
    assert world.inline.doorbell.rings == rings + 1


def test_unavailable_remote_counts_no_attempt_and_holds_only_its_lane(world: EngineHarness) -> None:
    world.script.actions["down"] = down
    jobs = [world.put(Send(note="down"), lane="a") for _ in range(3)]
    others = [world.put(Send(note="up"), lane="b") for _ in range(3)]
    world.inline.drain()
    assert [world.state(job) for job in others] == ["succeeded"] * 3
    assert [(world.state(job), world.job(job).attempt, world.job(job).held) for job in jobs] == [
        ("queued", 0, True)
    ] * 3
    assert sum(len(world.outcomes(job)) for job in jobs) == 1
    assert ask_lane(world, "state") == "open"


def test_lane_sends_one_probe_when_due_and_opens_after_a_response(world: EngineHarness) -> None:
    world.script.actions["down"] = down
    jobs = [world.put(Send(note="down"), lane="a") for _ in range(3)]
    world.inline.drain()
    assert world.inline.drain() == 0
    for failures in (2, 3):
        world.clock.advance(STEP)
        world.inline.drain()
        assert ask_lane(world, "failures") == failures
        assert len(world.script.order) == failures
    world.script.actions.clear()
    world.clock.advance(STEP)
    world.inline.drain()
    assert [(world.state(job), world.job(job).attempt) for job in jobs] == [("succeeded", 1)] * 3
    assert ask_lane(world, "state") == "closed"


def test_error_response_closes_the_breaker(world: EngineHarness) -> None:
    world.script.actions["down"] = down
    first, second = world.put(Send(note="down"), lane="a"), world.put(Send(note="fine"), lane="a")
    world.inline.drain()
    world.clock.advance(STEP)

    def busy(job: JobContext, note: str) -> Outcome | None:
        raise Transient("no")

    world.script.actions["down"] = busy
    world.inline.drain()
    assert (world.state(first), world.job(first).attempt) == ("retrying", 1)
    assert world.state(second) == "succeeded"


def test_probe_that_is_cancelled_passes_to_the_next_job(world: EngineHarness) -> None:
    world.script.actions["down"] = down
    jobs = [world.put(Send(note="down"), lane="a") for _ in range(3)]
    world.inline.drain()
    world.clock.advance(STEP)
    world.script.claims["down"] = lambda job, note: Cancel("not due any more")
    world.inline.drain()
    assert [world.state(job) for job in jobs] == ["cancelled"] * 3


def test_failed_claim_does_not_count_as_a_response(world: EngineHarness) -> None:
    world.script.actions["down"] = down
    world.put(Send(note="down"), lane="a")
    world.inline.drain()
    world.clock.advance(STEP)

    def broken(job: JobContext, note: str) -> Outcome | None:
        raise RuntimeError("a bug")

    world.script.claims["down"] = broken
    world.inline.drain()
    assert ask_lane(world, "state") == "open"


def test_jobs_of_a_lane_are_dead_after_three_days_and_handlers_notified(world: EngineHarness) -> None:
    world.script.actions["down"] = down
    jobs = [world.put(Send(note="down"), lane="a") for _ in range(3)]
    world.inline.drain()
    world.clock.advance(timedelta(hours=71))
    world.inline.drain()
    assert {world.state(job) for job in jobs} == {"queued"}
    world.clock.advance(timedelta(hours=1))
    world.inline.drain()
    assert [(world.state(job), world.job(job).reason) for job in jobs] == [("dead", "lane_held")] * 3
    assert world.script.failures.count(("down", "lane_held")) == 3
    later = world.put(Send(note="up"), lane="a")
    world.clock.advance(STEP)
    world.inline.drain()
    assert world.state(later) == "succeeded"


def test_lane_forced_by_an_operator_stays_held(world: EngineHarness) -> None:
    def force(job: JobContext, note: str) -> Outcome | None:
        world.ask("UPDATE lanes SET state = 'forced' WHERE name = 'a'")
        raise RemoteUnavailable("refused")

    world.script.actions["down"] = force
    world.put(Send(note="down"), lane="a")
    world.inline.drain()
    world.clock.advance(STEP)
    assert world.inline.drain() == 0
    assert ask_lane(world, "state") == "forced"


def test_lane_held_by_an_operator_sends_nothing_until_it_is_released(world: EngineHarness) -> None:
    first = world.put(Send(note="first"), lane="a")
    world.inline.drain()
    with Session(world.engine) as session, session.begin():
        lane_admin.hold(session, world.inline.jobs, "a", Actor("someone"))
    waiting = world.put(Send(note="waiting"), lane="a")
    other = world.put(Send(note="other"), lane="b")
    for _ in range(3):
        world.inline.drain()
        world.clock.advance(timedelta(hours=30))
    assert (world.state(first), world.state(other)) == ("succeeded", "succeeded")
    assert (world.state(waiting), world.job(waiting).held, world.script.order) == ("queued", True, ["first", "other"])
    with Session(world.engine) as session, session.begin():
        lane_admin.release(session, world.inline.jobs, "a", Actor("someone"))
    world.inline.drain()
    assert world.state(waiting) == "succeeded"
    assert ask_lane(world, "state") == "closed"


def test_response_to_a_running_call_does_not_end_an_operators_hold(world: EngineHarness) -> None:
    def hold(job: JobContext, note: str) -> Outcome | None:
        with Session(world.engine) as session, session.begin():
            lane_admin.hold(session, world.inline.jobs, "a", Actor("someone"))
        return None

    world.script.actions["first"] = hold
    first, second = (world.put(Send(note=note), lane="a") for note in ("first", "second"))
    world.inline.drain()
    assert (world.state(first), world.state(second)) == ("succeeded", "queued")
    assert (ask_lane(world, "state"), world.script.order) == ("forced", ["first"])


def test_job_dispatched_while_its_lane_is_held_is_not_sent(world: EngineHarness) -> None:
    job = world.put(Send(note="late"), lane="a")
    world.ask("INSERT INTO lanes (name, state) VALUES ('a', 'forced')")
    world.inline.run(job)
    assert (world.script.order, world.job(job).held) == ([], True)
