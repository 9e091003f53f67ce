"""Deletes finished jobs, their attempts and schedule occurrences after their retention, in chunks."""

from datetime import datetime

from engine.ledger import Driver

CHUNK = 10_000
JOBS = """
WITH old AS (SELECT id FROM jobs_archive WHERE finished_at < %(before)s LIMIT %(chunk)s),
attempts AS (DELETE FROM job_attempts WHERE job_id IN (SELECT id FROM old))
DELETE FROM jobs_archive WHERE id IN (SELECT id FROM old)
"""
OCCURRENCES = """
DELETE FROM schedule_occurrences WHERE (schedule, slot) IN (
    SELECT schedule, slot FROM schedule_occurrences WHERE due_at < %(before)s LIMIT %(chunk)s)
"""


def forget_finished(connection: Driver, before: datetime) -> int:
    """Delete up to 10,000 jobs and 10,000 occurrences; return the total. Effect keys are never deleted."""
    params = {"before": before, "chunk": CHUNK}
    return connection.execute(JOBS, params).rowcount + connection.execute(OCCURRENCES, params).rowcount
