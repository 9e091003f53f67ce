"""Offers: send, read, cancel, decide; updates and licences of an account."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.account_docs import LicenceOut
from api.call import Ctx, RequestContext, RoutePolicy, require_visible_filter, require_visible_resource
from api.offer_docs import OfferIn, OfferOut, OfferQuery, UpdatesOut
from api.routes import Routes
from api.schema import PageOut, PageQuery
from domain.errors import Forbidden
from models.keys import Scope
from models.offers import Offer
from services import decisions, licences, offers, updates
from services.decisions import Verdict
from services.offer_documents import document, documents

routes = Routes("offers")


def refuse_other_deciders(ctx: RequestContext) -> None:
    """Refuse resellers, who cannot decide their own offers; deciding on behalf requires `operate`."""
    if ctx.caller.account_id is not None:
        ctx.require_scope(Scope.ENQUEUE)
        return
    if ctx.caller.reseller_id is not None:
        raise Forbidden(message="A reseller cannot decide its own offer.")
    ctx.require_scope(Scope.OPERATE)


READ = RoutePolicy(Scope.READ, "offer_id", owners.offer)
CANCEL = RoutePolicy(Scope.ENQUEUE, "offer_id", owners.offer, not_account=True)
DECIDE = RoutePolicy(None, "offer_id", owners.offer, guard=refuse_other_deciders)
ACCOUNT = RoutePolicy(Scope.READ, "account_id", owners.account)


def shown(ctx: RequestContext, offer: Offer) -> OfferOut:
    """Build the response for an offer."""
    return OfferOut.model_validate(document(ctx.session, offer, ctx.now))


@routes.post("/v1/offers", RoutePolicy(Scope.ENQUEUE, not_account=True), response=OfferOut, status=201, problems=[404])
def send_offer(ctx: Ctx, body: OfferIn) -> OfferOut:
    """Send an offer to a client. 409 `no_instance`; 422 `unknown_product`."""
    require_visible_resource(ctx, owners.account, body.reseller_id)
    require_visible_resource(ctx, owners.account, body.account_id)
    if body.template_id is not None:
        require_visible_resource(ctx, owners.template, body.template_id)
    lines = None if body.lines is None else [line.model_dump(mode="json") for line in body.lines]
    new = offers.NewOffer(
        reseller_id=body.reseller_id,
        account_id=body.account_id,
        template_id=body.template_id,
        lines=lines,
        message=body.message,
        expires_at=body.expires_at,
    )
    return shown(ctx, offers.send(ctx.offers, ctx.session, new, ctx.caller.actor))


@routes.get("/v1/offers", RoutePolicy(Scope.READ), response=PageOut[OfferOut], problems=[404])
def list_offers(ctx: Ctx, query: Annotated[OfferQuery, Query()]) -> PageOut[OfferOut]:
    """List offers, newest first."""
    require_visible_filter(ctx, owners.account, query.reseller)
    require_visible_filter(ctx, owners.account, query.account)
    page = offers.listed(
        ctx.session,
        ctx.now,
        reseller_id=query.reseller or ctx.caller.reseller_id,
        account_id=query.account or ctx.caller.account_id,
        state=query.state,
        cursor=query.cursor,
        limit=query.limit,
    )
    views = documents(ctx.session, page.items, ctx.now)
    return PageOut(items=[OfferOut.model_validate(view) for view in views], next=page.next)


@routes.get("/v1/offers/{offer_id}", READ, response=OfferOut)
def get_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Return an offer with its events, oldest first."""
    return shown(ctx, offers.get(ctx.session, offer_id))


@routes.post("/v1/offers/{offer_id}/cancel", CANCEL, response=OfferOut)
def cancel_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Withdraw an offer. 409 `illegal_transition` with the state."""
    return shown(ctx, offers.cancel(ctx.offers, ctx.session, offer_id, ctx.caller.actor))


@routes.post("/v1/offers/{offer_id}/accept", DECIDE, response=OfferOut)
def accept_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Accept an offer, with the client's own key or on its behalf. 409 `illegal_transition`."""
    return _decided(ctx, offer_id, Verdict.ACCEPT)


@routes.post("/v1/offers/{offer_id}/reject", DECIDE, response=OfferOut)
def reject_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Reject an offer, with the client's own key or on its behalf. 409 `illegal_transition`."""
    return _decided(ctx, offer_id, Verdict.REJECT)


@routes.get("/v1/accounts/{account_id}/updates", ACCOUNT, response=UpdatesOut)
def list_updates(ctx: Ctx, account_id: UUID, query: Annotated[PageQuery, Query()]) -> UpdatesOut:
    """List offers for the customer's admin: open ones first, then the last 20 decided."""
    result = updates.updates(ctx.session, account_id, ctx.now, cursor=query.cursor, limit=query.limit)
    items = [OfferOut.model_validate(offer) for offer in result.items]
    return UpdatesOut(items=items, next=result.next, count=result.count)


@routes.get("/v1/accounts/{account_id}/licences", ACCOUNT, response=PageOut[LicenceOut])
def list_licences(ctx: Ctx, account_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[LicenceOut]:
    """List the account's licences, ordered by product."""
    held = [LicenceOut.model_validate(row) for row in licences.listed(ctx.session, account_id, ctx.now)]
    rest = [row for row in held if query.cursor is None or row.product > query.cursor]
    page = rest[: query.limit]
    return PageOut(items=page, next=page[-1].product if len(rest) > len(page) else None)


def _decided(ctx: RequestContext, offer_id: UUID, verdict: Verdict) -> OfferOut:
    return shown(ctx, decisions.decide_by_key(ctx.offers, ctx.session, ctx.caller, offer_id, verdict))
