"""Decisions: the customer's admin accepts or rejects, on a page or with a key, once."""

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
    """What the customer's admin says."""

    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides: `actor` for the record, `name` for people (empty for an operator)."""

    actor: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the decision page shows. `state` is what a read sees.

    `gone` says why the link is of no use: withdrawn, expired, account_closed, address_changed.
    """

    offer: Offer
    account: Account
    state: OfferState
    changes: tuple[Change, ...]
    gone: str | None

    @property
    def undecided(self) -> bool:
        """Whether the two buttons make sense."""
        return self.state is OfferState.WAITING_FOR_CONFIRMATION and self.gone is None


def look(book: OfferBook, session: Session, tokens: Tokens, token: str) -> Decision:
    """What the link leads to, of use or not; decides nothing. Raises NotFound (forged, unknown)."""
    offer, account, address = _resolve(session, tokens, token)
    now = book.now
    state, gone = seen_state(offer, now), None
    if address != account.email_version:
        gone = "address_changed"
    elif state is OfferState.CANCELLED:
        gone = seen_reason(offer, now)
    changes = tuple(Change(c["product"], c["now"], c["then"]) for c in current_changes(session, offer, now))
    return Decision(offer, account, state, changes, gone)


def show(book: OfferBook, session: Session, tokens: Tokens, token: str) -> Decision:
    """`look`, for a link that is still of use. Raises NotFound, Gone (code: why)."""
    seen = look(book, session, tokens, token)
    if seen.gone is not None:
        raise Gone(seen.gone, "This link is no longer of use.", state=seen.state.value)
    return seen


def decide_by_link(book: OfferBook, session: Session, tokens: Tokens, token: str, verdict: Verdict) -> Decision:
    """Decide with the capability from the mail.

    Raises NotFound; Gone (expired, address changed); IllegalTransition with the state when somebody
    was faster, a withdrawal included.
    """
    offer, account, address = _resolve(session, tokens, token)
    rows.lock_account(session, account.id)
    if address != account.email_version:
        raise Gone("address_changed", "This link was sent to an address that is no longer the admin's.")
    if seen_reason(offer, book.now) == CancelReason.EXPIRED:
        raise Gone("expired", "This offer has expired.", state=OfferState.CANCELLED.value)
    decide(book, session, offer.id, verdict, Decider(f"admin:{account.id}", account.admin_email))
    return look(book, session, tokens, token)


def decide_by_key(book: OfferBook, session: Session, caller: Caller, offer_id: UUID, verdict: Verdict) -> Offer:
    """Decide with the client's own key, or on its behalf with an unbound operator key (programme.md 5.8).

    Raises NotFound, Forbidden (a reseller's key), IllegalTransition.
    """
    offer = get(session, offer_id)
    if caller.reseller_id is not None:
        raise Forbidden(message="A reseller may not decide its own offer.")
    if caller.account_id is None:
        if not caller.may(Scope.OPERATE):
            raise Forbidden(message="Deciding on behalf of a client needs the scope operate.")
        behalf = Decider(f"{caller.actor} on behalf of account:{offer.account_id}")
        return decide(book, session, offer_id, verdict, behalf)
    if caller.account_id != offer.account_id:
        raise NotFound
    account = session.get_one(Account, offer.account_id)
    return decide(book, session, offer_id, verdict, Decider(caller.actor, account.admin_email))


def decide(book: OfferBook, session: Session, offer_id: UUID, verdict: Verdict, decider: Decider) -> Offer:
    """Accept or reject under the locks of account, then offer. Raises NotFound, IllegalTransition."""
    account = rows.lock_account(session, get(session, offer_id).account_id)
    offer = locked(session, offer_id)
    assert account is not None
    now = book.now
    event = OfferEvent.ACCEPT if verdict is Verdict.ACCEPT else OfferEvent.REJECT
    next_state(seen_state(offer, now), event)
    keep_changes(session, offer, now)
    move(book, session, offer, event, decider.actor)
    offer.decided_at, offer.decided_by = now, decider.actor
    if verdict is Verdict.ACCEPT:
        offer.grant_state = GrantState.PENDING.value
        licences.apply(session, book.jobs, offer, account, now)
    offer_news.decided(book, session, offer, decider.name)
    session.flush()
    return offer


def _resolve(session: Session, tokens: Tokens, token: str) -> tuple[Offer, Account, int]:
    """Offer, account and the version of the address that the token is bound to. Raises NotFound."""
    bound = read_token(tokens, token)
    offer, account = rows.get(session, bound.offer_id), session.get(Account, bound.account_id)
    if offer is None or account is None or offer.account_id != account.id:
        raise NotFound("unknown_token", "This link is not one of ours.")
    return offer, account, bound.email_version
