"""One client on its reseller's page: what it has and does now, what happened, and what can be done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kontor.accounts import brand_queries, client_timeline, clients, deletion, instances, suspension
from kontor.accounts import service as accounts
from kontor.accounts.client_words import CLIENT_LINES, INSTANCE_STATES
from kontor.accounts.clients_portal import client_rows
from kontor.accounts.suspension import Suspender
from kontor.fees import assignments
from kontor.kernel.errors import Conflict, NotFound
from kontor.licences import service as licences
from kontor.mailer.formatting import language_of
from kontor.members import visits
from kontor.offers import service as offers
from kontor.offers.partner_portal import OfferRow, offer_rows
from kontor.programme.display_names import DisplayNames
from kontor.programme.service import name_of, products_of_others
from kontor.provisioning.portal import ClientService, services_of
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from kontor.usage import trials
from models.accounts import Account, SuspensionAuthority

CLIENT: Final = N("Client “%(client)s”")
DISCONNECT: Final = N("Disconnect “%(client)s”?")
DELETE: Final = N("Delete “%(client)s”?")


@dataclass(frozen=True, slots=True)
class ClientOffers:
    """What is sold to a client now: plans to choose from, the trial while it can be started, offers, services."""

    plan: str
    plans: tuple[tuple[str, str], ...]
    may_try: bool
    offers: tuple[OfferRow, ...]
    services: tuple[ClientService, ...]
    products: int


def show_client(request: PortalRequest) -> PortalResponse:
    """Show one client. Raises NotFound."""
    client, session = _client(request), request.session
    owner, programme = request.person.account, request.deps.programmes.current(session, _client(request).programme)
    hidden = products_of_others(session, client.programme, owner.id)
    names, cursor = DisplayNames(programme, language_of(request.locale)), request.incoming.param("cursor")
    values = {
        "row": client_rows(request, [client])[0],
        "of_client": client,
        "sold": _sold(request, client),
        "instance": instances.health(session, client),
        "instance_states": INSTANCE_STATES,
        "own_brand": brand_queries.by_account(session, client.id) is not None,
        "seats": [
            (name_of(programme, seat.product, request.locale), seat)
            for seat in licences.balances(session, client.id, request.now)
            if seat.product not in hidden
        ],
        "timeline": client_timeline.timeline(session, client, owner.id, names, cursor),
        "words": CLIENT_LINES,
        "acts": visits.ACTS,
    }
    return PortalPage("client.html", CLIENT, values, page="partner.clients.show")


def log_in_as(request: PortalRequest) -> PortalResponse:
    """Lead into the client's pages, as the reseller. Raises NotFound."""
    client = _client(request)
    if client.deleted_at is not None:
        raise NotFound
    return SeeOther(f"/as/{client.id}/account")


def show_disconnect(request: PortalRequest) -> PortalResponse:
    """Ask whether to disconnect the client, and say what that means. Raises NotFound."""
    return _asked(request, DISCONNECT, "disconnect")


def show_delete(request: PortalRequest) -> PortalResponse:
    """Ask whether to delete the client, and say what that means. Raises NotFound."""
    return _asked(request, DELETE, "delete")


def _asked(request: PortalRequest, title: str, act: str) -> PortalResponse:
    client = _client(request)
    if client.deleted_at is not None:
        return SeeOther(f"/partner/clients/{client.id}")
    values = {"of_client": client, "act": act}
    return PortalPage("client_confirm.html", title, values, page=f"partner.clients.{act}")


def disconnect(request: PortalRequest) -> PortalResponse:
    """Make the client a regular account. Raises NotFound."""
    owner, client = request.person.account, _client(request)
    return _act(
        request, "disconnected", lambda: clients.disconnect(request.context, request.session, owner.id, client.id)
    )


def delete(request: PortalRequest) -> PortalResponse:
    """Delete the client; it can be restored for 30 days. Raises NotFound."""
    client, actor = _client(request), request.actor().name
    return _act(request, "deleted", lambda: deletion.delete(request.context, request.session, client.id, actor))


def restore(request: PortalRequest) -> PortalResponse:
    """Restore a deleted client. Raises NotFound."""
    client = _client(request)
    return _act(request, "restored", lambda: deletion.restore(request.context, request.session, client.id))


def suspend(request: PortalRequest) -> PortalResponse:
    """Suspend the client. Raises NotFound."""
    client, by = _client(request), Suspender(request.actor(), SuspensionAuthority.RESELLER)
    return _act(
        request, "suspended", lambda: suspension.suspend(request.jobs, request.session, client.id, by, request.now)
    )


def resume(request: PortalRequest) -> PortalResponse:
    """Lift the reseller's own suspension. Raises NotFound, Forbidden for an operator's."""
    client, by = _client(request), Suspender(request.actor(), SuspensionAuthority.RESELLER)
    return _act(
        request, "resumed", lambda: suspension.resume(request.jobs, request.session, client.id, by, request.now)
    )


def _act(request: PortalRequest, done: str, act: Callable[[], Account]) -> PortalResponse:
    try:
        with request.session.begin_nested():
            act()
    except Conflict as error:
        page = show_client(request)
        assert isinstance(page, PortalPage)
        return refused(request, page, error)
    return SeeOther(f"/partner?done={done}")


def _client(request: PortalRequest) -> Account:
    """Return the reseller's client of the path, also a deleted one that can be restored. Raises NotFound."""
    account = accounts.get(request.session, request.incoming.uuid("account_id"))
    if account.reseller_id != request.person.account.id:
        raise NotFound
    return account


def _sold(request: PortalRequest, client: Account) -> ClientOffers:
    session, language = request.session, language_of(request.locale)
    programme = request.deps.programmes.current(session, client.programme)
    sent = offers.open_offers(session, client, request.person.account.id, request.now)
    return ClientOffers(
        plan=client.plan,
        plans=tuple((code, plan.name_in(language)) for code, plan in programme.plans.items()),
        may_try=trials.may_start(client, programme, request.now),
        offers=tuple(offer_rows(request, sent, {client.id: client.name})),
        services=tuple(services_of(request, client)),
        products=assignments.number_of(request.context, session, client),
    )
