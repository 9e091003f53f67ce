"""Fills a ledger with millions of finished jobs and a backlog."""

from collections.abc import Callable

from bench.environment import BenchEnvironment
from kontor.kernel.database import PgConnection

CHUNK = 1_000_000
DAYS = 90
# UUIDv7 of an instant: 48 bits of milliseconds, version, 74 random bits.
ID = """
encode(substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3)
    || decode('7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15), 'hex'), 'hex')::uuid
"""
FINISHED = f"""
INSERT INTO jobs_archive (id, task, queue, tenant, priority, state, payload, run_at, attempt, max_attempts,
    worker, result, created_at, started_at, finished_at)
SELECT {ID}, (ARRAY['bench.insert', 'bench.noop', 'probe.echo', 'mail.send'])[1 + n %% 4], 'bench',
    'tenant-' || n %% 1000, 0, CASE WHEN n %% 50 = 0 THEN 'cancelled' ELSE 'succeeded' END,
    jsonb_strip_nulls(jsonb_build_object('n', n, 'note', CASE WHEN n %% 4 = 0 THEN md5(n::text) END)),
    at, 1, 3, 'host-0a1b2c3d', NULL, at, at, at + interval '5 ms'
FROM (
    SELECT n, now() - interval '{DAYS} days' + n * (interval '{DAYS} days' / %(total)s) AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
) AS moments
"""
QUEUED = f"""
INSERT INTO jobs (id, task, queue, tenant, priority, state, payload, run_at, max_attempts, created_at)
SELECT {ID}, 'bench.insert', 'bench', 'tenant-' || n %% 100, 0, 'queued', jsonb_build_object('n', n), at, 3, at
FROM (
    SELECT n, clock_timestamp() - interval '1 hour' + n * interval '1 ms' AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
) AS moments
"""
COUNT = "SELECT count(*) FROM jobs WHERE state = 'queued'"


def fill_finished(environment: BenchEnvironment, database: str, total: int, step: Callable[[str], None]) -> None:
    """Insert finished jobs in the order of their time."""
    with environment.connect(database) as connection:
        connection.execute("SET synchronous_commit = off")
        insert_finished(connection, total, step)


def insert_finished(connection: PgConnection, total: int, step: Callable[[str], None]) -> None:
    """Insert finished jobs of 90 days, of mixed sizes, vacuumed as often as autovacuum would.

    After one vacuum at the end of equally large rows every page would have room for one small row: the next 300,000
    jobs would go to as many old pages, which no ledger that grew by itself makes them do.
    """
    for first in range(1, total + 1, CHUNK):
        step(f"finished jobs from {first:,}")
        last = min(first + CHUNK - 1, total)
        connection.execute(FINISHED, {"first": first, "last": last, "total": total})
        connection.execute("VACUUM (ANALYZE) jobs_archive")


def fill_queued(environment: BenchEnvironment, database: str, total: int, first: int) -> int:
    """Bring the backlog to `total`, with numbers from `first`; returns the next free number."""
    with environment.connect(database) as connection:
        row = connection.execute(COUNT).fetchone()
        missing = total - int(row[0] if row else 0)
        if missing > 0:
            connection.execute(QUEUED, {"first": first, "last": first + missing - 1})
            connection.execute("VACUUM (ANALYZE) jobs")
        return first + max(0, missing)
