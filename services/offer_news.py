"""What others are told of an offer: events and mails, in the transaction that makes them true."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from models.accounts import Account
from models.offers import Offer
from services import events, offer_mails
from services.offer_documents import told
from services.offer_log import OfferBook


def announce(book: OfferBook, session: Session, event_type: str, offer: Offer, **more: Any) -> None:
    """Write the domain event that tells of an offer."""
    events.emit(
        session,
        book.jobs,
        event_type,
        session.get_one(Account, offer.account_id),
        {**told(offer, book.now), **more},
        at=book.now,
        reseller_id=offer.reseller_id,
    )


def delivered(book: OfferBook, session: Session, offer: Offer) -> None:
    """The instance has it: now its admin is asked."""
    announce(book, session, "offer.delivered", offer)
    offer_mails.received(book, session, offer)


def decided(book: OfferBook, session: Session, offer: Offer, by: str) -> None:
    """The admin said yes or no; `by` is empty for an operator."""
    announce(book, session, f"offer.{offer.state}", offer)
    offer_mails.decided(book, session, offer, by)


def taken_back(book: OfferBook, session: Session, offer: Offer, *, known: bool) -> None:
    """It was cancelled; `known` to the admin, who is then told too."""
    announce(book, session, "offer.cancelled", offer)
    if known:
        offer_mails.withdrawn(book, session, offer)


def expired(book: OfferBook, session: Session, offer: Offer) -> None:
    """Its time is over."""
    announce(book, session, "offer.cancelled", offer)
    offer_mails.expired(book, session, offer)
