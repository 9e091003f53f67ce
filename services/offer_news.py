"""Domain events and mails about an offer, written in the transaction they report."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from models.accounts import Account
from models.offers import Offer
from services import events, offer_mails
from services.offer_documents import told
from services.offer_log import OfferBook


def announce(ctx: OfferBook, session: Session, event_type: str, offer: Offer, **data: Any) -> None:
    """Write a domain event about an offer; `data` is added to its payload."""
    events.emit(
        session,
        ctx.jobs,
        event_type,
        session.get_one(Account, offer.account_id),
        {**told(offer, ctx.now), **data},
        at=ctx.now,
        reseller_id=offer.reseller_id,
    )


def delivered(ctx: OfferBook, session: Session, offer: Offer) -> None:
    """Announce a delivered offer and mail the customer's admin for a decision."""
    announce(ctx, session, "offer.delivered", offer)
    offer_mails.received(ctx, session, offer)


def decided(ctx: OfferBook, session: Session, offer: Offer, by: str) -> None:
    """Announce a decision and mail the reseller; `by` is empty for an operator."""
    announce(ctx, session, f"offer.{offer.state}", offer)
    offer_mails.decided(ctx, session, offer, by)


def taken_back(ctx: OfferBook, session: Session, offer: Offer, *, admin_informed: bool) -> None:
    """Announce a cancelled offer; mail the customer's admin if already `admin_informed` of the offer."""
    announce(ctx, session, "offer.cancelled", offer)
    if admin_informed:
        offer_mails.withdrawn(ctx, session, offer)


def expired(ctx: OfferBook, session: Session, offer: Offer) -> None:
    """Announce an expired offer and mail the reseller."""
    announce(ctx, session, "offer.cancelled", offer)
    offer_mails.expired(ctx, session, offer)
