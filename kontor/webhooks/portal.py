"""The reseller's webhook endpoints with their deliveries: made, tested, replayed, given a new secret, removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kontor.http import visibility
from kontor.http.visibility import ResponseView, Viewer
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound, TooManyAttempts
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from kontor.webhooks import service
from models.webhooks import DeliveryState, WebhookEndpoint

ENDPOINTS: Final = N("Webhooks")
ENDPOINT: Final = N("Webhook endpoint")
MADE: Final = N("The endpoint has been made. Copy its secret now: it is shown only this once.")
ROTATED: Final = N(
    "The endpoint has a new secret. Copy it now: it is shown only this once. The old one also signs for 24 hours."
)
DISABLED: Final = N("The endpoint is switched off. Send the failed deliveries again to switch it on.")
PAGE_SIZE: Final = 50
STATES: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.PENDING: N("under way"),
    DeliveryState.DELIVERED: N("delivered"),
    DeliveryState.FAILED: N("failed"),
}


async def check_url(request: PortalRequest) -> None:
    """Check by DNS that the endpoint may be called."""
    await request.deps.guard.check(request.incoming.form.get("url", ""), str(request.person.account.id))


def show_endpoints(request: PortalRequest) -> PortalResponse:
    """Show the reseller's endpoints."""
    return _list(request)


def create(request: PortalRequest) -> PortalResponse:
    """Make an endpoint and show its secret once; its address was checked before."""
    form, box = request.incoming.form, request.deps.secret_box
    try:
        if request.check.refusal is not None:
            raise request.check.refusal
        with request.session.begin_nested():
            made = service.create(
                request.session,
                box,
                reseller_id=request.person.account.id,
                url=form.get("url", ""),
                events=_events(form.get("events", "")),
                secret=None,
                now=request.now,
            )
    except (Conflict, Invalid, TooManyAttempts) as error:
        return refused(request, _list(request), error)
    return replace(_endpoint_page(request, made.endpoint, made.secret), notice=MADE)


def show_endpoint(request: PortalRequest) -> PortalResponse:
    """Show one endpoint with its deliveries. Raises NotFound."""
    return _endpoint_page(request, _own(request))


def send_test(request: PortalRequest) -> PortalResponse:
    """Send a test event. Raises NotFound."""
    endpoint = _own(request)
    try:
        with request.session.begin_nested():
            service.send_test(request.session, request.jobs, endpoint.id)
    except Conflict as error:
        return replace(refused(request, _endpoint_page(request, endpoint), error), notice=DISABLED)
    return _done(endpoint, "endpoint-tested")


def replay(request: PortalRequest) -> PortalResponse:
    """Send failed deliveries again, which switches the endpoint on. Raises NotFound."""
    endpoint = _own(request)
    service.replay(request.session, request.jobs, endpoint.id)
    return _done(endpoint, "endpoint-replayed")


def rotate(request: PortalRequest) -> PortalResponse:
    """Give the endpoint a new secret and show it once. Raises NotFound."""
    endpoint = _own(request)
    rotated = service.rotate_secret(request.session, request.deps.secret_box, endpoint.id, request.now)
    return replace(_endpoint_page(request, endpoint, rotated.secret), notice=ROTATED)


def remove(request: PortalRequest) -> PortalResponse:
    """Remove the endpoint; its deliveries stay on record. Raises NotFound."""
    service.delete(request.session, _own(request).id, request.now)
    return SeeOther("/partner/webhooks?done=endpoint-removed")


def _done(endpoint: WebhookEndpoint, what: str) -> SeeOther:
    return SeeOther(f"/partner/webhooks/{endpoint.id}?done={what}")


def _events(text: str) -> list[str]:
    """Return the events that were typed, all of them for none. Raises Invalid for one that no reseller gets."""
    names = text.replace(",", " ").split() or ["*"]
    unknown = [name for name in names if name != "*" and name not in _types()]
    if unknown:
        raise Invalid("unknown_event", f"There is no event {unknown[0]!r}.", errors=[FieldError("events", unknown[0])])
    return names


def _types() -> list[str]:
    return visibility.event_types(Viewer.RESELLER) or []


def _own(request: PortalRequest) -> WebhookEndpoint:
    """Return an endpoint of the reseller that is signed in. Raises NotFound."""
    endpoint = service.get(request.session, request.incoming.uuid("endpoint_id"))
    if endpoint.reseller_id != request.person.account.id:
        raise NotFound
    return endpoint


def _list(request: PortalRequest) -> PortalPage:
    owner = request.person.account
    page = service.list_endpoints(
        request.session, reseller_id=owner.id, cursor=request.incoming.param("cursor"), limit=PAGE_SIZE
    )
    values = {"endpoints": page.items, "next": page.next, "types": _types()}
    return PortalPage("webhooks.html", ENDPOINTS, values, page="partner.webhooks")


def _endpoint_page(request: PortalRequest, endpoint: WebhookEndpoint, secret: str | None = None) -> PortalPage:
    request.session.flush()
    page = service.deliveries(request.session, endpoint.id, cursor=request.incoming.param("cursor"), limit=PAGE_SIZE)
    view = ResponseView(Viewer.RESELLER, request.connection)
    rows = [
        (delivery, STATES[DeliveryState(delivery.state)], delivery.last_error and view.error(delivery.last_error))
        for delivery in page.items
    ]
    values = {"endpoint": endpoint, "secret": secret, "rows": rows, "next": page.next}
    return PortalPage("webhook.html", ENDPOINT, values, page="partner.webhooks.show")
