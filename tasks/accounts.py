"""Keeping accounts in order: deletions become final, what is over is forgotten."""

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
    """Make deletions final whose 30 days are over; goes on in a job of its own while there is more.

    `purged` is how many the chunks before this one made final.
    """

    policy: ClassVar[Policy] = own_commit("accounts.tidy", "upkeep", timedelta(hours=1), attempts=5)

    purged: int = 0


class AccountsTidyHandler:
    """Works on one chunk of accounts; the rest is small."""

    payload: ClassVar[type[AccountsTidy]] = AccountsTidy

    def run(self, job: JobContext, session: Session, payload: AccountsTidy) -> Outcome:
        """Purge a chunk; hand the rest on, after the last one forget the small things."""
        chunk = purge(job.jobs, session, job.now, CHUNK)
        purged = payload.purged + chunk.done
        told = {"purged": purged, "left": chunk.left}
        if chunk.done == CHUNK:
            following = job.jobs.enqueue(session, job.task, AccountsTidy(purged=purged), tenant=job.tenant)
            return Done({**told, "continued_by": str(following.id)})
        accounts.drop_failures(session, job.now - REMEMBERED)
        mails.drop_suppressions(session, job.now)
        sessions = people.drop_expired_sessions(session, job.now)
        return Done({**told, "sessions": sessions, "continued_by": None})


SCHEDULES: Final = (
    Declared(
        name="accounts.tidy",
        cron="10 * * * *",
        timezone="UTC",
        task="accounts.tidy",
        misfire=MisfirePolicy.ONCE,
    ),
)
