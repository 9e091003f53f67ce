"""Objections to a changed address hold the open offers: nobody decides them, none expires (programme.md 5.8)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import address_links, addresses
from kontor.accounts.address_links import AddressLink, AddressRole
from kontor.accounts.locks import lock_account
from kontor.audit import Actor, record
from kontor.context import Context
from kontor.kernel.errors import Conflict, Gone
from kontor.kernel.states import OfferState
from kontor.kernel.tokens import Tokens
from kontor.kernel.validation import address_key
from kontor.mails import service as mails
from kontor.mails.service import Links, MailRule
from kontor.offers import queries
from kontor.offers.payloads import OfferExpire
from kontor.offers.rules import OPEN_STATES
from kontor.offers.transitions import lock_offer
from kontor.operators import service as operators
from models.accounts import Account
from models.mails import Mail
from models.offers import HeldBy, Offer

TEMPLATE: Final = "address-objected"


def require_free(offer: Offer) -> None:
    """Raise Conflict(`offer_held`) while the offer is held."""
    if offer.held_by is not None:
        message = "Somebody objected to the account's new address: an operator has to free the offer first."
        raise Conflict("offer_held", message, held_by=offer.held_by)


def hold_if_contested(ctx: Context, session: Session, account: Account, offer: Offer) -> None:
    """Hold a new offer to an account whose address somebody objected to."""
    if addresses.contested(session, account) is not None:
        _hold(ctx, offer)


def hold_open_offers(ctx: Context, session: Session, account: Account) -> int:
    """Hold every open offer to a locked account; return how many."""
    held = 0
    for offer_id in queries.open_ids(session, account_id=account.id):
        offer = lock_offer(session, offer_id)
        open_ = OfferState(offer.state) in OPEN_STATES and ctx.now < queries.end_of(offer)
        if open_ and offer.account_id == account.id and offer.held_by is None:
            _hold(ctx, offer)
            held += 1
    session.flush()
    return held


def _hold(ctx: Context, offer: Offer) -> None:
    offer.held_by, offer.held_at = HeldBy.OBJECTION.value, ctx.now


def free_offers(ctx: Context, session: Session, account_id: UUID, actor: Actor) -> int:
    """Settle an objection for an operator: its offers go on, as long as they still had; return how many.

    Raises NotFound, Conflict(`not_held`, `account_deleted`).
    """
    account = lock_account(session, account_id)
    address = addresses.contested(session, account)
    if address is None:
        raise Conflict("not_held", "Nobody objected to this account's address.")
    return _free(ctx, session, account, actor)


def free_if_given_back(ctx: Context, session: Session, account: Account, actor: Actor) -> None:
    """Settle an objection once an operator gave the account the address that the objector had."""
    address = addresses.contested(session, account)
    if address is not None and address_key(address.replaced or "") == account.email_key:
        _free(ctx, session, account, actor)


def _free(ctx: Context, session: Session, account: Account, actor: Actor) -> int:
    while (address := addresses.contested(session, account)) is not None:
        address.freed_at = ctx.now
        session.flush()
    freed = 0
    for offer_id in queries.held_ids(session, account.id):
        offer = lock_offer(session, offer_id)
        if offer.held_by is None or offer.held_at is None:
            continue
        offer.open_until = ctx.now + ((offer.open_until or offer.expires_at) - offer.held_at)
        offer.held_by = offer.held_at = None
        ctx.jobs.enqueue(
            session, OfferExpire(offer_id=offer.id), tenant=str(offer.reseller_id), run_at=offer.open_until
        )
        freed += 1
    record(session, actor, "offers.free", f"account:{account.id}", at=ctx.now, detail={"offers": freed})
    session.flush()
    return freed


def peek(ctx: Context, session: Session, tokens: Tokens, token: str) -> AddressLink:
    """Return what an objection link is about; changes nothing. Raises NotFound, Gone."""
    return _contestable(address_links.resolve(ctx, session, tokens, AddressRole.OLD, token))


def object_to_change(ctx: Context, session: Session, tokens: Tokens, token: str) -> AddressLink:
    """Record the objection, hold the open offers and mail reseller and operators; a repeat changes nothing.

    Raises NotFound (forged), Gone (expired, settled, or a change that nobody may object to).
    """
    link = _contestable(address_links.resolve(ctx, session, tokens, AddressRole.OLD, token, lock=True))
    if link.address.objected_at is not None:
        return link
    link.address.objected_at = ctx.now
    session.flush()
    held = hold_open_offers(ctx, session, link.account)
    _notify(ctx, session, link, held)
    return link


def _contestable(link: AddressLink) -> AddressLink:
    """Return the link if its change may be objected to, or was. Raises Gone."""
    if link.address.freed_at is not None:
        raise Gone("settled", "An operator has settled the objection.")
    if not address_links.may_be_contested(link.address):
        raise Gone("not_contestable", "Nobody may object to this change.")
    return link


def _notify(ctx: Context, session: Session, link: AddressLink, held: int) -> None:
    account, address = link.account, link.address
    facts = {
        "account": account.name,
        "old_address": address.replaced,
        "new_address": address.address,
        "objected_at": ctx.now,
        "offers": held,
    }
    key, refs = f"{account.id}:{address.version}", {"account_id": str(account.id)}
    reseller = None if account.reseller_id is None else session.get(Account, account.reseller_id)
    if reseller is not None:
        mails.post(
            session, ctx.jobs, template=TEMPLATE, account=reseller, facts={**facts, "for_operators": False},
            fact_key=key, refs=refs,
        )  # fmt: skip
    for operator in operators.operators_who_can_act(session):
        mails.post_to(
            session, ctx.jobs, template=TEMPLATE, address=operator.email, facts={**facts, "for_operators": True},
            fact_key=key, refs=refs,
        )  # fmt: skip


def _links(_session: Session, _tokens: Tokens, mail: Mail) -> Links:
    return {"console": f"/console/accounts/{mail.refs['account_id']}"}


MAIL_RULES: Final = {TEMPLATE: MailRule(links=_links)}
