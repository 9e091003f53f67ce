"""The relay's look at held lanes, with 100,000 held jobs in one lane and 100,000 lanes with one each."""

from typing import Any

import psycopg
import pytest

from kontor.engine import lanes
from kontor.engine.lanes import LANES_PER_LOOK, LOOK, UNSTICK
from tests.conftest import libpq

ROWS = 100_000
PUT = """
INSERT INTO jobs (id, task, queue, tenant, lane, state, held, payload, run_at, max_attempts, created_at)
SELECT gen_random_uuid(), 'test.send', 'send', 't', {lane}, 'queued', true, '{{}}', now(), 3, now()
FROM generate_series(1, {rows}) AS number
"""
BUSY = """
INSERT INTO lanes (name, state, probe_at)
SELECT DISTINCT lane, 'open', timestamptz '2100-01-01Z' FROM jobs WHERE lane IS NOT NULL
"""
BLOCKS_PER_LANE = 20
"""Shared buffers that one lane of a look may read: three index lookups of three or four blocks each, and its row."""


@pytest.fixture
def ledger(database_url: str) -> Any:
    with psycopg.connect(libpq(database_url), autocommit=True) as connection:
        connection.execute(PUT.format(lane="'lane'", rows=ROWS))
        lane = "'lane-' || lpad(number::text, 6, '0')"
        connection.execute(PUT.format(lane=lane, rows=ROWS))
        connection.execute(BUSY)
        connection.execute("ANALYZE jobs, lanes")
        connection.execute("SET enable_seqscan = off")
        yield connection


def explained(connection: "psycopg.Connection[Any]", statement: str, values: Any) -> dict[str, Any]:
    row = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes(part))]


def test_look_costs_a_few_blocks_for_each_lane_however_many_jobs_it_holds(ledger: "psycopg.Connection[Any]") -> None:
    plan = explained(ledger, LOOK, {"after": "", "limit": LANES_PER_LOOK})
    read = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert read < LANES_PER_LOOK * BLOCKS_PER_LANE
    used = {node.get("Index Name") for node in nodes(plan)}
    assert {"ix_jobs_held", "pk_lanes"} <= used
    assert "Seq Scan" not in {node["Node Type"] for node in nodes(plan)}
    cursor, looks = "", 0
    while looks == 0 or cursor:
        cursor, stuck = lanes.look_at_held(ledger, cursor)
        looks += 1
        assert stuck == []
    assert looks == ROWS // LANES_PER_LOOK + 1


def test_lane_with_100_000_held_jobs_is_released_by_a_few_blocks(ledger: "psycopg.Connection[Any]") -> None:
    ledger.execute("UPDATE lanes SET state = 'closed', probe_at = NULL WHERE name = 'lane'")
    assert lanes.look_at_held(ledger, "", 10)[1] == ["lane"]
    ledger.execute("BEGIN")
    plan = explained(ledger, UNSTICK, (["lane"],))
    ledger.execute("ROLLBACK")
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 200
    assert lanes.release_stuck(ledger, ["lane"]) == ["lane"]
    assert lanes.look_at_held(ledger, "", 10)[1] == []
