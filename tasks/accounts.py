"""Account clean-up: purges deleted accounts and removes expired records."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from sqlalchemy.orm import Session

from domain.doors import REMEMBERED
from domain.misfire import MisfirePolicy
from engine.catalogue import Payload, Policy, own_commit
from engine.handlers import JobContext
from engine.outcomes import Done, Outcome
from engine.schedules import Declared
from services.closing import purge
from store import accounts, mails, people

CHUNK: Final = 100


class AccountsTidy(Payload):
    """Purge accounts deleted 30 days ago; continues in another job while there are more.

    `purged` is the number purged by earlier chunks.
    """

    policy: ClassVar[Policy] = own_commit("accounts.tidy", "upkeep", timedelta(hours=1), attempts=5)

    purged: int = 0


class AccountsTidyHandler:
    """Purges one chunk of accounts per job."""

    payload: ClassVar[type[AccountsTidy]] = AccountsTidy

    def run(self, job: JobContext, session: Session, payload: AccountsTidy) -> Outcome:
        """Purge a chunk and enqueue the next; after the last, delete expired failures, suppressions and sessions."""
        chunk = purge(job.jobs, session, job.now, CHUNK)
        purged = payload.purged + chunk.done
        counts = {"purged": purged, "left": chunk.left}
        if chunk.done == CHUNK:
            next_job = job.jobs.enqueue(session, job.task, AccountsTidy(purged=purged), tenant=job.tenant)
            return Done({**counts, "continued_by": str(next_job.id)})
        accounts.drop_failures(session, job.now - REMEMBERED)
        mails.drop_suppressions(session, job.now)
        sessions = people.drop_expired_sessions(session, job.now)
        return Done({**counts, "sessions": sessions, "continued_by": None})


SCHEDULES: Final = (
    Declared(
        name="accounts.tidy",
        cron="10 * * * *",
        timezone="UTC",
        task="accounts.tidy",
        misfire=MisfirePolicy.ONCE,
    ),
)
