"""Keeping accounts in order: deletions become final, what is over is forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from sqlalchemy.orm import Session

from domain.doors import REMEMBERED
from domain.jobs import TaskKind
from domain.misfire import MisfirePolicy
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.handlers import JobContext
from engine.outcomes import Done, Outcome
from engine.schedules import Declared
from services.closing import purge
from store import accounts, mails, people

CHUNK: Final = 500


class AccountsTidy(Payload):
    """Make deletions final whose 30 days are over; goes on in a job of its own while there is more."""

    policy: ClassVar[Policy] = Policy(
        name="accounts.tidy",
        queue="upkeep",
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(max_attempts=5),
        due_by=timedelta(hours=1),
    )


class AccountsTidyHandler:
    """Works on one chunk of accounts; the rest is small."""

    payload: ClassVar[type[AccountsTidy]] = AccountsTidy

    def run(self, job: JobContext, session: Session, payload: AccountsTidy) -> Outcome:
        """Purge a chunk, enqueue the next when this one was full."""
        purged = purge(session, job.now, CHUNK)
        if purged == CHUNK:
            job.jobs.enqueue(session, job.task, payload)
        accounts.drop_failures(session, job.now - REMEMBERED)
        mails.drop_suppressions(session, job.now)
        sessions = people.drop_expired_sessions(session, job.now)
        return Done({"purged": purged, "sessions": sessions})


SCHEDULES: Final = (
    Declared(
        name="accounts.tidy",
        cron="10 * * * *",
        timezone="UTC",
        task="accounts.tidy",
        misfire=MisfirePolicy.ONCE,
    ),
)
