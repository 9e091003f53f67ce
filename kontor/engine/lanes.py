"""Lanes: one job at a time per remote system, behind a circuit breaker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from kontor.engine.ledger import ROW, JobRow
from kontor.kernel.database import PgConnection

SHARED = "breaker:"
"""Begins the name of a lane that lets any number of jobs in at once: it is the breaker of their handler alone."""
ENSURE = "INSERT INTO lanes (name) VALUES (%s) ON CONFLICT DO NOTHING"
LOCK = "SELECT state, busy_with, failures, held_since, probe_at FROM lanes WHERE name = %s FOR UPDATE"
TAKE = "UPDATE lanes SET busy_with = %s WHERE name = %s"
PARK = "UPDATE jobs SET held = true WHERE id = %s"
FREE = "UPDATE lanes SET busy_with = NULL WHERE name = %s AND busy_with = %s"
CLOSE = """
UPDATE lanes SET state = 'closed', busy_with = NULL, failures = 0, held_since = NULL, probe_at = NULL,
    last_error = NULL
WHERE name = %s AND state <> 'forced'
"""
HEAL = """
UPDATE lanes SET state = 'closed', failures = 0, held_since = NULL, probe_at = NULL, last_error = NULL
WHERE name = %s AND state <> 'forced'
"""
FREE_SHARED = "UPDATE lanes SET busy_with = NULL WHERE name = %s"
OPEN = """
UPDATE lanes SET state = CASE state WHEN 'forced' THEN 'forced' ELSE 'open' END, busy_with = NULL,
    failures = failures + 1, held_since = coalesce(held_since, %s), probe_at = %s, last_error = %s
WHERE name = %s
"""
NEXT = """
UPDATE jobs SET held = false WHERE id = (
    SELECT id FROM jobs WHERE lane = %s AND held AND NOT unsupported AND state = 'queued'
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
"""
STATE = "SELECT state FROM lanes WHERE name = %s"
ALL = """
UPDATE jobs SET held = false WHERE id IN (
    SELECT id FROM jobs WHERE lane = %s AND held AND NOT unsupported AND state = 'queued' FOR UPDATE SKIP LOCKED)
"""
WAITING = f"""
SELECT {ROW} FROM jobs WHERE lane = %s AND state IN ('queued', 'retrying') ORDER BY id FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- constants
RESTART = "UPDATE lanes SET held_since = %s WHERE name = %s"
# A lane whose next job nobody will release: not waiting for its breaker or an operator, no job under way, none that
# waits to be claimed. `busy_with` may name a job that ended elsewhere.
_STUCK = """
(coalesce(l.state, 'closed') = 'closed' OR (l.state = 'open' AND l.probe_at IS NULL))
    AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.id = l.busy_with AND r.state = 'running')
    AND NOT EXISTS (SELECT 1 FROM jobs q
        WHERE NOT q.held AND q.lane = {name} AND q.state = 'queued' AND NOT q.unsupported)"""
_HELD_AFTER = """
    SELECT lane FROM jobs WHERE held AND state = 'queued' AND NOT unsupported AND lane > {after} ORDER BY lane LIMIT 1
"""
LOOK = f"""
WITH RECURSIVE turns AS (
    ({_HELD_AFTER.format(after="%(after)s")})
    UNION ALL SELECT next.lane FROM turns CROSS JOIN LATERAL ({_HELD_AFTER.format(after="turns.lane")}) AS next
), seen AS MATERIALIZED (SELECT lane FROM turns LIMIT %(limit)s)
SELECT count(*), max(seen.lane), coalesce(array_agg(seen.lane) FILTER (WHERE {_STUCK.format(name="seen.lane")}), '{{}}')
FROM seen LEFT JOIN lanes l ON l.name = seen.lane
"""  # noqa: S608 -- constants
UNSTICK = f"""
WITH free AS (
    SELECT l.name FROM lanes l WHERE l.name = ANY(%s::text[]) AND {_STUCK.format(name="l.name")}
    ORDER BY l.name FOR UPDATE OF l SKIP LOCKED
), cleared AS (
    UPDATE lanes SET busy_with = NULL FROM free WHERE lanes.name = free.name AND lanes.busy_with IS NOT NULL
)
UPDATE jobs SET held = false FROM free CROSS JOIN LATERAL (
    SELECT id FROM jobs WHERE held AND lane = free.name AND state = 'queued' AND NOT unsupported
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) AS head
WHERE jobs.id = head.id
RETURNING jobs.lane
"""  # noqa: S608 -- constants
LANES_PER_LOOK = 2000
ENSURE_ALL = "INSERT INTO lanes (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
PROBES = """
UPDATE lanes SET probe_at = NULL WHERE name IN (
    SELECT name FROM lanes WHERE state = 'open' AND probe_at <= %s AND busy_with IS NULL
    ORDER BY probe_at LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING name
"""


@dataclass(frozen=True, slots=True)
class LaneRow:
    """The state of a locked lane. `probe_at` None in an open lane: the next job is the probe."""

    state: str
    busy_with: UUID | None
    failures: int
    held_since: datetime | None
    probe_at: datetime | None

    def admits(self, job_id: UUID, now: datetime) -> bool:
        """Whether this job may run now."""
        if self.busy_with not in (None, job_id) or self.state == "forced":
            return False
        return self.state == "closed" or self.probe_at is None or self.probe_at <= now

    def is_counted(self, name: str, job_id: UUID) -> bool:
        """Whether a failed call of a job counts: of the jobs that a shared lane let in together only the first does."""
        return not name.startswith(SHARED) or self.state == "closed" or self.busy_with == job_id


def lock(connection: PgConnection, name: str) -> LaneRow:
    """Lock a lane; create it on first use."""
    connection.execute(ENSURE, (name,))
    row = connection.execute(LOCK, (name,)).fetchone()
    assert row is not None
    return LaneRow(*row)


def enter(connection: PgConnection, name: str, job_id: UUID, now: datetime) -> bool:
    """Take the lane for a job, or hold the job until the lane is free. The caller has locked the job's row."""
    if _is_open_to_all(connection, name):
        return True
    if lock(connection, name).admits(job_id, now):
        connection.execute(TAKE, (job_id, name))
        return True
    connection.execute(PARK, (job_id,))
    return False


def leave(connection: PgConnection, name: str, job_id: UUID, *, healthy: bool) -> None:
    """Free the lane and release its next job; `healthy` (the remote answered) closes the breaker.

    If a probe ends without calling the remote, the next job becomes the probe. A shared lane that closes releases all.
    """
    if _is_open_to_all(connection, name):
        return
    lane = lock(connection, name)
    connection.execute(FREE, (name, job_id))
    if healthy:
        connection.execute(CLOSE, (name,))
        lane = LaneRow("closed" if lane.state != "forced" else "forced", None, 0, None, None)
        if lane.state == "closed" and name.startswith(SHARED):
            connection.execute(ALL, (name,))
    if lane.state == "closed" or (lane.state == "open" and lane.probe_at is None):
        connection.execute(NEXT, (name,))


def _is_open_to_all(connection: PgConnection, name: str) -> bool:
    """Whether a shared lane is closed, so that nobody waits; read without a lock that all its jobs would queue for."""
    if not name.startswith(SHARED):
        return False
    row = connection.execute(STATE, (name,)).fetchone()
    return row is None or row[0] == "closed"


def heal(connection: PgConnection, name: str) -> None:
    """Close the breaker of a lane whose remote answered and works on: the job keeps the lane."""
    if _is_open_to_all(connection, name):
        return
    connection.execute(HEAL, (name,))
    if name.startswith(SHARED):
        connection.execute(FREE_SHARED, (name,))
        connection.execute(ALL, (name,))


def trip(connection: PgConnection, name: str, now: datetime, probe_at: datetime, error: str) -> None:
    """Open the breaker until `probe_at`: the remote is down."""
    connection.execute(OPEN, (now, probe_at, error[:500], name))


def waiting(connection: PgConnection, name: str) -> list[JobRow]:
    """Lock and return the jobs waiting in a lane."""
    return connection.cursor(row_factory=class_row(JobRow)).execute(WAITING, (name,)).fetchall()


def restart_hold_limit(connection: PgConnection, name: str, now: datetime) -> None:
    """Restart the 72 h limit: the jobs that reached it are dead, later ones get their own."""
    connection.execute(RESTART, (now, name))


def release_probes(connection: PgConnection, now: datetime) -> int:
    """Release the next job of every open lane with a due probe; return the number of lanes."""
    names = [row[0] for row in connection.execute(PROBES, (now,)).fetchall()]
    for name in names:
        connection.execute(NEXT, (name,))
    return len(names)


def look_at_held(connection: PgConnection, after: str, limit: int = LANES_PER_LOOK) -> tuple[str, list[str]]:
    """Return the lanes without a turn among the next `limit` with held jobs, and where to go on ('' at the end)."""
    row = connection.execute(LOOK, {"after": after, "limit": limit}).fetchone()
    assert row is not None
    count, last, stuck = row
    return (last if count == limit else ""), stuck


def release_stuck(connection: PgConnection, names: Sequence[str]) -> list[str]:
    """Release the next job of each of these lanes that has no turn; return the lanes of the released jobs.

    A lane or job that is locked waits for the next call.
    """
    connection.execute(ENSURE_ALL, (list(names),))
    return [row[0] for row in connection.execute(UNSTICK, (list(names),)).fetchall()]
