"""Licences: what an account has, what an offer would change, and the acceptance that changes it."""

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
    """The lane of everything that is said to an account's instance."""
    return f"instance:{account_id}"


def lines_of(offer: Offer) -> tuple[OfferLine, ...]:
    """The lines an offer was sent with."""
    return tuple(OfferLine.from_document(line) for line in offer.lines)


def running(grants: Iterable[Grant]) -> tuple[Running, ...]:
    """Rows as the rules see them: a replaced grant ended when it was replaced."""
    return tuple(Running(g.product, g.count, g.starts_at, g.replaced_at or g.ends_at, key=g.id) for g in grants)


def listed(session: Session, account_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """What an account has: `{product, count, expires_at}` per product, in order of the codes."""
    held = running(rows.counting(session, [account_id], now)[account_id])
    return [{"product": h.product, "count": h.count, "expires_at": h.expires_at} for h in holdings(held, now)]


def totals(session: Session, account_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """`listed`, and a count of 0 for each product that the account had once."""
    held = listed(session, account_id, now)
    over = rows.products(session, account_id) - {one["product"] for one in held}
    gone = [{"product": product, "count": 0, "expires_at": None} for product in over]
    return sorted([*held, *gone], key=lambda one: str(one["product"]))


def changes(
    session: Session, offers: Sequence[Offer], zones: Mapping[UUID, ZoneInfo], now: datetime
) -> dict[UUID, tuple[Change, ...]]:
    """What accepting each of the offers would change at `now`; `zones` by account."""
    held = rows.counting(session, {offer.account_id for offer in offers}, now)
    return {
        offer.id: preview(running(held[offer.account_id]), lines_of(offer), now, zones[offer.account_id])
        for offer in offers
    }


def apply(session: Session, jobs: Jobs, offer: Offer, account: Account, now: datetime) -> None:
    """Write the grants of an accepted offer, once for ever, and enqueue what follows from them.

    The caller holds the locks of the account and the offer. Terms are counted in the account's zone.
    """
    lines = lines_of(offer)
    held = running(rows.counting(session, [account.id], now)[account.id])
    done = provision(held, lines, now, zone(account.timezone))
    rows.replace(session, [UUID(str(grant.key)) for grant in done.ended], now)
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
        for number, (line, grant) in enumerate(zip(lines, done.added, strict=True), start=1)
    )
    session.flush()
    tell(session, jobs, offer)
    _schedule(session, jobs, offer, [grant for grant in done.added if grant.runs(now)])


def tell(session: Session, jobs: Jobs, offer: Offer) -> None:
    """Enqueue the call that tells the instance what the account has since the offer was accepted."""
    jobs.enqueue(
        session,
        PROVISION,
        {"offer_id": str(offer.id)},
        tenant=str(offer.reseller_id),
        lane=lane_of(offer.account_id),
    )


def _schedule(session: Session, jobs: Jobs, offer: Offer, grants: Iterable[Running]) -> None:
    """Enqueue the end and the reminder of each instant at which something new ends."""
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
