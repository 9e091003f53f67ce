"""Deletes stored responses after 24 hours."""

from datetime import timedelta
from typing import ClassVar

from sqlalchemy.orm import Session

from domain.jobs import TaskKind
from domain.misfire import MisfirePolicy
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.handlers import JobContext
from engine.outcomes import Done
from engine.schedules import Declared
from services import idempotency

CHUNK = 10_000


class UpkeepIdempotency(Payload):
    """Delete stored responses older than 24 hours; enqueues the next job while there are more."""

    policy: ClassVar[Policy] = Policy(
        name="upkeep.idempotency",
        queue="upkeep",
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(max_attempts=5),
        due_by=timedelta(hours=6),
    )


class UpkeepIdempotencyHandler:
    """Deletes one chunk."""

    payload = UpkeepIdempotency

    def run(self, job: JobContext, session: Session, payload: UpkeepIdempotency) -> Done:
        """Delete a chunk; enqueue the next one when this one was full."""
        deleted = idempotency.purge(session, job.now, CHUNK)
        if deleted == CHUNK:
            job.jobs.enqueue(session, job.task, payload)
        return Done({"deleted": deleted})


SCHEDULES = (
    Declared(
        name="upkeep.idempotency",
        cron="40 * * * *",
        timezone="UTC",
        task="upkeep.idempotency",
        misfire=MisfirePolicy.ONCE,
    ),
)
"""Hourly; expired responses are not returned even before they are deleted."""
