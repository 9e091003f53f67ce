"""Licences: an account's current grants, previews of an offer, and the grants of an accepted offer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from domain.ids import new_id
from domain.licences import Change, ending_reminder, holdings, preview, provision
from domain.licences import Grant as Running
from domain.lines import OfferLine
from domain.zones import zone
from engine.enqueue import Jobs
from models.accounts import Account
from models.licences import Grant
from models.offers import Offer
from store import licences as rows

PROVISION = "licences.provision"
END_GRANTS = "licences.end_grants"
REMIND = "licences.remind"


def lane_of(account_id: UUID) -> str:
    """Return the lane of all calls to an account's instance."""
    return f"instance:{account_id}"


def lines_of(offer: Offer) -> tuple[OfferLine, ...]:
    """Return the lines of an offer."""
    return tuple(OfferLine.from_document(line) for line in offer.lines)


def running(grants: Iterable[Grant]) -> tuple[Running, ...]:
    """Convert rows for the domain rules; a replaced grant ends when it was replaced."""
    return tuple(
        Running(grant.product, grant.count, grant.starts_at, grant.replaced_at or grant.ends_at, key=grant.id)
        for grant in grants
    )


def listed(session: Session, account_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """Return an account's licences: `{product, count, expires_at}` per product, by product code."""
    grants = running(rows.counting(session, [account_id], now)[account_id])
    return [
        {"product": holding.product, "count": holding.count, "expires_at": holding.expires_at}
        for holding in holdings(grants, now)
    ]


def totals(session: Session, account_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """Return an account's licences, with a count of 0 for each product it no longer has."""
    current = listed(session, account_id, now)
    ended = rows.products(session, account_id) - {item["product"] for item in current}
    zeros = [{"product": product, "count": 0, "expires_at": None} for product in ended]
    return sorted([*current, *zeros], key=lambda item: str(item["product"]))


def changes(
    session: Session, offers: Sequence[Offer], zones: Mapping[UUID, ZoneInfo], now: datetime
) -> dict[UUID, tuple[Change, ...]]:
    """Return the changes that accepting each offer would make at `now`; `zones` is by account."""
    grants = rows.counting(session, {offer.account_id for offer in offers}, now)
    return {
        offer.id: preview(running(grants[offer.account_id]), lines_of(offer), now, zones[offer.account_id])
        for offer in offers
    }


def apply(session: Session, jobs: Jobs, offer: Offer, account: Account, now: datetime) -> None:
    """Write the grants of an accepted offer and enqueue the call, the end and the reminder for them.

    Call it once per offer. The caller holds the locks of the account and the offer. Terms are counted in the
    account's time zone.
    """
    lines = lines_of(offer)
    grants = running(rows.counting(session, [account.id], now)[account.id])
    result = provision(grants, lines, now, zone(account.timezone))
    rows.replace(session, [UUID(str(grant.key)) for grant in result.ended], now)
    session.add_all(
        Grant(
            id=new_id(),
            account_id=account.id,
            product=line.product,
            offer_id=offer.id,
            line_no=number,
            count=line.count,
            mode=line.mode,
            starts_at=now,
            ends_at=grant.ends_at,
        )
        for number, (line, grant) in enumerate(zip(lines, result.added, strict=True), start=1)
    )
    session.flush()
    tell(session, jobs, offer)
    _schedule(session, jobs, offer, [grant for grant in result.added if grant.runs(now)])


def tell(session: Session, jobs: Jobs, offer: Offer) -> None:
    """Enqueue the call that sends the account's new licence totals to its instance."""
    jobs.enqueue(
        session,
        PROVISION,
        {"offer_id": str(offer.id)},
        tenant=str(offer.reseller_id),
        lane=lane_of(offer.account_id),
    )


def _schedule(session: Session, jobs: Jobs, offer: Offer, grants: Iterable[Running]) -> None:
    """Enqueue one end job and one reminder for each instant at which new grants end."""
    tenant = str(offer.reseller_id)
    reminders = {grant.ends_at: ending_reminder(grant) for grant in grants}
    for ends_at, remind_at in reminders.items():
        args = {"account_id": str(offer.account_id), "ends_at": ends_at.isoformat()}
        key = f"{offer.account_id}:{ends_at.isoformat()}"
        jobs.enqueue(
            session,
            END_GRANTS,
            args,
            tenant=tenant,
            lane=lane_of(offer.account_id),
            run_at=ends_at,
            once_key=f"{END_GRANTS}:{key}",
        )
        if remind_at is not None:
            jobs.enqueue(session, REMIND, args, tenant=tenant, run_at=remind_at, once_key=f"{REMIND}:{key}")
