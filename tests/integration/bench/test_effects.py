from collections.abc import Iterator

import psycopg
import pytest

from bench.effects import INSERT, TABLE, measure
from bench.environment import libpq
from bench.ledger_fill import FINISHED, QUEUED
from kontor.kernel.database import PgConnection

AT = "UPDATE bench_effects SET at = '2026-01-01'::timestamptz + n * interval '1 second'"


@pytest.fixture
def effects(database_url: str) -> Iterator[PgConnection]:
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        connection.execute(TABLE)
        yield connection


def test_warm_up_of_the_slowest_process_is_excluded(effects: PgConnection) -> None:
    for n, pid in enumerate([1, 1, 1, 1, 2, 1, 2, 1, 2, 1]):
        effects.execute(INSERT, (n, pid))
    effects.execute(AT)
    measurement = measure(effects, jobs=10, warm_up=2)
    # Process 2 is warm after second 6; 7, 8 and 9 are counted over the remaining three seconds.
    assert measurement.rate == pytest.approx(1.0)
    assert measurement.processes == 2
    assert measurement.exact


def test_doubled_effect_is_detected(effects: PgConnection) -> None:
    for n in (0, 1, 2, 2):
        effects.execute(INSERT, (n, 1))
    measurement = measure(effects, jobs=3, warm_up=1)
    assert measurement.doubled == 1
    assert not measurement.exact


def test_missing_effect_is_detected(effects: PgConnection) -> None:
    effects.execute(INSERT, (0, 1))
    assert not measure(effects, jobs=2, warm_up=1).exact


def test_grown_ledger_matches_the_schema_and_its_ids_carry_their_time(effects: PgConnection) -> None:
    effects.execute(FINISHED, {"first": 1, "last": 300, "total": 300})
    effects.execute(QUEUED, {"first": 1, "last": 200})
    rows = effects.execute(
        "SELECT id, created_at FROM jobs_archive UNION ALL SELECT id, created_at FROM jobs"
    ).fetchall()
    assert len(rows) == 500
    assert {job_id.version for job_id, _ in rows} == {7}
    assert max(abs((job_id.int >> 80) / 1_000 - made.timestamp()) for job_id, made in rows) < 0.002
