"""Merging one reseller into another: one transaction, all or nothing."""

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
    """Give everything of one reseller to another of the same programme."""

    policy: ClassVar[Policy] = own_commit(merges.TASK, "programme", timedelta(minutes=1), attempts=5)

    reseller_id: UUID
    into: UUID


class ResellersMergeHandler:
    """What the dry run said is judged again under the locks."""

    payload = ResellersMerge

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ResellersMerge) -> Outcome:
        """The result is the report of what was done."""
        book = DiscountBook(job.jobs, self._programmes)
        try:
            done = merges.merge(book, session, payload.reseller_id, payload.into)
        except (Conflict, NotFound) as refused:
            if refused.code == "conflicts":
                raise Permanent(refused.message) from refused
            return Cancel(refused.message)
        return Done(done.document())
