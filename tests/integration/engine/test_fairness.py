from collections import Counter

from sqlalchemy.orm import Session

from kontor.engine.enqueue import JobRequest
from kontor.engine.fair_pick import MAX_BATCH
from kontor.engine.handlers import JobContext, Outcome
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Write

BACKLOG = 5000


def flood(world: EngineHarness, count: int, note: str = "bulk", **options: str) -> None:
    requests = [JobRequest("test.write", {"note": note}, **options) for _ in range(count)]  # type: ignore[arg-type] # tenant is text
    with Session(world.engine) as session, session.begin():
        world.inline.jobs.enqueue_many(session, requests)


def test_higher_priority_runs_first(world: EngineHarness) -> None:
    for priority in (0, 5, 9, 1):
        world.put(Write(note=str(priority)), priority=priority)
    world.inline.relay.slots = 8
    world.inline.drain()
    assert world.script.order == ["9", "5", "1", "0"]


def test_backlog_of_one_tenant_delays_another_only_by_jobs_in_flight(world: EngineHarness) -> None:
    flood(world, BACKLOG, tenant="big")
    for _ in range(5):
        world.inline.tick()
    before = len(world.script.order)
    assert before < BACKLOG
    job = world.put(Write(note="single"), tenant="small")
    world.inline.tick()
    assert world.state(job) == "succeeded"
    assert world.script.order.index("single") - before <= 2 * MAX_BATCH


def test_new_tenant_is_dispatched_when_the_window_is_full(world: EngineHarness) -> None:
    flood(world, 100, tenant="big")
    relay, bells = world.inline.relay, world.inline.bells
    bells.ring_hint()
    relay.tick()
    full = len(bells.dispatched)
    job = world.put(Write(note="single"), tenant="small")
    bells.ring_hint()
    relay.newcomers.clear()
    relay.tick()
    assert len(bells.dispatched) == full + 1
    assert bells.dispatched[0].ids == (job,)


def test_window_stays_small_when_estimates_are_wrong(world: EngineHarness) -> None:
    relay = world.inline.relay
    relay.batching.estimates.observe("test.write", 0.0001)
    relay.batching.estimates.observe("test.write", 60.0)
    assert relay.batching.estimates.batch("test.write") > 1
    relay.batching.estimates.seconds["test.write"] = 60.0
    flood(world, 100)
    world.inline.bells.ring_hint()
    relay.tick()
    assert len(world.inline.bells.dispatched) <= 2 * max(relay.slots, 1)


def test_tenants_take_turns_when_one_query_cannot_see_them_all(world: EngineHarness) -> None:
    requests = [JobRequest("test.write", {"note": f"t{n:03}"}, tenant=f"t{n:03}") for n in range(300) for _ in range(3)]
    with Session(world.engine) as session, session.begin():
        world.inline.jobs.enqueue_many(session, requests)
    world.inline.drain()
    first_round = Counter(world.script.order[: 300 + 2 * MAX_BATCH])
    assert len(first_round) == 300
    assert max(first_round.values()) <= 2


def test_batch_size_follows_the_duration_of_the_task(world: EngineHarness) -> None:
    batch = world.inline.relay.batching.estimates.batch
    assert batch("test.write") == 1
    for seconds, most in ((0.0001, 32), (0.01, 10), (0.2, 1)):
        world.inline.relay.batching.estimates.seconds.clear()
        world.inline.relay.batching.estimates.observe("test.write", seconds)
        assert batch("test.write") == most


def test_concurrency_limit_of_a_queue_is_kept(world: EngineHarness) -> None:
    world.ask("INSERT INTO queues (name, concurrency) VALUES ('write', 3)")
    flood(world, 50)
    world.inline.bells.ring_hint()
    world.inline.relay.tick()
    assert sum(len(bell.ids) for bell in world.inline.bells.dispatched) <= 3


def test_follow_ups_of_one_tenant_do_not_displace_another(world: EngineHarness) -> None:
    def two_more(job: JobContext, note: str) -> Outcome | None:
        with Session(world.engine) as session, session.begin():
            job.jobs.enqueue(session, "test.write", {"note": "bulk"}, tenant="big")
        return None

    world.script.actions["root"] = two_more
    flood(world, 200, tenant="big", note="root")
    job = world.put(Write(note="single"), tenant="small")
    world.inline.tick()
    assert world.state(job) == "succeeded"
