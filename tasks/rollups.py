"""Statistics for the console: finished jobs per minute and hour, so that no page has to read a week of jobs."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from pydantic import AwareDatetime
from sqlalchemy.orm import Session

from domain.misfire import MisfirePolicy
from engine.catalogue import Payload, Policy, own_commit
from engine.driver import driver
from engine.handlers import JobContext
from engine.outcomes import Done
from engine.schedules import Declared
from models.console import RollupSize
from store import rollups

OVERLAP: Final = timedelta(minutes=2)
"""Jobs that ended this long before the last rollup are counted again, because commits may arrive late."""

CURRENT_INSTANT: Final = timedelta(seconds=1)
"""Includes jobs that ended at this very instant."""

MAX_AGE: Final = timedelta(days=7)
MAX_SPAN: Final = timedelta(hours=6)
KEEP_MINUTES: Final = timedelta(days=2)
KEEP_HOURS: Final = timedelta(days=92)


class ConsoleRollup(Payload):
    """Count the jobs that ended since the last rollup or `since`; enqueues the next job while there are more."""

    policy: ClassVar[Policy] = own_commit("console.rollup", "upkeep", timedelta(minutes=2), attempts=3)

    since: AwareDatetime | None = None


class ConsoleRollupHandler:
    """Counts at most six hours per job; idempotent."""

    payload = ConsoleRollup

    def run(self, job: JobContext, session: Session, payload: ConsoleRollup) -> Done:
        """Count, delete old statistics, enqueue the rest."""
        connection = driver(session)
        start = _minute(max(payload.since or self._start(session, job.now), job.now - MAX_AGE))
        end = job.now + CURRENT_INSTANT
        stop = min(start + MAX_SPAN, end)
        due_by = {payload.policy.name: payload.policy.due_by.total_seconds() for payload in job.jobs.catalogue}
        rollups.roll(connection, start, stop, due_by)
        rollups.forget(connection, RollupSize.MINUTE, job.now - KEEP_MINUTES)
        rollups.forget(connection, RollupSize.HOUR, job.now - KEEP_HOURS)
        if stop < end:
            job.jobs.enqueue(session, job.task, ConsoleRollup(since=stop))
        return Done({"from": start.isoformat(), "to": stop.isoformat()})

    @staticmethod
    def _start(session: Session, now: datetime) -> datetime:
        last = rollups.last(driver(session))
        return now - MAX_AGE if last is None else last - OVERLAP


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


SCHEDULES: Final = (
    Declared(
        name="console.rollup",
        cron="* * * * *",
        timezone="UTC",
        task="console.rollup",
        misfire=MisfirePolicy.ONCE,
    ),
)
