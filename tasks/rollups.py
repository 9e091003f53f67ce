"""The console's figures: finished jobs counted into minutes and hours, so that a page never reads a week of jobs."""

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

AGAIN: Final = timedelta(minutes=2)
"""What ended this long ago is counted once more: a commit may be late."""

JUST_NOW: Final = timedelta(seconds=1)
"""What ended at this very instant counts too."""

BACK: Final = timedelta(days=7)
AT_ONCE: Final = timedelta(hours=6)
KEEP_MINUTES: Final = timedelta(days=2)
KEEP_HOURS: Final = timedelta(days=92)


class ConsoleRollup(Payload):
    """Count what ended since the last time, or from `since` on; goes on in a job of its own while there is more."""

    policy: ClassVar[Policy] = own_commit("console.rollup", "upkeep", timedelta(minutes=2), attempts=3)

    since: AwareDatetime | None = None


class ConsoleRollupHandler:
    """Counts six hours at most. Running twice counts the same."""

    payload = ConsoleRollup

    def run(self, job: JobContext, session: Session, payload: ConsoleRollup) -> Done:
        """Count, forget what is old, hand the rest on."""
        connection = driver(session)
        start = _minute(max(payload.since or self._begin(session, job.now), job.now - BACK))
        end = job.now + JUST_NOW
        stop = min(start + AT_ONCE, end)
        dues = {one.policy.name: one.policy.due_by.total_seconds() for one in job.jobs.catalogue}
        rollups.roll(connection, start, stop, dues)
        rollups.forget(connection, RollupSize.MINUTE, job.now - KEEP_MINUTES)
        rollups.forget(connection, RollupSize.HOUR, job.now - KEEP_HOURS)
        if stop < end:
            job.jobs.enqueue(session, job.task, ConsoleRollup(since=stop))
        return Done({"from": start.isoformat(), "to": stop.isoformat()})

    @staticmethod
    def _begin(session: Session, now: datetime) -> datetime:
        last = rollups.last(driver(session))
        return now - BACK if last is None else last - AGAIN


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
