"""Services that wait for money: what payments and credits ask whether there are any. Imports no other slice."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.engine.enqueue import JobRequest, Jobs
from kontor.provisioning.payloads import ServicesFollow, ServicesSettle

UNPAID: Final = text(
    "SELECT DISTINCT reseller_id FROM services WHERE unpaid_since IS NOT NULL AND reseller_id = ANY(:ids)"
)
OF_ACCOUNT: Final = text(
    "SELECT EXISTS (SELECT FROM services s JOIN accounts a ON a.id = coalesce(s.account_id, s.reseller_id)"
    " WHERE s.state <> 'ended' AND (a.id = :id OR a.reseller_id = :id))"
)


def settle_unpaid(jobs: Jobs, session: Session, reseller_ids: Collection[UUID]) -> None:
    """Enqueue the renewal of what waits for money of resellers, in the transaction of the money."""
    waiting = session.scalars(UNPAID, {"ids": sorted(reseller_ids)}).all()
    requests = [
        JobRequest.of(ServicesSettle(reseller_id=reseller_id), tenant=str(reseller_id)) for reseller_id in waiting
    ]
    if requests:
        jobs.enqueue_many(session, requests)


def follow_account(jobs: Jobs, session: Session, account_id: UUID) -> None:
    """Enqueue that services follow an account that was suspended or resumed, and its clients."""
    if session.scalar(OF_ACCOUNT, {"id": account_id}):
        jobs.enqueue(session, ServicesFollow(account_id=account_id))
