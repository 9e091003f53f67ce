"""The system that a client has connected, on its reseller's page: set, tested, removed; its secret shown once."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kontor.accounts import instances
from kontor.accounts import service as accounts
from kontor.accounts.client_words import INSTANCE_STATES
from kontor.accounts.instances import InstanceState
from kontor.kernel.errors import Invalid, NotFound
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account

TITLE: Final = N("Connected system of the client “%(client)s”")
SAVED: Final = N("The system is connected. Copy its secret now: it is shown only this once.")


async def check_url(request: PortalRequest) -> None:
    """Check by DNS that the system may be called."""
    await request.deps.guard.check(request.incoming.form.get("url", ""), str(request.person.account.id))


def show_instance(request: PortalRequest) -> PortalResponse:
    """Show the connected system of a client, without its secret. Raises NotFound."""
    return _page(request, _client(request))


def save(request: PortalRequest) -> PortalResponse:
    """Set the address, which was checked before, and show the new secret once. Raises NotFound."""
    client, box = _client(request), request.deps.secret_box
    try:
        if request.check.refusal is not None:
            raise request.check.refusal
        url = request.incoming.form.get("url", "")
        with request.session.begin_nested():
            saved = instances.put(request.session, box, client.id, url, None, request.now)
    except Invalid as error:
        return refused(request, _page(request, client), error)
    return replace(_page(request, client, saved.secret), notice=SAVED)


def ping(request: PortalRequest) -> PortalResponse:
    """Send a signed ping; an answer lets what waits go on. Raises NotFound."""
    client = _client(request)
    instances.ping(request.session, request.jobs, client.id)
    return SeeOther(f"/partner/clients/{client.id}/instance?done=pinged")


def remove(request: PortalRequest) -> PortalResponse:
    """Delete the connected system: nothing is sent to it any more. Raises NotFound."""
    client = _client(request)
    instances.delete(request.session, client.id)
    return SeeOther(f"/partner/clients/{client.id}/instance?done=instance-removed")


def _client(request: PortalRequest) -> Account:
    """Return the reseller's client of the path. Raises NotFound."""
    client = accounts.get(request.session, request.incoming.uuid("account_id"))
    if client.reseller_id != request.person.account.id or client.deleted_at is not None:
        raise NotFound
    return client


def _page(request: PortalRequest, client: Account, secret: str | None = None) -> PortalPage:
    health = instances.health(request.session, client)
    state = InstanceState.NONE if health is None else health.state
    values = {
        "of_client": client,
        "instance": instances.get(request.session, client.id),
        "health": health,
        "state": state.value,
        "state_name": INSTANCE_STATES[state],
        "secret": secret,
    }
    return PortalPage("client_instance.html", TITLE, values, page="partner.clients.instance")
