from datetime import timedelta

import psycopg
import pytest

from kontor.engine.handlers import Permanent
from kontor.engine.job_stats import JobStats
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Send, Write, WriteAlone


def connect(world: EngineHarness) -> "psycopg.Connection[tuple[object, ...]]":
    url = world.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)


def job_totals(world: EngineHarness) -> dict[tuple[str, str], tuple[int, float, int]]:
    with connect(world) as connection:
        world.inline.runtime.stats.flush(connection)
        rows = connection.execute(
            "SELECT task, outcome, jobs, wait_seconds, wait_buckets[9] FROM job_totals"
        ).fetchall()
    return {(str(task), str(outcome)): (jobs, waited, slow) for task, outcome, jobs, waited, slow in rows}  # type: ignore[misc]  # columns as asked


def test_attempts_are_counted_by_outcome_and_wait(world: EngineHarness) -> None:
    def never(*_: object) -> None:
        raise Permanent("no")

    world.script.actions["bad"] = never
    for payload in (Write(note="a"), Write(note="b"), WriteAlone(note="c"), Send(note="d"), Write(note="bad")):
        world.put(payload)
    world.clock.advance(timedelta(minutes=4))
    world.inline.drain()
    assert job_totals(world) == {
        ("test.write", "succeeded"): (2, 480.0, 2),
        ("test.write", "failed"): (1, 240.0, 1),
        ("test.write_alone", "succeeded"): (1, 240.0, 1),
        ("test.send", "succeeded"): (1, 240.0, 1),
    }
    world.put(Write(note="e"))
    world.inline.drain()
    assert job_totals(world)["test.write", "succeeded"] == (3, 480.0, 2)


def test_stats_are_kept_when_a_flush_fails(world: EngineHarness) -> None:
    stats, now = JobStats(), world.clock.now()
    stats.add("a", "succeeded", now, now, now, None)
    gone = connect(world)
    gone.close()
    with pytest.raises(psycopg.Error):
        stats.flush(gone)
    stats.add("a", "succeeded", now, now, now + timedelta(hours=2), timedelta(hours=1))
    with connect(world) as connection:
        stats.flush(connection)
    assert world.ask("SELECT jobs * 10 + late FROM job_totals") == 21
