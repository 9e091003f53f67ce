"""Offers: send, cancel, expire, list, and the customer's list of updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import instances
from kontor.accounts.locks import require_client, require_reseller
from kontor.accounts.suspension import require_not_suspended
from kontor.context import Context
from kontor.kernel import database
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.limits import HOUR, OFFERS_OPEN, OFFERS_SENT
from kontor.kernel.paging import Page
from kontor.kernel.states import OfferEvent, OfferState
from kontor.kernel.time_spans import ANY_TIME, TimeSpan
from kontor.kernel.zones import zone
from kontor.licences.rules import OfferLine, expired_line_errors
from kontor.limits import service as limits
from kontor.mailer.formatting import harmless
from kontor.offers import delivery, holds, inbox_queries, notifications, queries
from kontor.offers.rules import MESSAGE_LIMIT, OPEN_STATES
from kontor.offers.templates import get as template_of
from kontor.offers.templates import lines_to_json, validate_lines
from kontor.offers.transitions import anchor_again, insert_offer, lock_offer, transition
from kontor.offers.views import freeze_changes
from kontor.provisioning.kept import Notes
from models.accounts import Account
from models.offers import GrantState, Offer

RESEND_LIMIT: Final = 100
MOST_OPEN: Final = 20
HELD_LOOK: Final = timedelta(days=1)
MAX_LIFETIME: Final = timedelta(days=3_650)


NO_LINES: Final = "An offer needs a line: add one to the template first."


@dataclass(frozen=True, slots=True)
class NewOffer:
    """Input for an offer to one client: either `template_id` or `lines`; `expires_at` is aware."""

    reseller_id: UUID
    account_id: UUID
    template_id: UUID | None = None
    lines: Sequence[Mapping[str, object]] | None = None
    message: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    external_id: str | None = None
    notes: Notes | None = None


def send(ctx: Context, session: Session, new: NewOffer, actor: str) -> Offer:
    """Create an offer in state `waiting` and enqueue its delivery and its expiry.

    Raises NotFound (reseller, its client, its template), Conflict(`no_instance`, `account_suspended`), Invalid,
    LimitReached.
    """
    owner = require_reseller(session, new.reseller_id, lock=True)
    client = require_client(session, owner, new.account_id)
    require_not_suspended(owner, client)
    now = ctx.now
    lines = _lines(ctx, session, owner, client, new)
    message = _message(new.message)
    expires_at = _expiry(new.expires_at, now, ctx.programmes.current(session, owner.programme).offer_life)
    if instances.get(session, client.id) is None:
        raise Conflict("no_instance", "The account has no instance yet: PUT /v1/accounts/{id}/instance.")
    _require_within_limits(ctx, session, owner.id, client.id)
    external_id = queries.free_external_id(session, owner.id, new.external_id)
    offer = Offer(
        id=new_id(),
        programme=client.programme,
        reseller_id=owner.id,
        account_id=client.id,
        template_id=new.template_id,
        message=message,
        lines=lines_to_json(lines),
        created_at=now,
        expires_at=expires_at,
        delivery_attempts=0,
        delivery_doubts=0,
        grant_state=GrantState.NONE.value,
        external_id=external_id,
        notes=None if new.notes is None else new.notes.added_to(None),
    )
    holds.hold_if_contested(ctx, session, client, offer)
    insert_offer(ctx, session, offer, actor)
    delivery.enqueue_first_jobs(ctx, session, offer)
    return offer


def cancel(ctx: Context, session: Session, offer_id: UUID, actor: str) -> Offer:
    """Withdraw an offer for its reseller. Raises NotFound, IllegalTransition."""
    offer = lock_offer(session, offer_id)
    _close(ctx, session, offer, OfferEvent.WITHDRAW, actor)
    return offer


def expire(ctx: Context, session: Session, offer_id: UUID, actor: str = "system") -> bool:
    """Close an open offer past its expiry and notify the reseller; False if it is not due."""
    offer = lock_offer(session, offer_id)
    if OfferState(offer.state) not in OPEN_STATES or ctx.now < queries.end_of(offer):
        return False
    _close(ctx, session, offer, OfferEvent.EXPIRE, actor)
    return True


def expiry_ahead(session: Session, offer_id: UUID, now: datetime) -> datetime | None:
    """Return when an open offer expires, if that is after `now`; of a held one, when to look again. Locks the offer."""
    offer = lock_offer(session, offer_id)
    end = queries.end_of(offer)
    if OfferState(offer.state) not in OPEN_STATES or now >= end:
        return None
    return min(end, now + HELD_LOOK) if offer.held_by is not None else end


def cancel_open_offers(ctx: Context, session: Session, account_id: UUID, actor: str) -> int:
    """Cancel every open offer of an account that is being deleted; return how many there were."""
    return _close_open(ctx, session, queries.open_ids(session, account_id=account_id), OfferEvent.CLOSE_ACCOUNT, actor)


def cancel_offers_of_moved(ctx: Context, session: Session, account_ids: Sequence[UUID], actor: str = "system") -> int:
    """Cancel every open offer to locked clients that leave their reseller, whose offers they are; return how many."""
    return _close_open(ctx, session, queries.open_ids_to(session, account_ids), OfferEvent.MOVE_ACCOUNT, actor)


def _close_open(ctx: Context, session: Session, offer_ids: Sequence[UUID], event: OfferEvent, actor: str) -> int:
    closed = 0
    for offer_id in offer_ids:
        offer = lock_offer(session, offer_id)
        if ctx.now >= queries.end_of(offer):
            closed += expire(ctx, session, offer_id)
        elif OfferState(offer.state) in OPEN_STATES:
            _close(ctx, session, offer, event, actor)
            closed += 1
    return closed


def remail_open_offers(ctx: Context, session: Session, account_id: UUID) -> int:
    """Mail the offers that await a decision to a new admin address; links sent to the old one no longer work."""
    account = session.get_one(Account, account_id)
    waiting = inbox_queries.page_to_decide(session, account_id, ctx.now, None, RESEND_LIMIT, account.reseller_id).items
    for offer in waiting:
        notifications.mail_received(ctx, session, offer)
    return len(waiting)


def erase_texts(ctx: Context, session: Session, account_ids: Sequence[UUID]) -> None:
    """Erase messages, errors and evidence of the offers of accounts deleted for good; their chains still verify."""
    for offer_id in queries.ids_of(session, account_ids):
        offer = lock_offer(session, offer_id)
        anchor_again(ctx, session, offer)
    session.flush()
    queries.erase_texts(session, account_ids)
    session.expire_all()


def get(session: Session, offer_id: UUID) -> Offer:
    """Return one offer. Raises NotFound."""
    offer = queries.get(session, offer_id)
    if offer is None:
        raise NotFound
    return offer


def list_offers(
    session: Session,
    now: datetime,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
    state: OfferState | None = None,
    external_id: str | None = None,
    created: TimeSpan = ANY_TIME,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[Offer]:
    """Return offers, newest first; `state` is the effective state at `now`."""
    return queries.list_offers(
        session,
        reseller_id=reseller_id,
        account_id=account_id,
        state=state,
        external_id=external_id,
        created=created,
        now=now,
        cursor=cursor,
        limit=limit,
    )


def open_offers(session: Session, account: Account, reseller_id: UUID, now: datetime) -> list[Offer]:
    """Return the newest open offers of a reseller to an account."""
    return queries.open_offers(session, account.id, reseller_id, now, MOST_OPEN)


def account_names(session: Session, account_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of accounts by id."""
    return {each: account.name for each, account in queries.accounts(session, account_ids).items()}


def _close(ctx: Context, session: Session, offer: Offer, event: OfferEvent, actor: str) -> None:
    """Cancel a locked offer, and withdraw it from the instance if it may have been delivered."""
    previous = OfferState(offer.state)
    transition(ctx, session, offer, event, actor)
    freeze_changes(session, offer, ctx.now)
    if offer.delivery_doubts > 0:
        delivery.enqueue_withdrawal(ctx, session, offer)
    if event is OfferEvent.EXPIRE:
        notifications.notify_expired(ctx, session, offer)
    else:
        admin_informed = previous is OfferState.WAITING_FOR_CONFIRMATION
        notifications.notify_cancelled(ctx, session, offer, admin_informed=admin_informed)


def _lines(ctx: Context, session: Session, owner: Account, client: Account, new: NewOffer) -> tuple[OfferLine, ...]:
    """Return the validated lines of the template or of the request. Raises NotFound, Invalid."""
    if (new.template_id is None) == (new.lines is None):
        message = "Pass either template_id or lines."
        raise Invalid("invalid", message, errors=[FieldError("lines", message)])
    if new.template_id is None:
        raw_lines: Sequence[Mapping[str, object]] = new.lines or ()
    else:
        template = template_of(session, new.template_id)
        if template.reseller_id != owner.id:
            raise NotFound(message="The reseller has no such template.")
        raw_lines = template.lines
    if not raw_lines:
        field = "template_id" if new.lines is None else "lines"
        raise Invalid("no_lines", NO_LINES, errors=[FieldError(field, NO_LINES)])
    lines = validate_lines(ctx, session, owner, raw_lines)
    errors = expired_line_errors(lines, ctx.now, zone(client.timezone))
    if errors:
        raise Invalid("invalid", "A line would end before it starts.", errors=errors)
    return lines


def _require_within_limits(ctx: Context, session: Session, reseller_id: UUID, account_id: UUID) -> None:
    """Raise LimitReached when the client has enough open offers, or the reseller sent enough of them today."""
    database.lock_names(session, f"limit:{OFFERS_OPEN.name}:{account_id}")
    most = limits.allowed(session, OFFERS_OPEN, reseller_id)
    limits.require(OFFERS_OPEN, queries.count_open(session, account_id, ctx.now, most), most, HOUR)
    limits.take(session, OFFERS_SENT, str(reseller_id), ctx.now, reseller_id)


def _message(text: str | None) -> str | None:
    """Return a message as stored: plain text without controls but line breaks and tabs, without bidi overrides."""
    if text is None or not text.strip():
        return None
    problem = None
    if len(text) > MESSAGE_LIMIT:
        problem = f"A message has at most {MESSAGE_LIMIT} characters."
    elif any((ord(char) < 32 and char not in "\r\n\t") or 0xD800 <= ord(char) < 0xE000 for char in text):
        problem = "A message is plain text without control characters."
    if problem is not None:
        raise Invalid("invalid", problem, errors=[FieldError("message", problem)])
    return harmless(text) or None


def _expiry(requested: datetime | None, now: datetime, life: timedelta) -> datetime:
    """Return the requested expiry, by default the programme's `life` from now. Raises Invalid unless in the future."""
    if requested is None:
        return now + life
    if requested.utcoffset() is None or not now < requested <= now + MAX_LIFETIME:
        message = "expires_at requires an offset and must be in the future, within ten years."
        raise Invalid("invalid", message, errors=[FieldError("expires_at", message)])
    return requested
