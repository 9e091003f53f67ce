"""Decisions: the customer's admin accepts or rejects an offer once, on a page or with an API key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Forbidden, Gone, NotFound
from domain.licences import Change
from domain.offers import CancelReason, OfferEvent, OfferState, next_state
from models.accounts import Account
from models.keys import Scope
from models.offers import GrantState, Offer
from services import licences, offer_news
from services.decision_links import read_token
from services.keys import Caller
from services.offer_documents import current_changes, keep_changes, seen_reason, seen_state
from services.offer_log import OfferBook, locked, move
from services.offers import get
from services.tokens import Tokens
from store import offers as rows


class Verdict(StrEnum):
    """The decision of the customer's admin."""

    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decided: `actor` for the audit trail, `name` for readers (empty for an operator)."""

    actor: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Content of the decision page; `state` is the effective state.

    `unavailable_reason` is why the link no longer works: withdrawn, expired, account_closed, address_changed.
    """

    offer: Offer
    account: Account
    state: OfferState
    changes: tuple[Change, ...]
    gone: str | None

    @property
    def undecided(self) -> bool:
        """Whether the offer can still be accepted or rejected by this link."""
        return self.state is OfferState.WAITING_FOR_CONFIRMATION and self.gone is None


def look(ctx: OfferBook, session: Session, tokens: Tokens, token: str) -> Decision:
    """Return the decision behind a link, even one that no longer works; changes nothing.

    Raises NotFound (forged, unknown).
    """
    offer, account, address = _resolve(session, tokens, token)
    now = ctx.now
    state, gone = seen_state(offer, now), None
    if address != account.email_version:
        gone = "address_changed"
    elif state is OfferState.CANCELLED:
        gone = seen_reason(offer, now)
    changes = tuple(Change(c["product"], c["now"], c["then"]) for c in current_changes(session, offer, now))
    return Decision(offer, account, state, changes, gone)


def show(ctx: OfferBook, session: Session, tokens: Tokens, token: str) -> Decision:
    """Return the decision behind a link that still works. Raises NotFound, Gone (the code is the reason)."""
    decision = look(ctx, session, tokens, token)
    if decision.gone is not None:
        raise Gone(decision.gone, "This link is no longer valid.", state=decision.state.value)
    return decision


def decide_by_link(ctx: OfferBook, session: Session, tokens: Tokens, token: str, verdict: Verdict) -> Decision:
    """Accept or reject by the link from the mail.

    Raises NotFound; Gone (expired, address changed); IllegalTransition with the state after an earlier
    decision or withdrawal.
    """
    offer, account, address = _resolve(session, tokens, token)
    rows.lock_account(session, account.id)
    if address != account.email_version:
        raise Gone("address_changed", "This link was sent to an address that is no longer the admin's.")
    if seen_reason(offer, ctx.now) == CancelReason.EXPIRED:
        raise Gone("expired", "This offer has expired.", state=OfferState.CANCELLED.value)
    decide(ctx, session, offer.id, verdict, Decider(f"admin:{account.id}", account.admin_email))
    return look(ctx, session, tokens, token)


def decide_by_key(ctx: OfferBook, session: Session, caller: Caller, offer_id: UUID, verdict: Verdict) -> Offer:
    """Accept or reject with the client's own key, or on its behalf with an unbound operator key (programme.md 5.8).

    Raises NotFound, Forbidden (a reseller's key), IllegalTransition.
    """
    offer = get(session, offer_id)
    if caller.reseller_id is not None:
        raise Forbidden(message="A reseller cannot decide its own offer.")
    if caller.account_id is None:
        if not caller.may(Scope.OPERATE):
            raise Forbidden(message="Deciding on behalf of a client requires the scope operate.")
        decider = Decider(f"{caller.actor} on behalf of account:{offer.account_id}")
        return decide(ctx, session, offer_id, verdict, decider)
    if caller.account_id != offer.account_id:
        raise NotFound
    account = session.get_one(Account, offer.account_id)
    return decide(ctx, session, offer_id, verdict, Decider(caller.actor, account.admin_email))


def decide(ctx: OfferBook, session: Session, offer_id: UUID, verdict: Verdict, decider: Decider) -> Offer:
    """Accept or reject, locking the account, then the offer. Raises NotFound, IllegalTransition."""
    account = rows.lock_account(session, get(session, offer_id).account_id)
    offer = locked(session, offer_id)
    assert account is not None
    now = ctx.now
    event = OfferEvent.ACCEPT if verdict is Verdict.ACCEPT else OfferEvent.REJECT
    next_state(seen_state(offer, now), event)
    keep_changes(session, offer, now)
    move(ctx, session, offer, event, decider.actor)
    offer.decided_at, offer.decided_by = now, decider.actor
    if verdict is Verdict.ACCEPT:
        offer.grant_state = GrantState.PENDING.value
        licences.apply(session, ctx.jobs, offer, account, now)
    offer_news.decided(ctx, session, offer, decider.name)
    session.flush()
    return offer


def _resolve(session: Session, tokens: Tokens, token: str) -> tuple[Offer, Account, int]:
    """Return the offer, the account and the address version in a token. Raises NotFound."""
    claims = read_token(tokens, token)
    offer, account = rows.get(session, claims.offer_id), session.get(Account, claims.account_id)
    if offer is None or account is None or offer.account_id != account.id:
        raise NotFound("unknown_token", "This link is not valid.")
    return offer, account, claims.email_version
