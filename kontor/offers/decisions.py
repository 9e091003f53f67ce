"""Decisions: the customer's admin accepts or rejects an offer once, on a page or with an API key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import addresses
from kontor.accounts.suspension import require_not_suspended
from kontor.context import Context
from kontor.http.keys import Principal
from kontor.kernel.errors import Forbidden, Gone, NotFound
from kontor.kernel.states import CancelReason, OfferEvent, OfferState
from kontor.kernel.tokens import Tokens
from kontor.licences import service as licences
from kontor.licences.rules import CountChange
from kontor.mails import strangers
from kontor.offers import notifications, queries
from kontor.offers.evidence import DecisionSource, DecisionWay, evidence_of
from kontor.offers.holds import require_free
from kontor.offers.notifications import read_decision_token
from kontor.offers.rules import IllegalTransition, next_state
from kontor.offers.service import get
from kontor.offers.transitions import lock_offer, transition
from kontor.offers.views import current_changes, freeze_changes, reason_at, state_at
from models.accounts import Account
from models.keys import Scope
from models.offers import GrantState, Offer

LINK: Final = DecisionSource(DecisionWay.LINK)
ADDRESSED: Final = frozenset({DecisionWay.LINK, DecisionWay.PORTAL})
"""Ways that rest on the admin address; a key rests on who made it."""


class DecisionChoice(StrEnum):
    """The decision of the customer's admin."""

    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class DecidedBy:
    """Who decided: `actor` for the audit trail, `name` for readers (empty for an operator)."""

    actor: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class DecisionView:
    """Content of the decision page; `state` is the effective state.

    `unavailable_reason` is why the link no longer works: withdrawn, expired, account_closed, account_moved,
    address_changed.
    """

    offer: Offer
    account: Account
    state: OfferState
    changes: tuple[CountChange, ...]
    unavailable_reason: str | None

    @property
    def undecided(self) -> bool:
        """Whether the offer can still be accepted or rejected by this link."""
        return self.state is OfferState.WAITING_FOR_CONFIRMATION and self.unavailable_reason is None


def peek(ctx: Context, session: Session, tokens: Tokens, token: str) -> DecisionView:
    """Return the decision behind a link, even one that no longer works; changes nothing.

    Raises NotFound (forged, unknown).
    """
    offer, account, address = _resolve(session, tokens, token)
    now = ctx.now
    state, unavailable_reason = state_at(offer, now), None
    if address != account.email_version:
        unavailable_reason = "address_changed"
    elif state is OfferState.CANCELLED:
        unavailable_reason = reason_at(offer, now)
    return DecisionView(offer, account, state, current_changes(session, offer, now), unavailable_reason)


def require_open(ctx: Context, session: Session, tokens: Tokens, token: str) -> DecisionView:
    """Return the decision behind a link that still works. Raises NotFound, Gone (the code is the reason)."""
    decision = peek(ctx, session, tokens, token)
    if decision.unavailable_reason is not None:
        raise Gone(decision.unavailable_reason, "This link is no longer valid.", state=decision.state.value)
    return decision


def decide_by_link(
    ctx: Context,
    session: Session,
    tokens: Tokens,
    token: str,
    verdict: DecisionChoice,
    source: DecisionSource = LINK,
) -> DecisionView:
    """Accept or reject by the link from the mail, the use of which confirms the address that it was mailed to.

    Raises NotFound; Gone (expired, address changed); IllegalTransition with the state after an earlier
    decision or withdrawal; Conflict(`address_unconfirmed`, `offer_held`).
    """
    offer, account, address = _resolve(session, tokens, token)
    source = replace(source, mailed=read_decision_token(tokens, token).domain)
    queries.lock_account(session, account.id)
    if address != account.email_version:
        raise Gone("address_changed", "This link was sent to an address that is no longer the admin's.")
    if reason_at(offer, ctx.now) == CancelReason.EXPIRED:
        raise Gone("expired", "This offer has expired.", state=OfferState.CANCELLED.value)
    addresses.confirm(session, account, ctx.now)
    decider = DecidedBy(f"admin:{account.id}", account.admin_email)
    decide(ctx, session, offer.id, verdict, decider, source)
    strangers.confirm(session, account, ctx.now)
    return peek(ctx, session, tokens, token)


def decide_by_key(
    ctx: Context,
    session: Session,
    caller: Principal,
    offer_id: UUID,
    verdict: DecisionChoice,
    source: DecisionSource | None = None,
) -> Offer:
    """Accept or reject with the client's own key, or on its behalf with an unbound operator key (programme.md 5.8).

    Raises NotFound, Forbidden (a reseller's key, or one that a reseller made), IllegalTransition.
    """
    offer = get(session, offer_id)
    if caller.reseller_id is not None:
        raise Forbidden(message="A reseller cannot decide its own offer.")
    if caller.account_id is None:
        if not caller.has_scope(Scope.OPERATE):
            raise Forbidden(message="Deciding on behalf of a client requires the scope operate.")
        decider = DecidedBy(f"{caller.actor} on behalf of account:{offer.account_id}")
        return decide(ctx, session, offer_id, verdict, decider, source or DecisionSource(DecisionWay.OPERATOR))
    if caller.account_id != offer.account_id:
        raise NotFound
    if not caller.has_scope(Scope.DECIDE):
        raise Forbidden(message="This key lacks the scope decide.", scope=Scope.DECIDE.value)
    account = session.get_one(Account, offer.account_id)
    decider = DecidedBy(caller.actor, account.admin_email)
    return decide(ctx, session, offer_id, verdict, decider, source or DecisionSource(DecisionWay.KEY))


def decide(
    ctx: Context,
    session: Session,
    offer_id: UUID,
    verdict: DecisionChoice,
    decider: DecidedBy,
    source: DecisionSource = LINK,
) -> Offer:
    """Accept or reject, locking the account, then the offer.

    Raises NotFound, IllegalTransition, Conflict(`account_suspended`, `offer_held`; of a link, `address_unconfirmed`).
    """
    account = queries.lock_account(session, get(session, offer_id).account_id)
    offer = lock_offer(session, offer_id)
    assert account is not None
    now = ctx.now
    event = OfferEvent.ACCEPT if verdict is DecisionChoice.ACCEPT else OfferEvent.REJECT
    next_state(state_at(offer, now), event)
    if offer.reseller_id != account.reseller_id:
        raise IllegalTransition(OfferState.CANCELLED, event)
    require_not_suspended(account, session.get(Account, offer.reseller_id))
    require_free(offer)
    if source.via in ADDRESSED:
        addresses.require_deciding(session, account, now)
    freeze_changes(session, offer, now)
    transition(ctx, session, offer, event, decider.actor, evidence_of(session, account, source))
    offer.decided_at, offer.decided_by = now, decider.actor
    if verdict is DecisionChoice.ACCEPT:
        offer.grant_state = GrantState.PENDING.value
        licences.apply_offer(session, ctx.jobs, offer, account, now)
    notifications.notify_decided(ctx, session, offer, decider.name)
    session.flush()
    return offer


def _resolve(session: Session, tokens: Tokens, token: str) -> tuple[Offer, Account, int]:
    """Return the offer, the account and the address version in a token. Raises NotFound."""
    claims = read_decision_token(tokens, token)
    offer, account = queries.get(session, claims.offer_id), session.get(Account, claims.account_id)
    if offer is None or account is None or offer.account_id != account.id:
        raise NotFound("unknown_token", "This link is not valid.")
    return offer, account, claims.email_version
