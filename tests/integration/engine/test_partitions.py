"""Finished jobs lie in months, which are made ahead and dropped; what has to stay stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.engine import partitions, retention
from kontor.engine.admin import job_queries
from kontor.engine.payloads import UpkeepRetention
from kontor.engine.testing import InlineWorker
from kontor.kernel.database import PgConnection
from kontor.kernel.ids import lowest_id
from tasks.maintenance import UpkeepRetentionHandler
from workers.ledger_checks import check_partitions

JOB = """
INSERT INTO jobs_archive (id, task, queue, state, payload, run_at, max_attempts, created_at, finished_at)
VALUES (%(id)s, 'test.write', 'write', %(state)s, '{}', %(at)s, 3, %(at)s, %(at)s)
"""
HOT = """
INSERT INTO jobs (id, task, queue, state, payload, run_at, max_attempts, created_at)
VALUES (%(id)s, 'test.write', 'write', 'scheduled', '{}', %(at)s, 3, %(at)s)
"""
MANY = f"""
INSERT INTO jobs_archive (id, task, queue, state, payload, run_at, max_attempts, created_at, finished_at)
SELECT (%(id)s::text || lpad(n::text, 12, '0'))::uuid, 'test.write', 'write', 'dead', '{{}}', now(), 3, now(), now()
FROM generate_series(0, {partitions.MOST_KEPT}) AS n
"""
ATTEMPT = "INSERT INTO job_attempts (job_id, number, ended_at, outcome) VALUES (%s, 1, now(), 'failed')"
SUBJECT = "INSERT INTO declared_jobs (job_id, places) VALUES (%s, 1)"
FIRST = ["job_attempts_first", "jobs_archive_first"]
IDS = "SELECT id, tableoid::regclass::text FROM jobs_archive ORDER BY id"


@pytest.fixture
def driver(engine: Engine) -> Iterator[PgConnection]:
    url = make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def first(driver: PgConnection) -> datetime:
    """Where the months begin."""
    return partitions.months(driver, partitions.JOBS)[0].end


def months_later(start: datetime, number: int) -> datetime:
    year, month = divmod(start.month - 1 + number, 12)
    return datetime(start.year + year, month + 1, 1, tzinfo=UTC)


def finish(driver: PgConnection, at: datetime, state: str = "succeeded", finished: datetime | None = None) -> UUID:
    """A job of `at` with an attempt."""
    job = UUID(int=lowest_id(at).int + 7)
    driver.execute(JOB, {"id": job, "at": finished or at, "state": state})
    driver.execute(ATTEMPT, (job,))
    return job


def drop_months(driver: PgConnection, before: datetime) -> list[str]:
    """Drop all that is over, each partition in a transaction of its own; return their names."""
    names: list[str] = []
    while not names or names[-1]:
        with driver.transaction():
            names.append(partitions.drop_oldest(driver, before) or "")
    return names[:-1]


def attempts(driver: PgConnection) -> list[UUID]:
    return [row[0] for row in driver.execute("SELECT job_id FROM job_attempts ORDER BY job_id").fetchall()]


def test_jobs_and_attempts_lie_in_the_months_of_their_ids(driver: PgConnection, first: datetime) -> None:
    second = months_later(first, 1)
    jobs = [finish(driver, at) for at in (first - timedelta(days=1), first, second)]
    suffixes = ["first", f"{first:%Y_%m}", f"{second:%Y_%m}"]
    expected = [(job, f"jobs_archive_{suffix}") for job, suffix in zip(jobs, suffixes, strict=True)]
    assert driver.execute(IDS).fetchall() == expected
    tables = driver.execute("SELECT tableoid::regclass::text FROM job_attempts ORDER BY job_id").fetchall()
    assert tables == [(f"job_attempts_{suffix}",) for suffix in suffixes]


def test_three_months_are_made_ahead_once(driver: PgConnection, first: datetime) -> None:
    now = months_later(first, 5)
    assert partitions.make_ahead(driver, now) == 2 * 6
    assert partitions.make_ahead(driver, now) == 0
    for table in partitions.KEYS:
        assert partitions.months(driver, table)[-1].end == months_later(now, partitions.AHEAD + 1)


def test_rows_that_came_before_their_month_move_into_it(driver: PgConnection, first: datetime) -> None:
    fifth = months_later(first, 4)
    job = finish(driver, fifth)
    assert driver.execute(IDS).fetchall() == [(job, "jobs_archive_default")]
    assert partitions.beyond(driver) == 1
    assert [check.state for check in check_partitions(driver, first)] == ["problem"]
    partitions.make_ahead(driver, fifth)
    assert driver.execute(IDS).fetchall() == [(job, f"jobs_archive_{fifth:%Y_%m}")]
    assert attempts(driver) == [job]
    assert [check.state for check in check_partitions(driver, first)] == ["ok"]


def test_doctor_warns_when_no_month_is_ready(driver: PgConnection, first: datetime) -> None:
    assert [check.state for check in check_partitions(driver, months_later(first, 3))] == ["warning"]


def test_month_is_dropped_when_its_jobs_ended_long_enough_ago(driver: PgConnection, first: datetime) -> None:
    old, young = finish(driver, first - timedelta(days=40)), finish(driver, first)
    assert drop_months(driver, first - timedelta(seconds=1)) == []
    assert drop_months(driver, first) == FIRST
    assert job_queries.find(driver, old) is None
    assert attempts(driver) == [young]
    assert drop_months(driver, first) == []
    assert partitions.months(driver, partitions.JOBS)[0].start == first


def test_dead_jobs_late_ones_and_attempts_of_unfinished_ones_stay(driver: PgConnection, first: datetime) -> None:
    at = first - timedelta(days=40)
    dead = finish(driver, at, "dead")
    longer = finish(driver, at + timedelta(seconds=1), finished=first + timedelta(days=3))
    gone = finish(driver, at + timedelta(seconds=2))
    waiting = lowest_id(at + timedelta(seconds=3))
    driver.execute(HOT, {"id": waiting, "at": at})
    driver.execute(ATTEMPT, (waiting,))
    assert drop_months(driver, first) == FIRST
    assert driver.execute(IDS).fetchall() == [(dead, "jobs_archive_default"), (longer, "jobs_archive_default")]
    assert attempts(driver) == [dead, longer, waiting]
    assert job_queries.find(driver, gone) is None
    assert partitions.beyond(driver) == 0, "what stays of old months is not early"


def test_what_belonged_to_the_jobs_of_a_dropped_month_is_deleted(driver: PgConnection, first: datetime) -> None:
    gone, dead = finish(driver, first - timedelta(days=40)), finish(driver, first - timedelta(days=39), "dead")
    for job in (gone, dead):
        driver.execute(SUBJECT, (job,))
    now = database_time(driver)
    assert retention.delete_chunk(driver, now, now - timedelta(days=90))["orphans"] == 0
    assert drop_months(driver, first) == FIRST
    assert retention.delete_chunk(driver, now, now - timedelta(days=90))["orphans"] == 1
    assert driver.execute("SELECT job_id FROM declared_jobs").fetchall() == [(dead,)]


def database_time(driver: PgConnection) -> datetime:
    row = driver.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return datetime.fromisoformat(str(row[0]))


def test_month_in_which_too_many_jobs_stay_is_deleted_from_row_by_row(driver: PgConnection, first: datetime) -> None:
    prefix = str(lowest_id(first - timedelta(days=40)))[:-12]
    driver.execute(MANY, {"id": prefix})
    old = finish(driver, first - timedelta(days=39))
    assert drop_months(driver, first) == []
    assert retention.delete_finished(driver, database_time(driver), first) == 1
    assert job_queries.find(driver, old) is None
    assert attempts(driver) == []


def test_jobs_of_a_month_that_is_not_over_wait_for_its_drop(driver: PgConnection, first: datetime) -> None:
    before = first + timedelta(days=20)
    earlier, later = finish(driver, first - timedelta(days=40)), finish(driver, first + timedelta(days=1))
    assert retention.delete_finished(driver, database_time(driver), before) == 1
    assert job_queries.find(driver, earlier) is None
    assert job_queries.find(driver, later) is not None


def test_test_clock_drops_and_makes_no_month(driver: PgConnection, first: datetime) -> None:
    job = finish(driver, first)
    now = database_time(driver) + timedelta(days=800)
    assert retention.keep_months(driver, now, now - timedelta(days=90)) == retention.Months()
    assert retention.delete_finished(driver, now, now - timedelta(days=90)) == 1
    assert job_queries.find(driver, job) is None


def test_retention_drops_the_partitions_of_a_month_one_after_the_other(driver: PgConnection, first: datetime) -> None:
    old = finish(driver, first - timedelta(days=40))
    with driver.transaction():
        months = retention.keep_months(driver, database_time(driver), first)
    assert months == retention.Months(dropped="job_attempts_first")
    with driver.transaction():
        assert retention.keep_months(driver, database_time(driver), first).dropped == "jobs_archive_first"
    assert job_queries.find(driver, old) is None


def run_retention(engine: Engine, driver: PgConnection) -> list[dict[str, object]]:
    """Run one job of retention and those that it enqueues at once; return their results."""
    clock = ManualClock(database_time(driver))
    driver.execute("TRUNCATE jobs, jobs_archive")
    with InlineWorker(engine, [UpkeepRetentionHandler()], clock) as inline:
        with Session(engine) as session, session.begin():
            inline.jobs.enqueue(session, UpkeepRetention())
        inline.drain()
    return [row[0] for row in driver.execute("SELECT result FROM jobs_archive ORDER BY id").fetchall()]


def drop_newest(driver: PgConnection) -> None:
    """Take away the last month of each table, so that one has to be made."""
    for table in partitions.KEYS:
        for month in partitions.months(driver, table)[1:]:
            driver.execute(f"DROP TABLE {month.name}".encode())


def test_retention_makes_the_months_that_are_missing(engine: Engine, driver: PgConnection) -> None:
    drop_newest(driver)
    results = run_retention(engine, driver)
    assert [bool(result["months_made"]) for result in results] == [True, False]
    assert [check.state for check in check_partitions(driver, database_time(driver))] == ["ok"]


def test_retention_tries_again_in_a_minute_while_somebody_reads_the_table(engine: Engine, driver: PgConnection) -> None:
    drop_newest(driver)
    url = make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as reader:
        driver.execute("TRUNCATE jobs, jobs_archive")
        reader.execute("SELECT count(*) FROM job_attempts")
        (result,) = run_retention(engine, driver)
    assert result["months"] == "locked"
    assert len(partitions.months(driver, partitions.JOBS)) == 1
    waiting = driver.execute("SELECT state, run_at - created_at FROM jobs WHERE task = 'upkeep.retention'").fetchall()
    assert waiting == [("scheduled", timedelta(minutes=1))]
