"""Merge of one reseller into another, in one transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from engine.catalogue import Payload, Policy, own_commit
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome, Permanent
from services.discounts.book import DiscountBook
from services.merging import merges
from services.programmes import Programmes


class ResellersMerge(Payload):
    """Merge a reseller into another one of the same programme."""

    policy: ClassVar[Policy] = own_commit(merges.TASK, "programme", timedelta(minutes=1), attempts=5)

    reseller_id: UUID
    into: UUID


class ResellersMergeHandler:
    """Validates the merge again, under locks."""

    payload = ResellersMerge

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ResellersMerge) -> Outcome:
        """Merge; the job's result is the report."""
        ctx = DiscountBook(job.jobs, self._programmes)
        try:
            report = merges.merge(ctx, session, payload.reseller_id, payload.into)
        except (Conflict, NotFound) as error:
            if error.code == "conflicts":
                raise Permanent(error.message) from error
            return Cancel(error.message)
        return Done(report.document())
