"""Scheduled operator alerts: a check every quarter of an hour, after reconciliation."""

from __future__ import annotations

from typing import ClassVar, Final

from sqlalchemy.orm import Session

from domain.misfire import MisfirePolicy
from engine.catalogue import Payload, Policy, own_commit
from engine.handlers import JobContext
from engine.outcomes import Done, Outcome
from engine.schedules import Declared
from services.alerts import look

TASK: Final = "alerts.digest"


class AlertsDigest(Payload):
    """Check for dead, late, held and missing work; mail new incidents or the all-clear to operators."""

    policy: ClassVar[Policy] = own_commit(TASK, "upkeep", attempts=5)


class AlertsDigestHandler:
    """Runs one check."""

    payload: ClassVar[type[AlertsDigest]] = AlertsDigest

    def run(self, job: JobContext, session: Session, payload: AlertsDigest) -> Outcome:
        """Check and send the digest."""
        return Done(look(session, job.jobs, job.now))


SCHEDULES: Final = (
    Declared(
        name=TASK,
        cron="10,25,40,55 * * * *",
        timezone="UTC",
        task=TASK,
        misfire=MisfirePolicy.ONCE,
    ),
)
