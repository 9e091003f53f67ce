from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.engine.enqueue import EnqueueResult, JobOptions, JobRequest
from kontor.kernel.errors import Invalid
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send, Write

THREADS = 8


def test_rolled_back_job_does_not_exist(world: EngineHarness) -> None:
    with Session(world.engine) as session:
        world.inline.jobs.enqueue(session, "test.write", Write())
        session.rollback()
    assert world.inline.drain() == 0
    assert world.ask("SELECT count(*) FROM jobs") == 0
    assert world.inline.doorbell.rings == 0


def test_committed_job_runs_once_and_records_its_result(world: EngineHarness) -> None:
    job = world.put(Write(note="a"))
    assert world.inline.doorbell.rings == 1
    assert world.inline.drain() == 1
    row = world.job(job)
    assert (row.state, row.attempt, row.result, row.worker) == ("succeeded", 1, {"note": "a"}, "inline")
    assert world.effects() == ["a"]


def test_second_delivery_claims_nothing(world: EngineHarness) -> None:
    job = world.put(Write(note="a"))
    bell = world.inline.run(job)
    again = world.inline.runner.run("again", "test.write", [job])
    assert (bell.claimed, again.claimed) == (1, 0)
    assert world.effects() == ["a"]


def test_unique_key_allows_one_unfinished_job(world: EngineHarness) -> None:
    first = world.put(Write(), unique_key="k")
    assert world.put(Write(), unique_key="k") == first
    assert world.put(Write(), unique_key="k", tenant="other") != first
    world.inline.drain()
    assert world.put(Write(), unique_key="k") != first


def test_once_key_is_used_up_permanently(world: EngineHarness) -> None:
    first = world.put(Write(), effect_key="k")
    world.inline.drain()
    assert world.put(Write(), effect_key="k") == first
    assert world.inline.drain() == 0


def test_once_key_is_free_again_after_a_rollback(world: EngineHarness) -> None:
    with Session(world.engine) as session:
        world.inline.jobs.enqueue(session, "test.write", Write(), effect_key="k")
        session.rollback()
    job = world.put(Write(), effect_key="k")
    world.inline.drain()
    assert world.state(job) == "succeeded"


def test_once_key_on_a_deduplicated_job_refers_to_that_job(world: EngineHarness) -> None:
    first = world.put(Write(), unique_key="u")
    assert world.put(Write(), unique_key="u", effect_key="o") == first
    assert world.put(Write(), effect_key="o") == first


@pytest.mark.parametrize("options", [JobOptions(unique_key="k"), JobOptions(effect_key="k")], ids=str)
def test_only_one_of_several_concurrent_requests_creates_the_job(world: EngineHarness, options: JobOptions) -> None:
    def put(number: int) -> EnqueueResult:
        with Session(world.engine) as session, session.begin():
            return world.inline.jobs.enqueue(session, "test.write", Write(note=str(number)), **options)

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(put, range(4 * THREADS)))
    assert len({result.id for result in results}) == 1
    assert [result.created for result in results].count(True) == 1
    assert world.inline.drain() == 1


def test_many_jobs_are_enqueued_in_one_statement_in_order(world: EngineHarness) -> None:
    requests = [JobRequest("test.write", {"note": f"{number:03}"}, tenant=f"t{number % 2}") for number in range(300)]
    with Session(world.engine) as session, session.begin():
        ids = world.inline.jobs.enqueue_many(session, requests)
    assert world.inline.drain() == 300
    assert world.effects() == [f"{number:03}" for number in range(300)]
    with world.engine.connect() as connection:
        rows = connection.execute(text("SELECT id, payload ->> 'note' FROM jobs_archive")).all()
    notes = {row[0]: row[1] for row in rows}
    assert [notes[job_id] for job_id in ids] == [request.args["note"] for request in requests]


def test_keys_are_taken_in_one_order_whatever_the_order_of_the_requests(world: EngineHarness) -> None:
    keys = ["d", "a", "c", "b", "a"]
    requests = [JobRequest("test.write", {}, unique_key=key, effect_key=f"once-{key}") for key in keys]
    with Session(world.engine) as session, session.begin():
        ids = world.inline.jobs.enqueue_many(session, requests)
    assert ids[1] == ids[4]
    assert world.ask("SELECT array_agg(unique_key ORDER BY ctid) FROM jobs") == sorted(set(keys))
    assert world.ask("SELECT array_agg(key ORDER BY ctid) FROM once_keys") == [
        f"once-{key}" for key in sorted(set(keys))
    ]
    by_key = {key: world.ask("SELECT id FROM jobs WHERE unique_key = :key", key=key) for key in keys}
    assert ids == [by_key[key] for key in keys]


def test_many_jobs_with_the_same_keys_get_the_job_that_has_them(world: EngineHarness) -> None:
    first = world.put(Write(), unique_key="b")
    requests = [JobRequest("test.write", {}, unique_key="b", effect_key=key) for key in ("x", "x", "y")]
    with Session(world.engine) as session, session.begin():
        assert world.inline.jobs.enqueue_many(session, requests) == [first] * 3
    assert world.ask("SELECT count(*) FROM once_keys WHERE job_id = :id", id=first) == 2


def test_one_invalid_request_of_many_enqueues_none(world: EngineHarness) -> None:
    requests = [JobRequest("test.write", {"note": "good"}), JobRequest("test.write", {"nonsense": 1})]
    with pytest.raises(Invalid), Session(world.engine) as session, session.begin():
        world.inline.jobs.enqueue_many(session, requests)
    assert world.ask("SELECT count(*) FROM jobs") == 0


def test_scheduled_job_waits_for_its_time(world: EngineHarness) -> None:
    job = world.put(Write(note="later"), run_at=world.clock.now() + timedelta(hours=1))
    assert world.inline.drain() == 0
    assert world.state(job) == "scheduled"
    world.clock.advance(timedelta(hours=1))
    assert world.inline.drain() == 1


def test_doorbell_hint_in_a_savepoint_waits_for_the_commit(world: EngineHarness) -> None:
    with Session(world.engine) as session, session.begin():
        with session.begin_nested():
            world.inline.jobs.enqueue(session, "test.write", Write())
        assert world.inline.doorbell.rings == 0
    assert world.inline.doorbell.rings == 1


def test_follow_up_job_is_committed_with_its_parent(world: EngineHarness) -> None:
    job = world.put(Write(note="parent"))
    with Session(world.engine) as session, session.begin():
        world.inline.jobs.child_of(job, None).enqueue(session, "test.send", Send(note="child"))
    world.inline.drain()
    assert world.ask("SELECT parent_id FROM jobs_archive WHERE task = 'test.send'") == job
