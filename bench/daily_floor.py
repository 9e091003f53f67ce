"""The bare SQL that computes what the daily run does: one statement, one connection, one commit."""

import time
from typing import Any, Final

import psycopg

from bench.daily_fill import libpq
from kontor.discounts.set_queries import DiscountComputation

TABLES: Final = """
CREATE TABLE floor_discounts (LIKE discounts INCLUDING ALL);
CREATE TABLE floor_records (LIKE discount_records INCLUDING ALL);
CREATE TABLE floor_commits (at timestamptz NOT NULL DEFAULT clock_timestamp())
"""
STATEMENT: Final = """
WITH computed AS MATERIALIZED (
    SELECT a.id, coalesce(t.today, 0) AS today, coalesce(t.tomorrow, 0) AS tomorrow
    FROM accounts a CROSS JOIN LATERAL (
        SELECT sum(p.signed) AS today, sum(p.signed) FILTER (WHERE p.paid_at >= %(keeps)s) AS tomorrow
        FROM payments p WHERE p.reseller_id = a.id AND p.paid_at >= %(since)s AND p.paid_at < %(until)s
    ) t
    WHERE a.kind = 'reseller' AND a.programme = %(programme)s AND a.deleted_at IS NULL AND a.purged_at IS NULL
), ranked AS MATERIALIZED (
    SELECT id, today, (%(tiers)s::text[])[width_bucket(today, %(starts)s::numeric[]) + 1] AS tier,
        (%(percents)s::jsonb[])[width_bucket(today, %(starts)s::numeric[]) + 1] AS percent,
        width_bucket(tomorrow, %(starts)s::numeric[]) < width_bucket(today, %(starts)s::numeric[]) AS falls
    FROM computed
), changed AS (
    SELECT r.* FROM ranked r LEFT JOIN floor_discounts d ON d.reseller_id = r.id
    WHERE d.reseller_id IS NULL OR d.turnover <> r.today OR d.tier IS DISTINCT FROM r.tier
), written AS (
    INSERT INTO floor_discounts (reseller_id, programme, day, turnover, tier, percent, changed_at)
    SELECT id, %(programme)s, %(day)s, today, tier, percent, now() FROM changed
    ON CONFLICT (reseller_id) DO UPDATE SET day = excluded.day, turnover = excluded.turnover, tier = excluded.tier,
        percent = excluded.percent, changed_at = excluded.changed_at
    RETURNING reseller_id, turnover, tier, percent
), recorded AS (
    INSERT INTO floor_records (reseller_id, day, turnover, tier, percent, at)
    SELECT reseller_id, %(day)s, turnover, tier, percent, now() FROM written
)
SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM ranked WHERE falls)
"""


class Floor:
    """What the run is measured against; keeps tables of its own."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(libpq(url), autocommit=True)
        self._connection.execute(TABLES)

    def run(self, sums: DiscountComputation) -> tuple[float, int, int]:
        """Seconds, how many rows differed, how many resellers fall tomorrow."""
        values: dict[str, Any] = {**sums.values(), "day": sums.day}
        began = time.perf_counter()
        row = self._connection.execute(STATEMENT, values).fetchone()
        seconds = time.perf_counter() - began
        assert row is not None
        return seconds, int(row[0]), int(row[1])

    def tiers(self) -> dict[Any, Any]:
        """What it recorded, to be compared."""
        return dict(self._connection.execute("SELECT reseller_id, (turnover, tier)::text FROM floor_discounts"))

    def commit(self) -> float:
        """Write one row and commit: seconds that the disk takes, whoever asks."""
        began = time.perf_counter()
        with self._connection.transaction():
            self._connection.execute("INSERT INTO floor_commits DEFAULT VALUES")
        return time.perf_counter() - began

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()
