"""A dead job of 30 days leaves the hot table; every way to it works as before."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.engine import cancellation
from kontor.engine.admin import job_details, job_queries, lanes, overview
from kontor.engine.admin.job_filter import JobFilter, conditions, tables
from kontor.engine.admin.operations import Operations
from kontor.engine.admin.queues import list_queues
from kontor.engine.dead_jobs import KEPT_HOT, shelve
from kontor.engine.handlers import Permanent
from kontor.engine.retention import delete_finished
from kontor.kernel.database import PgConnection
from kontor.kernel.errors import Conflict
from kontor.kernel.states import JobState
from kontor.monitoring import queries as monitoring_queries
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send, Write

OPERATOR = Actor("olga", "console", "the instance is back")
WHERE = """
SELECT 'jobs' FROM jobs WHERE id = :id UNION ALL SELECT 'jobs_archive' FROM jobs_archive WHERE id = :id
"""
FINISHED = """
INSERT INTO jobs_archive (id, task, queue, state, payload, run_at, max_attempts, created_at, finished_at)
SELECT gen_random_uuid(), 'test.write', 'write', 'succeeded', '{}', now(), 3, now(), now() FROM generate_series(1, 5000)
"""
DEAD = JobFilter(states=frozenset({JobState.DEAD}))


@pytest.fixture
def driver(world: EngineHarness) -> Iterator[PgConnection]:
    url = make_url(world.engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def fail(*_: object) -> None:
    raise Permanent("the account is closed")


def kill(world: EngineHarness, *notes: str, **options: str) -> list[UUID]:
    """Jobs that died 31 days ago."""
    for note in notes:
        world.script.actions[note] = fail
    jobs = [world.put(Write(note=note), **options) for note in notes]
    world.inline.drain()
    world.clock.advance(KEPT_HOT + timedelta(days=1))
    return jobs


def archive(world: EngineHarness, driver: PgConnection) -> int:
    return shelve(driver, world.clock.now() - KEPT_HOT, 1_000)


@pytest.fixture
def shelved(world: EngineHarness, driver: PgConnection) -> UUID:
    """A job that died 31 days ago and has left the hot table."""
    (job,) = kill(world, "x", unique_key="once")
    assert archive(world, driver) == 1
    assert world.ask(WHERE, id=job) == "jobs_archive"
    return job


def test_dead_job_leaves_the_hot_table_after_thirty_days_and_not_before(
    world: EngineHarness, driver: PgConnection
) -> None:
    (old,) = kill(world, "old")
    (young,) = kill(world, "young")
    world.clock.advance(-timedelta(days=2))
    assert archive(world, driver) == 1
    assert world.ask(WHERE, id=old) == "jobs_archive"
    assert world.ask(WHERE, id=young) == "jobs"


def test_archived_dead_job_keeps_every_column(world: EngineHarness, driver: PgConnection) -> None:
    (job,) = kill(world, "x", unique_key="once", tenant="shop")
    before = job_queries.find(driver, job)
    columns = world.ask("SELECT to_jsonb(j) - ARRAY['held', 'cancel_requested', 'unsupported'] FROM jobs j")
    archive(world, driver)
    assert job_queries.find(driver, job) == before
    assert world.ask("SELECT to_jsonb(j) FROM jobs_archive j") == columns


def test_archived_dead_job_is_counted_and_listed_as_before(world: EngineHarness, driver: PgConnection) -> None:
    jobs = kill(world, "x", "y")
    before = seen(world, driver)
    assert archive(world, driver) == 2
    assert seen(world, driver) == before
    assert before["found"] == sorted(jobs, reverse=True)
    assert before["count"] == before["queue"] == before["metric"] == before["group"] == 2


def seen(world: EngineHarness, driver: PgConnection) -> dict[str, object]:
    """What every reader of dead jobs sees."""
    with Session(world.engine) as session:
        queues = list_queues(session, ["write"], world.clock.now())
    return {
        "found": [job.id for job in job_queries.newest_jobs(driver, DEAD, 10)],
        "count": job_details.bounded_count(driver, DEAD),
        "by_task": job_queries.count_by_task_and_tenant(driver, DEAD),
        "group": sum(group.count for group in job_details.dead_groups(driver)),
        "groups": job_details.dead_groups(driver),
        "queue": queues[0].dead,
        "metric": dict(monitoring_queries.dead(driver))["test.write"],
    }


def test_archived_dead_jobs_of_a_lane_are_counted_and_shown(world: EngineHarness, driver: PgConnection) -> None:
    world.script.actions["x"] = fail
    job = world.put(Send(note="x"), lane="account:1")
    world.inline.drain()
    world.clock.advance(KEPT_HOT + timedelta(days=1))
    assert archive(world, driver) == 1
    with Session(world.engine) as session:
        assert lanes.counts_by_lane(session, ["account:1"]) == {"account:1": lanes.LaneCounts(0, 1)}
    assert [row.id for row in overview.lane_jobs(driver, "account:1")[1]] == [job]


def test_search_of_dead_jobs_reads_the_archive_by_their_index(driver: PgConnection, shelved: UUID) -> None:
    driver.execute(FINISHED)
    driver.execute("ANALYZE jobs_archive")
    where, values = conditions(DEAD)
    statement = f"EXPLAIN SELECT id FROM {tables(DEAD)[1]} WHERE {where}"
    plan = "\n".join(row[0] for row in driver.execute(statement, values, prepare=False).fetchall())
    assert "jobs_archive_default_fingerprint_id_idx" in plan, plan
    assert "Seq Scan on jobs_archive_default" not in plan, plan


def retry(world: EngineHarness, job: UUID) -> None:
    with Session(world.engine) as session, session.begin():
        Operations(world.inline.jobs).retry(session, job, OPERATOR)


def test_retry_of_an_archived_dead_job_runs_it_from_the_hot_table(world: EngineHarness, shelved: UUID) -> None:
    world.script.actions["x"] = lambda job, note: None
    retry(world, shelved)
    assert world.ask(WHERE, id=shelved) == "jobs"
    assert world.job(shelved).attempt == 0
    assert world.inline.drain() == 1
    assert world.state(shelved) == "succeeded"
    assert world.outcomes(shelved) == ["failed"]


def test_retry_is_refused_and_moves_nothing_when_the_unique_key_is_taken(world: EngineHarness, shelved: UUID) -> None:
    world.put(Write(note="again"), unique_key="once")
    with pytest.raises(Conflict) as refused:
        retry(world, shelved)
    assert (refused.value.code, refused.value.state) == ("not_retryable", "dead")
    assert world.ask(WHERE, id=shelved) == "jobs_archive"


def test_second_retry_is_refused_with_the_state_of_the_first(world: EngineHarness, shelved: UUID) -> None:
    retry(world, shelved)
    with pytest.raises(Conflict) as refused:
        retry(world, shelved)
    assert refused.value.state == "queued"


def test_cancelled_archived_dead_job_is_cancelled(world: EngineHarness, shelved: UUID) -> None:
    with Session(world.engine) as session, session.begin():
        assert Operations(world.inline.jobs).cancel(session, shelved, OPERATOR).state == JobState.CANCELLED
    assert world.state(shelved) == "cancelled"
    assert world.ask("SELECT count(*) FROM jobs") == 0


def test_remembered_cancellation_reaches_a_job_that_was_archived_meanwhile(
    world: EngineHarness, driver: PgConnection, shelved: UUID
) -> None:
    cancellation.remember(driver, shelved, "olga", "no use", world.clock.now())
    assert cancellation.apply_requests(driver, world.inline.jobs.catalogue, world.clock.now()) == 1
    assert world.state(shelved) == "cancelled"


def test_unique_key_of_an_archived_dead_job_is_free(world: EngineHarness, shelved: UUID) -> None:
    assert world.put(Write(note="x"), unique_key="once") != shelved


def test_archived_dead_job_is_never_deleted_by_age(world: EngineHarness, driver: PgConnection, shelved: UUID) -> None:
    world.clock.advance(timedelta(days=400))
    assert delete_finished(driver, world.clock.now(), world.clock.now() - timedelta(days=90)) == 0
    assert world.state(shelved) == "dead"


def test_release_that_deletes_by_age_alone_deletes_no_dead_job(
    world: EngineHarness, driver: PgConnection, shelved: UUID
) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match="dead job"):
        driver.execute("DELETE FROM jobs_archive WHERE finished_at < 'infinity'")
    assert world.state(shelved) == "dead"
