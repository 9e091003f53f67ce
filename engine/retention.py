"""Finished jobs, attempts and occurrences are kept for a while, then deleted in chunks."""

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


def forget_finished(driver: Driver, before: datetime) -> int:
    """Delete up to 10,000 finished jobs of each kind; returns how many went. Once keys stay for ever."""
    given = {"before": before, "chunk": CHUNK}
    return driver.execute(JOBS, given).rowcount + driver.execute(OCCURRENCES, given).rowcount
