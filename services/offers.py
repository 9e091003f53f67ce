"""Offers: sent by a reseller, delivered to the customer's instance, withdrawn, expired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.ids import new_id
from domain.lines import OfferLine, already_over
from domain.offers import MESSAGE_LIMIT, OPEN_STATES, OfferEvent, OfferState
from domain.paging import Page, cursor_id, cut
from domain.zones import zone
from models.accounts import Account
from models.offers import GrantState, Offer
from services import offer_mails, offer_news
from services.licences import lane_of
from services.offer_documents import keep_changes
from services.offer_log import OfferBook, begin, locked, move
from services.resellers import client_of, reseller
from services.templates import checked_lines, line_documents
from services.templates import get as template_of
from store import instances
from store import offers as rows

DELIVER: Final = "offers.deliver"
WITHDRAW: Final = "offers.withdraw"
EXPIRE: Final = "offers.expire"
ASKED_AGAIN: Final = 100
LONGEST_LIFE: Final = timedelta(days=3_650)


@dataclass(frozen=True, slots=True)
class NewOffer:
    """What a reseller sends: a template's lines or its own, to one client. `expires_at` aware."""

    reseller_id: UUID
    account_id: UUID
    template_id: UUID | None = None
    lines: Sequence[Mapping[str, Any]] | None = None
    message: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


def send(book: OfferBook, session: Session, new: NewOffer, actor: str) -> Offer:
    """A new offer, `waiting`, and the job that delivers it.

    Raises NotFound (reseller, its client, its template), Conflict(`no_instance`), Invalid.
    """
    owner = reseller(session, new.reseller_id, kept=True)
    client = client_of(session, owner, new.account_id)
    now = book.now
    lines = _lines(book, session, owner, client, new)
    message = _message(new.message)
    expires_at = _expiry(new.expires_at, now, book.programmes.current(session, owner.programme).offer_life)
    if instances.get(session, client.id) is None:
        raise Conflict("no_instance", "The account has no instance yet: PUT /v1/accounts/{id}/instance.")
    offer = Offer(
        id=new_id(),
        programme=client.programme,
        reseller_id=owner.id,
        account_id=client.id,
        template_id=new.template_id,
        message=message,
        lines=line_documents(lines),
        created_at=now,
        expires_at=expires_at,
        delivery_attempts=0,
        delivery_doubts=0,
        grant_state=GrantState.NONE.value,
    )
    begin(book, session, offer, actor)
    _enqueue_first_jobs(book, session, offer)
    return offer


def cancel(book: OfferBook, session: Session, offer_id: UUID, actor: str) -> Offer:
    """The reseller takes it back. Raises NotFound, IllegalTransition."""
    offer = locked(session, offer_id)
    _close(book, session, offer, OfferEvent.WITHDRAW, actor)
    return offer


def expire(book: OfferBook, session: Session, offer_id: UUID, actor: str = "system") -> bool:
    """Close an offer whose time is over and tell the reseller; False when there is nothing to close."""
    offer = locked(session, offer_id)
    if OfferState(offer.state) not in OPEN_STATES or book.now < offer.expires_at:
        return False
    _close(book, session, offer, OfferEvent.EXPIRE, actor)
    return True


def close_account(book: OfferBook, session: Session, account_id: UUID, actor: str) -> int:
    """Cancel every open offer of an account that is being closed; returns how many there were."""
    closed = 0
    for offer_id in rows.open_ids(session, account_id=account_id):
        offer = locked(session, offer_id)
        if book.now >= offer.expires_at:
            closed += expire(book, session, offer_id)
        elif OfferState(offer.state) in OPEN_STATES:
            _close(book, session, offer, OfferEvent.CLOSE_ACCOUNT, actor)
            closed += 1
    return closed


def ask_again(book: OfferBook, session: Session, account_id: UUID) -> int:
    """Mail a new admin address the offers that wait for it; the links to the old one are dead."""
    waiting = rows.page_to_decide(session, account_id, book.now, None, ASKED_AGAIN)
    for offer in waiting:
        offer_mails.received(book, session, offer)
    return len(waiting)


def get(session: Session, offer_id: UUID) -> Offer:
    """One offer. Raises NotFound."""
    offer = rows.get(session, offer_id)
    if offer is None:
        raise NotFound
    return offer


def listed(
    session: Session,
    now: datetime,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
    state: OfferState | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[Offer]:
    """Offers, newest first; `state` as a read at `now` sees it."""
    found = rows.listed(
        session,
        reseller_id=reseller_id,
        account_id=account_id,
        state=state,
        now=now,
        before=cursor_id(cursor),
        limit=limit + 1,
    )
    return cut(found, limit, lambda offer: str(offer.id))


def withdraw_later(book: OfferBook, session: Session, offer: Offer) -> None:
    """Enqueue the second call to the instance, once, behind any delivery under way in its lane."""
    book.jobs.enqueue(
        session,
        WITHDRAW,
        {"offer_id": str(offer.id)},
        tenant=str(offer.reseller_id),
        lane=lane_of(offer.account_id),
        once_key=f"{WITHDRAW}:{offer.id}",
    )


def _close(book: OfferBook, session: Session, offer: Offer, event: OfferEvent, actor: str) -> None:
    """Cancel under the lock, and take back whatever may have arrived."""
    was = OfferState(offer.state)
    move(book, session, offer, event, actor)
    keep_changes(session, offer, book.now)
    if offer.delivery_doubts > 0:
        withdraw_later(book, session, offer)
    if event is OfferEvent.EXPIRE:
        offer_news.expired(book, session, offer)
    else:
        known = was is OfferState.WAITING_FOR_CONFIRMATION
        offer_news.taken_back(book, session, offer, known=known)


def _lines(book: OfferBook, session: Session, owner: Account, client: Account, new: NewOffer) -> tuple[OfferLine, ...]:
    """The lines of the template or of the request, fit to be accepted now."""
    if (new.template_id is None) == (new.lines is None):
        message = "Give either template_id or lines."
        raise Invalid("invalid", message, errors=[FieldError("lines", message)])
    if new.template_id is None:
        given: Sequence[Mapping[str, Any]] = new.lines or ()
    else:
        template = template_of(session, new.template_id)
        if template.reseller_id != owner.id:
            raise NotFound(message="The reseller has no such template.")
        given = template.lines
    lines = checked_lines(book, session, owner, given)
    errors = already_over(lines, book.now, zone(client.timezone))
    if errors:
        raise Invalid("invalid", "A line would end before it starts.", errors=errors)
    return lines


def _message(text: str | None) -> str | None:
    """Plain text as it was written; control characters other than line breaks and tabs are refused."""
    if text is None or not text.strip():
        return None
    problem = None
    if len(text) > MESSAGE_LIMIT:
        problem = f"A message has at most {MESSAGE_LIMIT} characters."
    elif any((ord(char) < 32 and char not in "\r\n\t") or 0xD800 <= ord(char) < 0xE000 for char in text):
        problem = "A message is plain text without control characters."
    if problem is not None:
        raise Invalid("invalid", problem, errors=[FieldError("message", problem)])
    return text


def _expiry(asked: datetime | None, now: datetime, life: timedelta) -> datetime:
    """The programme's `life` from now (30 days) unless told otherwise; never in the past."""
    if asked is None:
        return now + life
    if asked.utcoffset() is None or not now < asked <= now + LONGEST_LIFE:
        message = "An offer expires at an instant with an offset, in the future, within ten years."
        raise Invalid("invalid", message, errors=[FieldError("expires_at", message)])
    return asked


def _enqueue_first_jobs(book: OfferBook, session: Session, offer: Offer) -> None:
    args, tenant = {"offer_id": str(offer.id)}, str(offer.reseller_id)
    delivery = book.jobs.enqueue(session, DELIVER, args, tenant=tenant, lane=lane_of(offer.account_id))
    offer.delivery_job_id = delivery.id
    book.jobs.enqueue(session, EXPIRE, args, tenant=tenant, run_at=offer.expires_at)
    session.flush()
