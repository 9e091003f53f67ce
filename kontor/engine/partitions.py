"""The months of finished jobs and their attempts: made ahead, dropped when their time is over (ADR 27).

Ids hold real time, never the test clock: while that is on, nothing is dropped by month.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from psycopg import sql

from kontor.engine.dead_jobs import MAY_LEAVE
from kontor.kernel.database import PgConnection
from kontor.kernel.ids import lowest_id

JOBS: Final = "jobs_archive"
ATTEMPTS: Final = "job_attempts"
KEYS: Final = {JOBS: "id", ATTEMPTS: "job_id"}
AHEAD: Final = 3
"""How many months lie ready."""
MOST_KEPT: Final = 5_000
"""A month in which more jobs than these have to stay is deleted from row by row, until fewer are left."""
REAL_TIME: Final = "SELECT abs(extract(epoch FROM clock_timestamp() - %s)) < 86400"
LISTED: Final = """
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = %s::regclass
"""
BOUNDS: Final = re.compile(r"FROM \((MINVALUE|'[0-9a-f-]{36}')\) TO \(('[0-9a-f-]{36}')\)")
STORAGE: Final = {JOBS: "WITH (autovacuum_vacuum_insert_scale_factor = 0.05)", ATTEMPTS: ""}
CREATE: Final = (
    "CREATE TABLE {child} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) {storage}"
)
# Rows that came before their month was made.
FETCH: Final = f"""
WITH moved AS (
    DELETE FROM {{default}} AS early USING {MAY_LEAVE}
    WHERE {{key}} >= {{low}} AND {{key}} < {{high}} AND leave = 'on' RETURNING early.*
)
INSERT INTO {{child}} SELECT * FROM moved
"""  # noqa: S608 -- constants
ATTACH: Final = "ALTER TABLE {parent} ATTACH PARTITION {child} FOR VALUES FROM ({low}) TO ({high})"
# Two indexes: with OR, the whole month is read.
_STAYING: Final = "SELECT id FROM {jobs} WHERE finished_at >= {before} UNION SELECT id FROM {jobs} WHERE state = 'dead'"
# Jobs of the month that end meanwhile, and their attempts, wait; readers do not.
LOCK: Final = "LOCK TABLE {child} IN SHARE MODE"
STAYING: Final = {
    JOBS: f"{_STAYING} LIMIT {MOST_KEPT + 1}",
    ATTEMPTS: f"""
{_STAYING}
UNION SELECT job_id FROM {{child}} WHERE job_id IN (SELECT id FROM jobs WHERE id < {{high}}) LIMIT {MOST_KEPT + 1}
""",  # noqa: S608 -- constants
}
DETACH: Final = "ALTER TABLE {parent} DETACH PARTITION {child}"
# Once a month is detached, its rows belong to the default partition.
KEEP: Final = "INSERT INTO {parent} SELECT * FROM {child} WHERE {key} = ANY(%s::uuid[])"
DROP: Final = "DROP TABLE {child}"
BEYOND: Final = f"SELECT count(*) FROM (SELECT FROM {JOBS}_default WHERE id >= %s LIMIT 10000) AS beyond"  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Month:
    """A partition with an end; the first one, without a start, holds everything of before the months."""

    name: str
    start: datetime | None
    end: datetime


def is_real_time(connection: PgConnection, now: datetime) -> bool:
    """Whether `now` is PostgreSQL's time, and not that of a test clock."""
    row = connection.execute(REAL_TIME, (now,)).fetchone()
    return bool(row and row[0])


def months(connection: PgConnection, table: str) -> list[Month]:
    """Return the partitions of a table by time, without the default one."""
    rows = connection.execute(LISTED, (table,)).fetchall()
    bounds = [(str(name), BOUNDS.search(bound)) for name, bound in rows]
    ready = [Month(name, _time_of(limits[1]), _end(limits[2])) for name, limits in bounds if limits is not None]
    return sorted(ready, key=lambda month: month.end)


def make_ahead(connection: PgConnection, now: datetime) -> int:
    """Create the months that are not ready; return how many. Its locks are held until the commit."""
    made = 0
    for table in KEYS:
        start = months(connection, table)[-1].end
        while start < _months_after(now, AHEAD + 1):
            _make(connection, table, start)
            start, made = _months_after(start, 1), made + 1
    return made


def drop_oldest(connection: PgConnection, before: datetime) -> str | None:
    """Drop the oldest month of one table whose jobs ended before then; return its name, None if there is none.

    Attempts go first, each table in a transaction of its own: whoever reads both would wait for us, and we for him.
    Jobs that are dead or ended later stay, as do attempts of jobs that did not end. Locks the table until the commit.
    """
    attempts = {month.end: month for month in months(connection, ATTEMPTS)}
    for jobs in months(connection, JOBS):
        if jobs.end > before:
            return None
        dropped = attempts.get(jobs.end, jobs)
        if _drop(connection, dropped, jobs, before):
            return dropped.name
    return None


def oldest_kept(connection: PgConnection, before: datetime) -> UUID:
    """Return where the months begin that are not over: jobs below are deleted one by one."""
    ready = months(connection, JOBS)
    kept = (month.start for month in ready if month.start is not None and month.end > before)
    return lowest_id(next(kept, ready[-1].end))


def oldest(connection: PgConnection) -> UUID | None:
    """Return where the oldest partition begins: below, months were dropped; None if none was."""
    start = months(connection, JOBS)[0].start
    return None if start is None else lowest_id(start)


def beyond(connection: PgConnection) -> int:
    """Return how many finished jobs lie in no month, because theirs is not ready; counted up to 10,000."""
    row = connection.execute(BEYOND, (lowest_id(months(connection, JOBS)[-1].end),)).fetchone()
    return int(row[0]) if row else 0


def _time_of(bound: str) -> datetime | None:
    return None if bound == "MINVALUE" else _end(bound)


def _end(bound: str) -> datetime:
    return datetime.fromtimestamp((UUID(bound.strip("'")).int >> 80) / 1000, UTC)


def _months_after(instant: datetime, number: int) -> datetime:
    """Return the beginning of the month that comes `number` months after that of an instant, UTC."""
    at = instant.astimezone(UTC)
    years, month = divmod(at.month - 1 + number, 12)
    return datetime(at.year + years, month + 1, 1, tzinfo=UTC)


def _make(connection: PgConnection, table: str, start: datetime) -> None:
    names = {
        "parent": sql.Identifier(table),
        "child": sql.Identifier(f"{table}_{start:%Y_%m}"),
        "default": sql.Identifier(f"{table}_default"),
        "key": sql.Identifier(KEYS[table]),
        "low": sql.Literal(str(lowest_id(start))),
        "high": sql.Literal(str(lowest_id(_months_after(start, 1)))),
        "storage": sql.SQL(STORAGE[table]),
    }
    for statement in (CREATE, FETCH, ATTACH):
        connection.execute(sql.SQL(statement).format(**names))


def _drop(connection: PgConnection, dropped: Month, jobs: Month, before: datetime) -> bool:
    """Drop the month `jobs`, or that of its attempts, unless too many rows of it have to stay."""
    parent = JOBS if dropped is jobs else ATTEMPTS
    names = {
        "parent": sql.Identifier(parent),
        "child": sql.Identifier(dropped.name),
        "key": sql.Identifier(KEYS[parent]),
        "jobs": sql.Identifier(jobs.name),
        "before": sql.Literal(before),
        "high": sql.Literal(str(lowest_id(jobs.end))),
    }
    lock, staying, detach, keep, drop = (
        sql.SQL(statement).format(**names) for statement in (LOCK, STAYING[parent], DETACH, KEEP, DROP)
    )
    connection.execute(lock)
    ids = [row[0] for row in connection.execute(staying).fetchall()]
    if len(ids) > MOST_KEPT:
        return False
    connection.execute(detach)
    connection.execute(keep, (ids,))
    connection.execute(drop)
    return True
