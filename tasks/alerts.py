"""Scheduled operator alerts: a check every quarter of an hour, after reconciliation."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy.orm import Session

from kontor.alerts.payloads import AlertsDigest
from kontor.alerts.service import check
from kontor.engine.handlers import Done, JobContext, Outcome


class AlertsDigestHandler:
    """Runs one check."""

    payload: ClassVar[type[AlertsDigest]] = AlertsDigest

    def run(self, job: JobContext, session: Session, payload: AlertsDigest) -> Outcome:
        """Check and send the digest."""
        return Done(check(session, job.jobs, job.now))
