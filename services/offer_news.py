"""What others are told of an offer: domain events and mails, in the transaction that makes them true."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models.accounts import Account
from models.offers import Offer
from services import events
from services.offer_documents import told
from services.offer_log import OfferBook


def announce(book: OfferBook, session: Session, event_type: str, offer: Offer, **more: Any) -> None:
    """Write the domain event that tells of an offer."""
    events.emit(
        session,
        book.jobs,
        event_type,
        account_of(session, offer.account_id),
        {**told(offer, book.now), **more},
        at=book.now,
        reseller_id=offer.reseller_id,
    )


def account_of(session: Session, account_id: UUID) -> Account:
    """The account of an offer; it exists as long as the offer does."""
    return session.get_one(Account, account_id)


def taken_back(book: OfferBook, session: Session, offer: Offer) -> None:
    """Mail `offer-withdrawn`."""


def expired(book: OfferBook, session: Session, offer: Offer) -> None:
    """Mail `offer-expired`."""


def decided(book: OfferBook, session: Session, offer: Offer, by: str) -> None:
    """Event and mail `offer-accepted` or `offer-rejected`; `by` is empty for an operator."""
    announce(book, session, f"offer.{offer.state}", offer)


def delivered(book: OfferBook, session: Session, offer: Offer) -> None:
    """Event `offer.delivered` and mail `offer-received`."""
    announce(book, session, "offer.delivered", offer)
