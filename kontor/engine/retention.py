"""Retention of finished jobs: a month whose time is over is dropped, the rest deleted in chunks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kontor.engine import dead_jobs, partitions
from kontor.kernel.database import PgConnection

CHUNK: Final = 10_000
KINDS: Final = ("deleted", "occurrences", "orphans", "dead_archived")
"""What `delete_chunk` counts, each up to CHUNK."""
EVERY_ID: Final = UUID(int=2**128 - 1)
JOBS: Final = """
WITH old AS (
    SELECT id FROM jobs_archive
    WHERE id < %(limit)s AND finished_at < %(before)s AND state <> 'dead' LIMIT %(chunk)s
),
attempts AS (DELETE FROM job_attempts WHERE job_id IN (SELECT id FROM old)),
subjects AS (DELETE FROM declared_jobs WHERE job_id IN (SELECT id FROM old)),
leases AS (DELETE FROM job_leases WHERE job_id IN (SELECT id FROM old))
DELETE FROM jobs_archive WHERE id IN (SELECT id FROM old)
"""
OCCURRENCES: Final = """
DELETE FROM schedule_occurrences WHERE (schedule, slot) IN (
    SELECT schedule, slot FROM schedule_occurrences WHERE due_at < %(before)s LIMIT %(chunk)s)
"""
_GONE: Final = """
SELECT job_id FROM {table} AS o WHERE job_id < %(oldest)s AND NOT EXISTS (SELECT FROM jobs WHERE id = o.job_id)
    AND NOT EXISTS (SELECT FROM jobs_archive WHERE id = o.job_id) LIMIT %(chunk)s
"""
# What belonged to the jobs of a month that was dropped.
ORPHANS: Final = f"""
WITH subjects AS (DELETE FROM declared_jobs WHERE job_id IN ({_GONE.format(table="declared_jobs")}) RETURNING 1),
leases AS (DELETE FROM job_leases WHERE job_id IN ({_GONE.format(table="job_leases")}) RETURNING 1)
SELECT greatest((SELECT count(*) FROM subjects), least((SELECT count(*) FROM leases), %(chunk)s))
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Months:
    """How many partitions were made, and which one was dropped."""

    made: int = 0
    dropped: str | None = None


def delete_chunk(connection: PgConnection, now: datetime, before: datetime) -> Mapping[str, int]:
    """Delete a chunk of what ended before then, and move one of dead jobs out of the hot table; return counts."""
    params = {"before": before, "chunk": CHUNK, "oldest": partitions.oldest(connection)}
    orphans = None if params["oldest"] is None else connection.execute(ORPHANS, params).fetchone()
    return {
        "dead_archived": dead_jobs.shelve(connection, now - dead_jobs.KEPT_HOT, CHUNK),
        "deleted": delete_finished(connection, now, before),
        "occurrences": connection.execute(OCCURRENCES, params).rowcount,
        "orphans": int(orphans[0]) if orphans else 0,
    }


def delete_finished(connection: PgConnection, now: datetime, before: datetime) -> int:
    """Delete up to 10,000 jobs that ended before then. Effect keys are never deleted, nor dead jobs.

    Those of months that will be dropped stay until then, unless a test clock runs: months are real time.
    """
    by_month = partitions.is_real_time(connection, now)
    limit = partitions.oldest_kept(connection, before) if by_month else EVERY_ID
    return connection.execute(JOBS, {"before": before, "chunk": CHUNK, "limit": limit}).rowcount


def keep_months(connection: PgConnection, now: datetime, before: datetime) -> Months:
    """Make the months to come, or drop the oldest partition that is over. Its locks last until the commit."""
    if not partitions.is_real_time(connection, now):
        return Months()
    made = partitions.make_ahead(connection, now)
    return Months(made) if made else Months(dropped=partitions.drop_oldest(connection, before))
