"""Scheduled reconciliation, every quarter of an hour."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy.orm import Session

from kontor.engine.handlers import Done, JobContext, Outcome
from kontor.programme.service import Programmes
from kontor.reconciliation.payloads import ReconciliationCompare
from kontor.reconciliation.service import reconcile


class ReconciliationCompareHandler:
    """Runs one reconciliation."""

    payload: ClassVar[type[ReconciliationCompare]] = ReconciliationCompare

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ReconciliationCompare) -> Outcome:
        """Run the checks and record the gaps."""
        result = reconcile(session, self._programmes, job.now, everything=payload.everything)
        return Done(result.document())
