"""Routes of offers and offer templates."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor.accounts import service as accounts
from kontor.audit import Actor
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy, require_visible_filter, require_visible_resource
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery, RequestModel, ResponseModel
from kontor.kernel.errors import Forbidden
from kontor.licences import service as licences
from kontor.mails import resend, strangers
from kontor.offers import decisions, holds, inbox, service, templates
from kontor.offers.decisions import DecisionChoice
from kontor.offers.evidence import DecisionSource, DecisionWay
from kontor.offers.schemas import (
    BadgeOut,
    LicenceOut,
    LineIn,
    LineQuery,
    OfferIn,
    OfferOut,
    OfferQuery,
    SentOfferOut,
    TemplateIn,
    TemplateOut,
    TemplateQuery,
    TemplateUpdate,
    UpdatesOut,
)
from kontor.offers.views import offer_out, offer_outs
from kontor.programme import service as programmes
from kontor.provisioning.kept import notes_of
from models.keys import Scope
from models.offers import Offer

routes = Routes("offers")


def refuse_other_deciders(ctx: RequestContext) -> None:
    """Refuse resellers, who cannot decide their own offers; deciding on behalf requires `operate`."""
    if ctx.caller.account_id is not None:
        ctx.require_scope(Scope.DECIDE)
        return
    if ctx.caller.reseller_id is not None:
        raise Forbidden(message="A reseller cannot decide its own offer.")
    ctx.require_scope(Scope.OPERATE)


READ = RoutePolicy(Scope.READ, "offer_id", ownership.offer)
CANCEL = RoutePolicy(Scope.ENQUEUE, "offer_id", ownership.offer, not_account=True)
DECIDE = RoutePolicy(None, "offer_id", ownership.offer, guard=refuse_other_deciders)
ACCOUNT = RoutePolicy(Scope.READ, "account_id", ownership.account)


def shown(ctx: RequestContext, offer: Offer) -> OfferOut:
    """Build the response for an offer."""
    return offer_out(ctx.session, offer, ctx.now, ctx.caller.viewer)


@routes.post(
    "/v1/offers", RoutePolicy(Scope.ENQUEUE, not_account=True), response=SentOfferOut, status=201, problems=[404]
)
def send_offer(ctx: Ctx, body: OfferIn) -> SentOfferOut:
    """Send an offer to a client. 409 `no_instance`, `external_id_taken`; 422 `unknown_product`; 429 `too_many`."""
    require_visible_resource(ctx, ownership.reseller, body.reseller_id)
    require_visible_resource(ctx, ownership.account, body.account_id)
    if body.template_id is not None:
        require_visible_resource(ctx, ownership.template, body.template_id)
    new = service.NewOffer(**body.model_dump(exclude={"metadata"}), notes=notes_of(ctx, body.metadata))
    offer = service.send(ctx.context, ctx.session, new, ctx.caller.actor)
    address = accounts.get(ctx.session, offer.account_id).admin_email
    fate = strangers.fate_of_next(ctx.session, offer.reseller_id, address, ctx.now)
    return SentOfferOut(**dict(shown(ctx, offer)), mail=fate)


@routes.get("/v1/offers", RoutePolicy(Scope.READ), response=PageOut[OfferOut], problems=[404])
def list_offers(ctx: Ctx, query: Annotated[OfferQuery, Query()]) -> PageOut[OfferOut]:
    """List offers, newest first."""
    require_visible_filter(ctx, ownership.reseller, query.reseller)
    require_visible_filter(ctx, ownership.account, query.account)
    page = service.list_offers(
        ctx.session,
        ctx.now,
        reseller_id=query.reseller or ctx.caller.reseller_id,
        account_id=query.account or ctx.caller.account_id,
        state=query.state,
        external_id=query.external_id,
        created=query.created,
        cursor=query.cursor,
        limit=query.limit,
    )
    return PageOut(items=offer_outs(ctx.session, page.items, ctx.now, ctx.caller.viewer), next=page.next)


@routes.get("/v1/offers/{offer_id}", READ, response=OfferOut)
def get_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Return an offer with its events, oldest first."""
    return shown(ctx, service.get(ctx.session, offer_id))


@routes.post("/v1/offers/{offer_id}/cancel", CANCEL, response=OfferOut)
def cancel_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Withdraw an offer. 409 `illegal_transition` with the state."""
    return shown(ctx, service.cancel(ctx.context, ctx.session, offer_id, ctx.caller.actor))


@routes.post("/v1/offers/{offer_id}/mail", CANCEL, response=OfferOut)
def mail_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Send the mail about an offer that awaits a decision again. 409 `illegal_transition`, `not_sendable`."""
    offer = service.get(ctx.session, offer_id)
    actor = Actor(ctx.caller.actor, f"api {ctx.incoming.origin}")
    resend.resend_of_offer(ctx.context, ctx.session, offer, actor)
    return shown(ctx, offer)


@routes.post("/v1/offers/{offer_id}/accept", DECIDE, response=OfferOut)
def accept_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Accept an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`."""
    return _decided(ctx, offer_id, DecisionChoice.ACCEPT)


@routes.post("/v1/offers/{offer_id}/reject", DECIDE, response=OfferOut)
def reject_offer(ctx: Ctx, offer_id: UUID) -> OfferOut:
    """Reject an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`."""
    return _decided(ctx, offer_id, DecisionChoice.REJECT)


@routes.get("/v1/accounts/{account_id}/updates", ACCOUNT, response=UpdatesOut)
def list_updates(ctx: Ctx, account_id: UUID, query: Annotated[PageQuery, Query()]) -> UpdatesOut:
    """List offers for the customer's admin: open ones first, then the last 20 decided; to a reseller its own."""
    caller = ctx.caller
    mine = caller.reseller_id if caller.reseller_id != account_id else None
    return inbox.read_inbox(
        ctx.session, account_id, ctx.now, caller.viewer, reseller_id=mine, cursor=query.cursor, limit=query.limit
    )


@routes.get("/v1/accounts/{account_id}/badge", ACCOUNT, response=BadgeOut)
def read_badge(ctx: Ctx, account_id: UUID) -> BadgeOut:
    """Return how many offers await the account's decision; to a reseller of its own."""
    mine = ctx.caller.reseller_id if ctx.caller.reseller_id != account_id else None
    return BadgeOut(count=inbox.count_open(ctx.session, account_id, ctx.now, mine))


@routes.get("/v1/accounts/{account_id}/licences", ACCOUNT, response=PageOut[LicenceOut])
def list_licences(ctx: Ctx, account_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[LicenceOut]:
    """List the account's licences, ordered by product."""
    hidden = hidden_products(ctx, account_id)
    balances = licences.balances(ctx.session, account_id, ctx.now)
    held = [LicenceOut.model_validate(row) for row in balances if row.product not in hidden]
    rest = [row for row in held if query.cursor is None or row.product > query.cursor]
    page = rest[: query.limit]
    return PageOut(items=page, next=page[-1].product if len(rest) > len(page) else None)


def hidden_products(ctx: RequestContext, account_id: UUID) -> set[str]:
    """Return the products of an account's programme that the caller must not see: those of other resellers."""
    if ctx.caller.reseller_id is None:
        return set()
    code = accounts.get(ctx.session, account_id).programme
    return programmes.products_of_others(ctx.session, code, ctx.caller.reseller_id)


def _decided(ctx: RequestContext, offer_id: UUID, verdict: DecisionChoice) -> OfferOut:
    way = DecisionWay.OPERATOR if ctx.caller.account_id is None else DecisionWay.KEY
    source = DecisionSource(way, ctx.incoming.origin, ctx.incoming.headers.get("user-agent"))
    return shown(ctx, decisions.decide_by_key(ctx.context, ctx.session, ctx.caller, offer_id, verdict, source))


class FreeOffersIn(RequestModel):
    """Why an objection is settled."""

    reason: str = Field(min_length=1, max_length=1_000)


class FreedOffersOut(ResponseModel):
    """How many offers go on."""

    offers: int


FREE = RoutePolicy(Scope.OPERATE, "account_id", ownership.account, unbound_only=True)


@routes.post("/v1/accounts/{account_id}/free-offers", FREE, response=FreedOffersOut)
def free_offers(ctx: Ctx, account_id: UUID, body: FreeOffersIn) -> FreedOffersOut:
    """Settle an objection to the account's address: its held offers go on. 409 `not_held`."""
    actor = Actor(ctx.caller.actor, reason=body.reason)
    return FreedOffersOut(offers=holds.free_offers(ctx.context, ctx.session, account_id, actor))


template_routes = Routes("offers")
READ_TEMPLATE = RoutePolicy(Scope.READ, "template_id", ownership.template)
WRITE_TEMPLATE = RoutePolicy(Scope.ENQUEUE, "template_id", ownership.template)


@template_routes.post(
    "/v1/offer-templates",
    RoutePolicy(Scope.ENQUEUE, not_account=True),
    response=TemplateOut,
    status=201,
    problems=[404],
)
def create_template(ctx: Ctx, body: TemplateIn) -> TemplateOut:
    """Create a template. 409 `name_taken`; 422 `unknown_product`."""
    require_visible_resource(ctx, ownership.reseller, body.reseller_id)
    lines = [line.model_dump(mode="json") for line in body.lines]
    template = templates.create(ctx.context, ctx.session, body.reseller_id, body.name, lines)
    return TemplateOut.model_validate(template)


@template_routes.get(
    "/v1/offer-templates", RoutePolicy(Scope.READ, not_account=True), response=PageOut[TemplateOut], problems=[404]
)
def list_templates(ctx: Ctx, query: Annotated[TemplateQuery, Query()]) -> PageOut[TemplateOut]:
    """List templates, newest first."""
    require_visible_filter(ctx, ownership.reseller, query.reseller)
    reseller_id = query.reseller or ctx.caller.reseller_id
    page = templates.list_templates(ctx.session, reseller_id=reseller_id, cursor=query.cursor, limit=query.limit)
    return PageOut(items=[TemplateOut.model_validate(row) for row in page.items], next=page.next)


@template_routes.get("/v1/offer-templates/{template_id}", READ_TEMPLATE, response=TemplateOut)
def get_template(ctx: Ctx, template_id: UUID) -> TemplateOut:
    """Return a template."""
    return TemplateOut.model_validate(templates.get(ctx.session, template_id))


@template_routes.put("/v1/offer-templates/{template_id}", WRITE_TEMPLATE, response=TemplateOut, problems=[409])
def put_template(ctx: Ctx, template_id: UUID, body: TemplateUpdate) -> TemplateOut:
    """Replace a template's name and lines; offers already sent keep theirs."""
    lines = [line.model_dump(mode="json") for line in body.lines]
    changed = templates.change(ctx.context, ctx.session, template_id, body.name, lines)
    return TemplateOut.model_validate(changed)


LINES: Final = "/v1/offer-templates/{template_id}/lines"


@template_routes.post(LINES, WRITE_TEMPLATE, response=TemplateOut)
def add_line(ctx: Ctx, template_id: UUID, body: LineIn) -> TemplateOut:
    """Add a line to a template, in place of that product's. 422 `unknown_product`."""
    return TemplateOut.model_validate(templates.add_line(ctx.context, ctx.session, template_id, body.model_dump()))


@template_routes.delete(LINES, WRITE_TEMPLATE, response=TemplateOut)
def remove_line(ctx: Ctx, template_id: UUID, query: Annotated[LineQuery, Query()]) -> TemplateOut:
    """Remove a product's line from a template. 404 `unknown_line`."""
    return TemplateOut.model_validate(templates.remove_line(ctx.context, ctx.session, template_id, query.product))


@template_routes.delete("/v1/offer-templates/{template_id}", WRITE_TEMPLATE, response=TemplateOut)
def delete_template(ctx: Ctx, template_id: UUID) -> TemplateOut:
    """Delete a template; returns its last state."""
    document = TemplateOut.model_validate(templates.get(ctx.session, template_id))
    templates.delete(ctx.session, template_id)
    return document
