"""Offer templates."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.call import Ctx, RoutePolicy, require_visible_filter, require_visible_resource
from api.offer_docs import TemplateIn, TemplateOut, TemplateQuery, TemplateUpdate
from api.routes import Routes
from api.schema import PageOut
from models.keys import Scope
from services import templates

routes = Routes("offers")
READ = RoutePolicy(Scope.READ, "template_id", owners.template)
WRITE = RoutePolicy(Scope.ENQUEUE, "template_id", owners.template)


@routes.post(
    "/v1/offer-templates",
    RoutePolicy(Scope.ENQUEUE, not_account=True),
    response=TemplateOut,
    status=201,
    problems=[404],
)
def create_template(ctx: Ctx, body: TemplateIn) -> TemplateOut:
    """Create a template. 409 `name_taken`; 422 `unknown_product`."""
    require_visible_resource(ctx, owners.account, body.reseller_id)
    lines = [line.model_dump(mode="json") for line in body.lines]
    template = templates.create(ctx.offers, ctx.session, body.reseller_id, body.name, lines)
    return TemplateOut.model_validate(templates.document(template))


@routes.get(
    "/v1/offer-templates", RoutePolicy(Scope.READ, not_account=True), response=PageOut[TemplateOut], problems=[404]
)
def list_templates(ctx: Ctx, query: Annotated[TemplateQuery, Query()]) -> PageOut[TemplateOut]:
    """List templates, newest first."""
    require_visible_filter(ctx, owners.account, query.reseller)
    reseller_id = query.reseller or ctx.caller.reseller_id
    page = templates.listed(ctx.session, reseller_id=reseller_id, cursor=query.cursor, limit=query.limit)
    documents = [TemplateOut.model_validate(templates.document(row)) for row in page.items]
    return PageOut(items=documents, next=page.next)


@routes.get("/v1/offer-templates/{template_id}", READ, response=TemplateOut)
def get_template(ctx: Ctx, template_id: UUID) -> TemplateOut:
    """Return a template."""
    return TemplateOut.model_validate(templates.document(templates.get(ctx.session, template_id)))


@routes.put("/v1/offer-templates/{template_id}", WRITE, response=TemplateOut, problems=[409])
def put_template(ctx: Ctx, template_id: UUID, body: TemplateUpdate) -> TemplateOut:
    """Replace a template's name and lines; offers already sent keep theirs."""
    lines = [line.model_dump(mode="json") for line in body.lines]
    changed = templates.change(ctx.offers, ctx.session, template_id, body.name, lines)
    return TemplateOut.model_validate(templates.document(changed))


@routes.delete("/v1/offer-templates/{template_id}", WRITE, response=TemplateOut)
def delete_template(ctx: Ctx, template_id: UUID) -> TemplateOut:
    """Delete a template; returns its last state."""
    document = TemplateOut.model_validate(templates.document(templates.get(ctx.session, template_id)))
    templates.delete(ctx.session, template_id)
    return document
