"""Lanes: one job at a time for each customer's instance, behind a circuit breaker."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from engine.ledger import ROW, Driver, JobRow

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
OPEN = """
UPDATE lanes SET state = CASE state WHEN 'forced' THEN 'forced' ELSE 'open' END, busy_with = NULL,
    failures = failures + 1, held_since = coalesce(held_since, %s), probe_at = %s, last_error = %s
WHERE name = %s
"""
NEXT = """
UPDATE jobs SET held = false WHERE id = (
    SELECT id FROM jobs WHERE lane = %s AND held AND state = 'queued'
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
"""
WAITING = f"""
SELECT {ROW} FROM jobs WHERE lane = %s AND state IN ('queued', 'retrying') ORDER BY id FOR UPDATE SKIP LOCKED
"""  # noqa: S608 -- constants
RESTART = "UPDATE lanes SET held_since = %s WHERE name = %s"
PROBES = """
UPDATE lanes SET probe_at = NULL WHERE name IN (
    SELECT name FROM lanes WHERE state = 'open' AND probe_at <= %s AND busy_with IS NULL
    ORDER BY probe_at LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING name
"""


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane as it stands under the lock. `probe_at` None in an open lane: the next job is the probe."""

    state: str
    busy_with: UUID | None
    failures: int
    held_since: datetime | None
    probe_at: datetime | None

    def admits(self, job_id: UUID, now: datetime) -> bool:
        """Whether this job may go now."""
        if self.busy_with not in (None, job_id) or self.state == "forced":
            return False
        return self.state == "closed" or self.probe_at is None or self.probe_at <= now


def lock(driver: Driver, name: str) -> LaneRow:
    """Lock a lane, made on first use."""
    driver.execute(ENSURE, (name,))
    row = driver.execute(LOCK, (name,)).fetchone()
    assert row is not None
    return LaneRow(*row)


def enter(driver: Driver, name: str, job_id: UUID, now: datetime) -> bool:
    """Take the lane for a job, or park the job behind it. The job's row is locked by the caller."""
    if lock(driver, name).admits(job_id, now):
        driver.execute(TAKE, (job_id, name))
        return True
    driver.execute(PARK, (job_id,))
    return False


def leave(driver: Driver, name: str, job_id: UUID, *, healthy: bool) -> None:
    """Free the lane and let the next job go; an answer from the remote closes the breaker.

    A probe that ends without asking the remote hands its turn to the next job.
    """
    lane = lock(driver, name)
    driver.execute(FREE, (name, job_id))
    if healthy:
        driver.execute(CLOSE, (name,))
        lane = LaneRow("closed" if lane.state != "forced" else "forced", None, 0, None, None)
    if lane.state == "closed" or (lane.state == "open" and lane.probe_at is None):
        driver.execute(NEXT, (name,))


def trip(driver: Driver, name: str, now: datetime, probe_at: datetime, error: str) -> None:
    """Open the breaker until `probe_at`: the remote is down."""
    driver.execute(OPEN, (now, probe_at, error[:500], name))


def waiting(driver: Driver, name: str) -> list[JobRow]:
    """Lock and return the jobs that wait in a lane."""
    return driver.cursor(row_factory=class_row(JobRow)).execute(WAITING, (name,)).fetchall()


def restart_hold(driver: Driver, name: str, now: datetime) -> None:
    """Count the 72 h anew: the jobs that waited so long are dead, the next one gets its own."""
    driver.execute(RESTART, (now, name))


def release_probes(driver: Driver, now: datetime) -> int:
    """Let the next job of every open lane whose time has come go as its probe; returns how many."""
    names = [row[0] for row in driver.execute(PROBES, (now,)).fetchall()]
    for name in names:
        driver.execute(NEXT, (name,))
    return len(names)
