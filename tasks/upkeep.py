"""Retention of finished jobs."""

from datetime import timedelta
from typing import ClassVar

from sqlalchemy.orm import Session

from domain.jobs import TaskKind
from domain.misfire import MisfirePolicy
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.driver import driver
from engine.handlers import JobContext
from engine.outcomes import Done, Outcome
from engine.retention import CHUNK, forget_finished
from engine.schedules import Declared


class UpkeepRetention(Payload):
    """Delete jobs that finished more than `days` days ago; enqueues the next job while there are more."""

    policy: ClassVar[Policy] = Policy(
        name="upkeep.retention",
        queue="upkeep",
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(max_attempts=5),
        due_by=timedelta(hours=6),
    )

    days: int = 90


class UpkeepRetentionHandler:
    """Deletes one chunk."""

    payload = UpkeepRetention

    def run(self, job: JobContext, session: Session, payload: UpkeepRetention) -> Outcome:
        """Delete a chunk; enqueue the next one when this one was full."""
        deleted = forget_finished(driver(session), job.now - timedelta(days=payload.days))
        if deleted >= CHUNK:
            job.jobs.enqueue(session, job.task, payload)
        return Done({"deleted": deleted})


SCHEDULES = (
    Declared(
        name="upkeep.retention",
        cron="30 3 * * *",
        timezone="UTC",
        task="upkeep.retention",
        misfire=MisfirePolicy.ONCE,
    ),
)
