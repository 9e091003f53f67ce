"""What a reseller does to one of its clients: log in, suspend, disconnect, delete, restore."""

from collections.abc import Callable
from typing import Final

from kontor.accounts import clients, deletion, suspension
from kontor.accounts.clients_portal import again, client_of, show_client
from kontor.accounts.suspension import Suspender
from kontor.kernel.errors import Conflict, NotFound
from kontor.ui.pages import N
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account, SuspensionAuthority

DISCONNECT: Final = N("Disconnect “%(client)s”?")
DELETE: Final = N("Delete “%(client)s”?")


def log_in_as(request: PortalRequest) -> PortalResponse:
    """Lead into the client's pages, as the reseller. Raises NotFound."""
    client = client_of(request)
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
    client = client_of(request)
    if client.deleted_at is not None:
        return SeeOther(f"/partner/clients/{client.id}")
    values = {"of_client": client, "act": act}
    return PortalPage("client_confirm.html", title, values, page=f"partner.clients.{act}")


def disconnect(request: PortalRequest) -> PortalResponse:
    """Make the client a regular account. Raises NotFound."""
    owner, client = request.person.account, client_of(request)
    return _act(
        request, "disconnected", lambda: clients.disconnect(request.context, request.session, owner.id, client.id)
    )


def delete(request: PortalRequest) -> PortalResponse:
    """Delete the client; it can be restored for 30 days. Raises NotFound."""
    client, actor = client_of(request), request.actor().name
    return _act(request, "deleted", lambda: deletion.delete(request.context, request.session, client.id, actor))


def restore(request: PortalRequest) -> PortalResponse:
    """Restore a deleted client. Raises NotFound."""
    client = client_of(request)
    return _act(request, "restored", lambda: deletion.restore(request.context, request.session, client.id))


def suspend(request: PortalRequest) -> PortalResponse:
    """Suspend the client. Raises NotFound."""
    client, by = client_of(request), Suspender(request.actor(), SuspensionAuthority.RESELLER)
    return _act(
        request, "suspended", lambda: suspension.suspend(request.jobs, request.session, client.id, by, request.now)
    )


def resume(request: PortalRequest) -> PortalResponse:
    """Lift the reseller's own suspension. Raises NotFound, Forbidden for an operator's."""
    client, by = client_of(request), Suspender(request.actor(), SuspensionAuthority.RESELLER)
    return _act(
        request, "resumed", lambda: suspension.resume(request.jobs, request.session, client.id, by, request.now)
    )


def _act(request: PortalRequest, done: str, act: Callable[[], Account]) -> PortalResponse:
    try:
        with request.session.begin_nested():
            act()
    except Conflict as error:
        return again(request, show_client, error)
    return SeeOther(f"/partner?done={done}")
