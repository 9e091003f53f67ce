"""An operator's form that sends an offer for a client's reseller: a template or one line, previewed; delivery again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from kontor.accounts import service as accounts
from kontor.http.visibility import Viewer
from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.states import LineMode
from kontor.offers import delivery, service, templates
from kontor.offers.service import NewOffer
from kontor.offers.views import offer_out
from kontor.programme import service as programmes
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest
from kontor.ui.operator_forms import FormField, FormResult, OperatorForm
from models.accounts import Account
from models.offers import Offer

MOST_TEMPLATES: Final = 200
MODES: Final = ((LineMode.ABSOLUTE.value, "sets the licences to"), (LineMode.RELATIVE.value, "adds to the licences"))


def _client(request: ConsoleRequest) -> Account:
    account = accounts.get(request.session, request.incoming.uuid("account_id"))
    if account.reseller_id is None or account.deleted_at is not None:
        raise NotFound(message="Only a client gets offers, from its reseller.")
    return account


def _fields(request: ConsoleRequest) -> Sequence[FormField]:
    client = _client(request)
    assert client.reseller_id is not None
    listed = templates.list_templates(request.session, reseller_id=client.reseller_id, limit=MOST_TEMPLATES).items
    choices = [("", "none: the line below"), *((str(row.id), row.name) for row in listed)]
    reseller = accounts.get(request.session, client.reseller_id)
    programme = request.deps.programmes.current(request.session, client.programme)
    names = formatting.display_names(request, [client.programme])[client.programme]
    products = [(code, names.product(code)) for code in programmes.visible(programme, reseller)]
    return (
        FormField("template_id", "Template", options=choices, required=False),
        FormField("product", "Product", options=[("", "none: the template"), *products], required=False),
        FormField("count", "Licences", "number", required=False),
        FormField("mode", "The line", options=MODES, required=False),
        FormField("term", "Term, such as P1Y", required=False),
        FormField("message", "Message to the client's admin", "textarea", required=False),
    )


def _new(request: ConsoleRequest) -> NewOffer:
    client, form = _client(request), request.incoming.form
    assert client.reseller_id is not None
    message = form.get("message", "").strip() or None
    if form.get("template_id"):
        return NewOffer(client.reseller_id, client.id, _id(form["template_id"]), message=message)
    if not form.get("product"):
        raise Invalid(errors=[FieldError("template_id", "Choose a template or a product.")])
    return NewOffer(client.reseller_id, client.id, lines=[_line(form)], message=message)


def _line(form: Mapping[str, str]) -> dict[str, object]:
    typed = form.get("count", "").strip()
    count: object = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else typed
    return {"product": form["product"], "count": count, "mode": form.get("mode", ""), "term": form.get("term", "")}


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _send(request: ConsoleRequest, reason: str) -> Offer:
    return service.send(request.context, request.session, _new(request), request.actor(reason).name)


def _preview(request: ConsoleRequest) -> Sequence[str]:
    """Say what an offer would change. Raises as `service.send`."""
    offer = _send(request, "")
    out = offer_out(request.session, offer, request.now, Viewer.OPERATOR)
    names = formatting.named(request, [str(offer.account_id), str(offer.reseller_id)])
    shown = formatting.display_names(request, [offer.programme])[offer.programme]
    changes = [f"{shown.product(change.product)}: {change.now} → {change.then} licences." for change in out.changes]
    sender, client = names[str(offer.reseller_id)], names[str(offer.account_id)]
    ends = f"It can be decided until {formatting.exact(offer.expires_at)}."
    return [f"An offer of {sender} to {client}, delivered to its system.", *changes, ends]


def _perform(request: ConsoleRequest, reason: str) -> FormResult:
    return FormResult(f"/console/offers/{_send(request, reason).id}?done=offer-sent")


SEND: Final = OperatorForm(
    "/console/accounts/{account_id}/offer",
    "offer.send",
    "Send an offer",
    "Send",
    _fields,
    _perform,
    "/console/accounts/{account_id}",
    preview=_preview,
    beside={"no_lines": "template_id", "unknown_product": "product"},
)


def deliver_again(request: ConsoleRequest, reason: str | None) -> str:
    """Try the delivery of a waiting offer now. Raises NotFound, Conflict."""
    offer_id = request.incoming.uuid("offer_id")
    delivery.deliver_again(request.context, request.session, offer_id, request.actor(reason))
    return f"/console/offers/{offer_id}?done=deliver"
