"""Dead jobs of both tables: 30 days after their end they leave the hot one, and return when somebody acts on them."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kontor.kernel.database import PgConnection

KEPT_HOT: Final = timedelta(days=30)
"""How long a dead job stays in the hot table (production.md 3.1)."""
_COLUMNS: Final = (
    "id, task, queue, tenant, lane, priority, state, payload, payload_version, unique_key, once_key, run_at, attempt,"
    " max_attempts, crashes, lease, worker, result, error, reason, fingerprint, parent_id, trace_id, created_at,"
    " started_at, finished_at"
)
SHELVE: Final = f"""
WITH old AS (
    SELECT id FROM jobs WHERE state = 'dead' AND finished_at < %(before)s LIMIT %(chunk)s FOR UPDATE SKIP LOCKED
), moved AS (
    DELETE FROM jobs WHERE id IN (SELECT id FROM old) RETURNING {_COLUMNS}
)
INSERT INTO jobs_archive ({_COLUMNS}) SELECT {_COLUMNS} FROM moved
"""  # noqa: S608 -- constants
MAY_LEAVE: Final = "(SELECT set_config('kontor.dead_jobs_leave', 'on', true) AS leave) AS may"
"""Joined by a DELETE, lets dead jobs leave the archive until the commit: a trigger refuses every other one (0070)."""
RECALL: Final = f"""
WITH moved AS (
    DELETE FROM jobs_archive USING {MAY_LEAVE} WHERE id = %s AND state = 'dead' AND leave = 'on' RETURNING {_COLUMNS}
)
INSERT INTO jobs ({_COLUMNS}) SELECT {_COLUMNS} FROM moved
"""  # noqa: S608 -- constants


def dead_jobs(columns: str) -> str:
    """Return the subquery of all dead jobs, of both tables, for a FROM; each table is read by its index of them."""
    tables = ("jobs", "jobs_archive")
    parts = (f"SELECT {columns} FROM {table} WHERE state = 'dead'" for table in tables)  # noqa: S608 -- constants
    return f"({' UNION ALL '.join(parts)}) AS dead"


def shelve(connection: PgConnection, before: datetime, chunk: int) -> int:
    """Move up to `chunk` jobs that died before then out of the hot table; return how many. Locked ones stay."""
    return connection.execute(SHELVE, {"before": before, "chunk": chunk}).rowcount


def recall(connection: PgConnection, job_id: UUID) -> bool:
    """Move a dead job back to the hot table, where it can be locked, retried and cancelled; whether it had left."""
    return bool(connection.execute(RECALL, (job_id,)).rowcount)
