"""Maintenance tasks: retention, idempotency keys, rollups."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from kontor.engine.handlers import Done, JobContext, Outcome
from kontor.engine.payloads import ConsoleRollup, UpkeepIdempotency, UpkeepRetention
from kontor.http import stored_responses
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.monitoring import queries as monitoring_queries
from models.console import RollupSize


class UpkeepRetentionHandler:
    """Deletes one chunk."""

    payload = UpkeepRetention

    def run(self, job: JobContext, session: Session, payload: UpkeepRetention) -> Outcome:
        """Delete a chunk; enqueue the next one when this one was full."""
        deleted = delete_finished(psycopg_connection(session), job.now - timedelta(days=payload.days))
        if deleted >= RETENTION_CHUNK:
            job.jobs.enqueue(session, payload)
        return Done({"deleted": deleted})


CHUNK = 10_000


class UpkeepIdempotencyHandler:
    """Deletes one chunk."""

    payload = UpkeepIdempotency

    def run(self, job: JobContext, session: Session, payload: UpkeepIdempotency) -> Done:
        """Delete a chunk; enqueue the next one when this one was full."""
        deleted = stored_responses.purge(session, job.now, CHUNK)
        if deleted == CHUNK:
            job.jobs.enqueue(session, payload)
        return Done({"deleted": deleted})


OVERLAP: Final = timedelta(minutes=2)
"""Jobs that ended this long before the last rollup are counted again, because commits may arrive late."""

CURRENT_INSTANT: Final = timedelta(seconds=1)
"""Includes jobs that ended at this very instant."""

MAX_AGE: Final = timedelta(days=7)
MAX_SPAN: Final = timedelta(hours=6)
KEEP_MINUTES: Final = timedelta(days=2)
KEEP_HOURS: Final = timedelta(days=92)


class ConsoleRollupHandler:
    """Counts at most six hours per job; idempotent."""

    payload = ConsoleRollup

    def run(self, job: JobContext, session: Session, payload: ConsoleRollup) -> Done:
        """Count, delete old statistics, enqueue the rest."""
        connection = psycopg_connection(session)
        start = _minute(max(payload.since or self._start(session, job.now), job.now - MAX_AGE))
        end = job.now + CURRENT_INSTANT
        stop = min(start + MAX_SPAN, end)
        due_by = {payload.policy.name: payload.policy.due_by.total_seconds() for payload in job.jobs.catalogue}
        monitoring_queries.roll(connection, start, stop, due_by)
        monitoring_queries.delete_older(connection, RollupSize.MINUTE, job.now - KEEP_MINUTES)
        monitoring_queries.delete_older(connection, RollupSize.HOUR, job.now - KEEP_HOURS)
        if stop < end:
            job.jobs.enqueue(session, ConsoleRollup(since=stop))
        return Done({"from": start.isoformat(), "to": stop.isoformat()})

    @staticmethod
    def _start(session: Session, now: datetime) -> datetime:
        last = monitoring_queries.last_minute(psycopg_connection(session))
        return now - MAX_AGE if last is None else last - OVERLAP


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


RETENTION_CHUNK = 10_000
JOBS = """
WITH old AS (SELECT id FROM jobs_archive WHERE finished_at < %(before)s LIMIT %(chunk)s),
attempts AS (DELETE FROM job_attempts WHERE job_id IN (SELECT id FROM old))
DELETE FROM jobs_archive WHERE id IN (SELECT id FROM old)
"""
OCCURRENCES = """
DELETE FROM schedule_occurrences WHERE (schedule, slot) IN (
    SELECT schedule, slot FROM schedule_occurrences WHERE due_at < %(before)s LIMIT %(chunk)s)
"""


def delete_finished(connection: PgConnection, before: datetime) -> int:
    """Delete up to 10,000 jobs and 10,000 occurrences; return the total. Effect keys are never deleted."""
    params = {"before": before, "chunk": RETENTION_CHUNK}
    return connection.execute(JOBS, params).rowcount + connection.execute(OCCURRENCES, params).rowcount
