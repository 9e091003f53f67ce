"""The reseller's templates: named, filled line by line; each change is saved at once and loses no other one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.mailer.formatting import language_of
from kontor.offers import line_form, templates
from kontor.offers.line_form import SoldProduct, TermChoice
from kontor.programme import service as programme_service
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.offers import LineJson, OfferTemplate

TEMPLATES: Final = N("Templates")
TEMPLATE: Final = N("Template")
PAGE_SIZE: Final = 50
MOST_PRODUCTS: Final = 300
TERM_REFUSED: Final = N("This product is offered for the terms beside its name alone.")
UNITS: Final = (("D", N("days")), ("W", N("weeks")), ("M", N("months")), ("Y", N("years")))


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A line and what its form shows. `key`: of what is stored; `typed`: what was refused, in place of it."""

    line: LineJson
    name: str
    key: str
    terms: Sequence[TermChoice]
    free: bool
    typed: Mapping[str, str] | None = None

    def field(self, name: str) -> str:
        """What a field shows."""
        if self.typed is not None and name in self.typed:
            return self.typed[name]
        return str(self.line.get(name, ""))


def show_templates(request: PortalRequest) -> PortalResponse:
    """Show the reseller's templates."""
    return _templates(request)


def create_template(request: PortalRequest) -> PortalResponse:
    """Make an empty template by its name."""
    owner, name = request.person.account, request.incoming.form.get("name", "")
    try:
        with request.session.begin_nested():
            made = templates.create(request.context, request.session, owner.id, name, [])
    except (Conflict, Invalid) as error:
        return refused(request, _templates(request), error)
    return SeeOther(f"/partner/templates/{made.id}?done=template-saved")


def show_template(request: PortalRequest) -> PortalResponse:
    """Show one template with its lines. Raises NotFound."""
    return _template(request, _own(request))


def rename_template(request: PortalRequest) -> PortalResponse:
    """Give a template another name. Raises NotFound."""
    form = request.incoming.form
    name, seen = form.get("name", ""), form.get("seen")
    return _save(request, lambda made: templates.rename(request.context, request.session, made, name, seen))


def copy_template(request: PortalRequest) -> PortalResponse:
    """Make a template with the same lines and another name. Raises NotFound."""
    template, name = _own(request), request.incoming.form.get("copy_name", "")
    try:
        with request.session.begin_nested():
            made = templates.copy(request.context, request.session, template.id, name)
    except (Conflict, Invalid) as error:
        page = refused(request, _template(request, template), error)
        return replace(page, errors={"copy_name": page.errors["name"]} if "name" in page.errors else page.errors)
    return SeeOther(f"/partner/templates/{made.id}?done=template-copied")


def add_line(request: PortalRequest) -> PortalResponse:
    """Add a line to a template; it is saved at once. Raises NotFound."""
    form, products = request.incoming.form, _products(request)
    product = line_form.product_of(form.get("product", ""), products)
    line = {**line_form.line_of(form), "product": form.get("product", "") if product is None else product.code}
    return _save(request, lambda made: templates.append_line(request.context, request.session, made, line), product)


def change_line(request: PortalRequest) -> PortalResponse:
    """Change count, mode and term of a line, unless it has changed since it was read. Raises NotFound."""
    template, number = _own(request), _number(request)
    key, changes = _key(request, template, number), line_form.line_of(request.incoming.form)
    return _save(
        request, lambda made: templates.change_line(request.context, request.session, made, key, changes), number=number
    )


def remove_line(request: PortalRequest) -> PortalResponse:
    """Remove a line of a template, unless it has changed since it was read. Raises NotFound."""
    template = _own(request)
    key = _key(request, template, _number(request))
    return _save(request, lambda made: templates.drop_line(request.context, request.session, made, key))


def remove_template(request: PortalRequest) -> PortalResponse:
    """Delete a template; offers that were sent stay. Raises NotFound."""
    templates.delete(request.session, _own(request).id)
    return SeeOther("/partner/templates?done=template-removed")


def _number(request: PortalRequest) -> int:
    number = request.incoming.params["number"]
    if not number.isascii() or not number.isdigit() or len(number) > 3:
        raise NotFound
    return int(number)


def _key(request: PortalRequest, template: OfferTemplate, number: int) -> str:
    """Return the key of the line that was read; a form without one means the line with the number. Raises NotFound."""
    seen = request.incoming.form.get("seen")
    if seen is not None:
        return seen
    if number >= len(template.lines):
        raise NotFound
    return templates.line_key(template.lines[number])


def _save(
    request: PortalRequest,
    act: Callable[[UUID], OfferTemplate],
    product: SoldProduct | None = None,
    number: int | None = None,
) -> PortalResponse:
    """Change the template; a refusal stands in the row of a line, or in the form that adds one."""
    template = _own(request)
    try:
        with request.session.begin_nested():
            act(template.id)
    except (Conflict, Invalid) as error:
        request.session.expire_all()
        page = refused(request, _template(request, _own(request), number), error)
        shown = product or line_form.product_of(request.incoming.form.get("product", ""), _products(request))
        limited = "term" in page.errors and shown is not None and shown.terms
        return replace(page, errors={**page.errors, "term": TERM_REFUSED}) if limited else page
    return SeeOther(f"/partner/templates/{template.id}?done=template-saved")


def _row(template: OfferTemplate, number: int, product: str) -> int | None:
    """Return where a line that was refused is by now, None when it is gone."""
    products = [line["product"] for line in template.lines]
    if number < len(products) and product in {products[number], ""}:
        return number
    return products.index(product) if product in products else None


def _template(request: PortalRequest, template: OfferTemplate, number: int | None = None) -> PortalPage:
    """Return the page; `number`: of the line whose change was refused and is shown as it was typed."""
    products, form, query = _products(request), request.incoming.form, request.incoming
    row = None if number is None else _row(template, number, form.get("product", ""))
    search, adds = query.param("q") or "", {} if row is not None else form
    chosen = adds.get("product") or query.param("product") or ""
    product, listed = line_form.product_of(chosen, products), line_form.matching(products, search)
    by_code = {each.code: each for each in products}
    values = {
        "template": template,
        "lines": [
            _line(line, by_code.get(line["product"]), form if at == row else None)
            for at, line in enumerate(template.lines)
        ],
        "adds": adds,
        "products": listed[:MOST_PRODUCTS],
        "more": len(listed) > MOST_PRODUCTS,
        "search": search,
        "chosen": chosen if product is None else product.label,
        "terms": line_form.term_choices(product, adds.get("term", "")),
        "free": product is None or not product.terms,
        "usual": line_form.USUAL,
        "units": UNITS,
        "copy_name": templates.free_name(request.session, template),
    }
    return PortalPage("template.html", TEMPLATE, values, page="partner.templates.show", script="_template.js")


def _line(line: LineJson, product: SoldProduct | None, typed: Mapping[str, str] | None) -> TemplateLine:
    return TemplateLine(
        line,
        line["product"] if product is None else product.label,
        templates.line_key(line),
        line_form.term_choices(product, line["term"], "" if typed is None else typed.get("term", "")),
        free=product is None or not product.terms,
        typed=typed,
    )


def _products(request: PortalRequest) -> list[SoldProduct]:
    """Return what the reseller may sell, by name in the reader's language."""
    programme = request.deps.programmes.current(request.session, request.person.account.programme)
    visible = programme_service.visible(programme, request.person.account)
    return line_form.sold_products(visible, language_of(request.locale))


def _templates(request: PortalRequest) -> PortalPage:
    listed = templates.list_templates(
        request.session,
        reseller_id=request.person.account.id,
        cursor=request.incoming.param("cursor"),
        limit=PAGE_SIZE,
    )
    values = {"templates": listed.items, "next": listed.next}
    return PortalPage("templates.html", TEMPLATES, values, page="partner.templates")


def _own(request: PortalRequest) -> OfferTemplate:
    """Return the reseller's template of the path. Raises NotFound."""
    template = templates.get(request.session, request.incoming.uuid("template_id"))
    if template.reseller_id != request.person.account.id:
        raise NotFound
    return template
