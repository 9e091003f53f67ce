"""Offers of a reseller: send, withdraw, expire and list."""

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
    """Input for an offer to one client: either `template_id` or `lines`; `expires_at` is aware."""

    reseller_id: UUID
    account_id: UUID
    template_id: UUID | None = None
    lines: Sequence[Mapping[str, Any]] | None = None
    message: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


def send(ctx: OfferBook, session: Session, new: NewOffer, actor: str) -> Offer:
    """Create an offer in state `waiting` and enqueue its delivery and its expiry.

    Raises NotFound (reseller, its client, its template), Conflict(`no_instance`), Invalid.
    """
    owner = reseller(session, new.reseller_id, kept=True)
    client = client_of(session, owner, new.account_id)
    now = ctx.now
    lines = _lines(ctx, session, owner, client, new)
    message = _message(new.message)
    expires_at = _expiry(new.expires_at, now, ctx.programmes.current(session, owner.programme).offer_life)
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
    begin(ctx, session, offer, actor)
    _enqueue_first_jobs(ctx, session, offer)
    return offer


def cancel(ctx: OfferBook, session: Session, offer_id: UUID, actor: str) -> Offer:
    """Withdraw an offer for its reseller. Raises NotFound, IllegalTransition."""
    offer = locked(session, offer_id)
    _close(ctx, session, offer, OfferEvent.WITHDRAW, actor)
    return offer


def expire(ctx: OfferBook, session: Session, offer_id: UUID, actor: str = "system") -> bool:
    """Close an open offer past its expiry and notify the reseller; False if it is not due."""
    offer = locked(session, offer_id)
    if OfferState(offer.state) not in OPEN_STATES or ctx.now < offer.expires_at:
        return False
    _close(ctx, session, offer, OfferEvent.EXPIRE, actor)
    return True


def close_account(ctx: OfferBook, session: Session, account_id: UUID, actor: str) -> int:
    """Cancel every open offer of an account that is being deleted; return how many there were."""
    closed = 0
    for offer_id in rows.open_ids(session, account_id=account_id):
        offer = locked(session, offer_id)
        if ctx.now >= offer.expires_at:
            closed += expire(ctx, session, offer_id)
        elif OfferState(offer.state) in OPEN_STATES:
            _close(ctx, session, offer, OfferEvent.CLOSE_ACCOUNT, actor)
            closed += 1
    return closed


def ask_again(ctx: OfferBook, session: Session, account_id: UUID) -> int:
    """Mail the offers that await a decision to a new admin address; links sent to the old one no longer work."""
    waiting = rows.page_to_decide(session, account_id, ctx.now, None, ASKED_AGAIN)
    for offer in waiting:
        offer_mails.received(ctx, session, offer)
    return len(waiting)


def get(session: Session, offer_id: UUID) -> Offer:
    """Return one offer. Raises NotFound."""
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
    """Return offers, newest first; `state` is the effective state at `now`."""
    offers = rows.listed(
        session,
        reseller_id=reseller_id,
        account_id=account_id,
        state=state,
        now=now,
        before=cursor_id(cursor),
        limit=limit + 1,
    )
    return cut(offers, limit, lambda offer: str(offer.id))


def withdraw_later(ctx: OfferBook, session: Session, offer: Offer) -> None:
    """Enqueue the withdrawal call to the instance, once, behind any delivery running in its lane."""
    ctx.jobs.enqueue(
        session,
        WITHDRAW,
        {"offer_id": str(offer.id)},
        tenant=str(offer.reseller_id),
        lane=lane_of(offer.account_id),
        once_key=f"{WITHDRAW}:{offer.id}",
    )


def _close(ctx: OfferBook, session: Session, offer: Offer, event: OfferEvent, actor: str) -> None:
    """Cancel a locked offer, and withdraw it from the instance if it may have been delivered."""
    previous = OfferState(offer.state)
    move(ctx, session, offer, event, actor)
    keep_changes(session, offer, ctx.now)
    if offer.delivery_doubts > 0:
        withdraw_later(ctx, session, offer)
    if event is OfferEvent.EXPIRE:
        offer_news.expired(ctx, session, offer)
    else:
        admin_informed = previous is OfferState.WAITING_FOR_CONFIRMATION
        offer_news.taken_back(ctx, session, offer, admin_informed=admin_informed)


def _lines(ctx: OfferBook, session: Session, owner: Account, client: Account, new: NewOffer) -> tuple[OfferLine, ...]:
    """Return the validated lines of the template or of the request. Raises NotFound, Invalid."""
    if (new.template_id is None) == (new.lines is None):
        message = "Pass either template_id or lines."
        raise Invalid("invalid", message, errors=[FieldError("lines", message)])
    if new.template_id is None:
        raw_lines: Sequence[Mapping[str, Any]] = new.lines or ()
    else:
        template = template_of(session, new.template_id)
        if template.reseller_id != owner.id:
            raise NotFound(message="The reseller has no such template.")
        raw_lines = template.lines
    lines = checked_lines(ctx, session, owner, raw_lines)
    errors = already_over(lines, ctx.now, zone(client.timezone))
    if errors:
        raise Invalid("invalid", "A line would end before it starts.", errors=errors)
    return lines


def _message(text: str | None) -> str | None:
    """Validate a message: plain text without control characters other than line breaks and tabs."""
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


def _expiry(requested: datetime | None, now: datetime, life: timedelta) -> datetime:
    """Return the requested expiry, by default the programme's `life` from now. Raises Invalid unless in the future."""
    if requested is None:
        return now + life
    if requested.utcoffset() is None or not now < requested <= now + LONGEST_LIFE:
        message = "expires_at requires an offset and must be in the future, within ten years."
        raise Invalid("invalid", message, errors=[FieldError("expires_at", message)])
    return requested


def _enqueue_first_jobs(ctx: OfferBook, session: Session, offer: Offer) -> None:
    args, tenant = {"offer_id": str(offer.id)}, str(offer.reseller_id)
    delivery = ctx.jobs.enqueue(session, DELIVER, args, tenant=tenant, lane=lane_of(offer.account_id))
    offer.delivery_job_id = delivery.id
    ctx.jobs.enqueue(session, EXPIRE, args, tenant=tenant, run_at=offer.expires_at)
    session.flush()
