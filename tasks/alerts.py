"""Scheduled operator alerts: a check every quarter of an hour, after reconciliation."""

from __future__ import annotations

from typing import ClassVar, Final

from sqlalchemy.orm import Session

from kontor.alerts.service import check
from kontor.engine.catalogue import Payload, Policy, isolated_policy
from kontor.engine.handlers import Done, JobContext, Outcome
from kontor.engine.schedules import ScheduleSpec
from kontor.kernel.states import MisfirePolicy

TASK: Final = "alerts.digest"


class AlertsDigest(Payload):
    """Check for dead, late, held and missing work; mail new incidents or the all-clear to operators."""

    policy: ClassVar[Policy] = isolated_policy(TASK, "upkeep", attempts=5)


class AlertsDigestHandler:
    """Runs one check."""

    payload: ClassVar[type[AlertsDigest]] = AlertsDigest

    def run(self, job: JobContext, session: Session, payload: AlertsDigest) -> Outcome:
        """Check and send the digest."""
        return Done(check(session, job.jobs, job.now))


SCHEDULES: Final = (
    ScheduleSpec(
        name=TASK,
        cron="10,25,40,55 * * * *",
        timezone="UTC",
        task=TASK,
        misfire=MisfirePolicy.ONCE,
    ),
)
