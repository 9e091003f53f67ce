"""Offer templates."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.call import Access, Here, visible_filter, visible_thing
from api.offer_docs import NewTemplate, TemplateBody, TemplateDoc, TemplateFilter
from api.routes import Routes
from api.schema import Page
from models.keys import Scope
from services import templates

routes = Routes("offers")
READ = Access(Scope.READ, "template_id", owners.template)
WRITE = Access(Scope.ENQUEUE, "template_id", owners.template)


@routes.post(
    "/v1/offer-templates",
    Access(Scope.ENQUEUE, not_account=True),
    answer=TemplateDoc,
    status=201,
    problems=[404],
)
def create_template(call: Here, body: NewTemplate) -> TemplateDoc:
    """Create a template. 409 `name_taken`; 422 `unknown_product`."""
    visible_thing(call, owners.account, body.reseller_id)
    lines = [line.model_dump(mode="json") for line in body.lines]
    template = templates.create(call.offers, call.session, body.reseller_id, body.name, lines)
    return TemplateDoc.model_validate(templates.document(template))


@routes.get("/v1/offer-templates", Access(Scope.READ, not_account=True), answer=Page[TemplateDoc], problems=[404])
def list_templates(call: Here, query: Annotated[TemplateFilter, Query()]) -> Page[TemplateDoc]:
    """List templates, newest first."""
    visible_filter(call, owners.account, query.reseller)
    reseller_id = query.reseller or call.caller.reseller_id
    page = templates.listed(call.session, reseller_id=reseller_id, cursor=query.cursor, limit=query.limit)
    documents = [TemplateDoc.model_validate(templates.document(row)) for row in page.items]
    return Page(items=documents, next=page.next)


@routes.get("/v1/offer-templates/{template_id}", READ, answer=TemplateDoc)
def get_template(call: Here, template_id: UUID) -> TemplateDoc:
    """Return a template."""
    return TemplateDoc.model_validate(templates.document(templates.get(call.session, template_id)))


@routes.put("/v1/offer-templates/{template_id}", WRITE, answer=TemplateDoc, problems=[409])
def put_template(call: Here, template_id: UUID, body: TemplateBody) -> TemplateDoc:
    """Replace a template's name and lines; offers already sent keep theirs."""
    lines = [line.model_dump(mode="json") for line in body.lines]
    changed = templates.change(call.offers, call.session, template_id, body.name, lines)
    return TemplateDoc.model_validate(templates.document(changed))


@routes.delete("/v1/offer-templates/{template_id}", WRITE, answer=TemplateDoc)
def delete_template(call: Here, template_id: UUID) -> TemplateDoc:
    """Delete a template; returns its last state."""
    document = TemplateDoc.model_validate(templates.document(templates.get(call.session, template_id)))
    templates.delete(call.session, template_id)
    return document
