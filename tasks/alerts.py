"""Operators' alerts by the clock: a look every quarter of an hour, after that of reconciliation."""

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
    """Look what is dead, late, held or missing; mail operators what is new, or that all of it is over."""

    policy: ClassVar[Policy] = own_commit(TASK, "upkeep", attempts=5)


class AlertsDigestHandler:
    """One look."""

    payload: ClassVar[type[AlertsDigest]] = AlertsDigest

    def run(self, job: JobContext, session: Session, payload: AlertsDigest) -> Outcome:
        """Look, tell."""
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
