"""Offers: send, read, cancel, decide; updates and licences of an account."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.account_docs import LicenceDoc
from api.call import Access, Call, Here, visible_filter, visible_thing
from api.offer_docs import NewOffer, OfferDoc, OfferFilter, UpdatesDoc
from api.routes import Routes
from api.schema import Page, Paging
from domain.errors import Forbidden
from models.keys import Scope
from models.offers import Offer
from services import decisions, licences, offers, updates
from services.decisions import Verdict
from services.offer_documents import document, documents

routes = Routes("offers")


def refuse_other_deciders(call: Call) -> None:
    """Refuse resellers, who cannot decide their own offers; deciding on behalf requires `operate`."""
    if call.caller.account_id is not None:
        call.must_have(Scope.ENQUEUE)
        return
    if call.caller.reseller_id is not None:
        raise Forbidden(message="A reseller cannot decide its own offer.")
    call.must_have(Scope.OPERATE)


READ = Access(Scope.READ, "offer_id", owners.offer)
CANCEL = Access(Scope.ENQUEUE, "offer_id", owners.offer, not_account=True)
DECIDE = Access(None, "offer_id", owners.offer, guard=refuse_other_deciders)
ACCOUNT = Access(Scope.READ, "account_id", owners.account)


def shown(call: Call, offer: Offer) -> OfferDoc:
    """Build the response for an offer."""
    return OfferDoc.model_validate(document(call.session, offer, call.now))


@routes.post("/v1/offers", Access(Scope.ENQUEUE, not_account=True), answer=OfferDoc, status=201, problems=[404])
def send_offer(call: Here, body: NewOffer) -> OfferDoc:
    """Send an offer to a client. 409 `no_instance`; 422 `unknown_product`."""
    visible_thing(call, owners.account, body.reseller_id)
    visible_thing(call, owners.account, body.account_id)
    if body.template_id is not None:
        visible_thing(call, owners.template, body.template_id)
    lines = None if body.lines is None else [line.model_dump(mode="json") for line in body.lines]
    new = offers.NewOffer(
        reseller_id=body.reseller_id,
        account_id=body.account_id,
        template_id=body.template_id,
        lines=lines,
        message=body.message,
        expires_at=body.expires_at,
    )
    return shown(call, offers.send(call.offers, call.session, new, call.caller.actor))


@routes.get("/v1/offers", Access(Scope.READ), answer=Page[OfferDoc], problems=[404])
def list_offers(call: Here, query: Annotated[OfferFilter, Query()]) -> Page[OfferDoc]:
    """List offers, newest first."""
    visible_filter(call, owners.account, query.reseller)
    visible_filter(call, owners.account, query.account)
    page = offers.listed(
        call.session,
        call.now,
        reseller_id=query.reseller or call.caller.reseller_id,
        account_id=query.account or call.caller.account_id,
        state=query.state,
        cursor=query.cursor,
        limit=query.limit,
    )
    views = documents(call.session, page.items, call.now)
    return Page(items=[OfferDoc.model_validate(view) for view in views], next=page.next)


@routes.get("/v1/offers/{offer_id}", READ, answer=OfferDoc)
def get_offer(call: Here, offer_id: UUID) -> OfferDoc:
    """Return an offer with its events, oldest first."""
    return shown(call, offers.get(call.session, offer_id))


@routes.post("/v1/offers/{offer_id}/cancel", CANCEL, answer=OfferDoc)
def cancel_offer(call: Here, offer_id: UUID) -> OfferDoc:
    """Withdraw an offer. 409 `illegal_transition` with the state."""
    return shown(call, offers.cancel(call.offers, call.session, offer_id, call.caller.actor))


@routes.post("/v1/offers/{offer_id}/accept", DECIDE, answer=OfferDoc)
def accept_offer(call: Here, offer_id: UUID) -> OfferDoc:
    """Accept an offer, with the client's own key or on its behalf. 409 `illegal_transition`."""
    return _decided(call, offer_id, Verdict.ACCEPT)


@routes.post("/v1/offers/{offer_id}/reject", DECIDE, answer=OfferDoc)
def reject_offer(call: Here, offer_id: UUID) -> OfferDoc:
    """Reject an offer, with the client's own key or on its behalf. 409 `illegal_transition`."""
    return _decided(call, offer_id, Verdict.REJECT)


@routes.get("/v1/accounts/{account_id}/updates", ACCOUNT, answer=UpdatesDoc)
def list_updates(call: Here, account_id: UUID, query: Annotated[Paging, Query()]) -> UpdatesDoc:
    """List offers for the customer's admin: open ones first, then the last 20 decided."""
    result = updates.updates(call.session, account_id, call.now, cursor=query.cursor, limit=query.limit)
    items = [OfferDoc.model_validate(offer) for offer in result.items]
    return UpdatesDoc(items=items, next=result.next, count=result.count)


@routes.get("/v1/accounts/{account_id}/licences", ACCOUNT, answer=Page[LicenceDoc])
def list_licences(call: Here, account_id: UUID, query: Annotated[Paging, Query()]) -> Page[LicenceDoc]:
    """List the account's licences, ordered by product."""
    held = [LicenceDoc.model_validate(row) for row in licences.listed(call.session, account_id, call.now)]
    rest = [row for row in held if query.cursor is None or row.product > query.cursor]
    page = rest[: query.limit]
    return Page(items=page, next=page[-1].product if len(rest) > len(page) else None)


def _decided(call: Call, offer_id: UUID, verdict: Verdict) -> OfferDoc:
    return shown(call, decisions.decide_by_key(call.offers, call.session, call.caller, offer_id, verdict))
