"""Name, language, time zone and address of one's own account or of a client; handing an account over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kontor.accounts import account_changes
from kontor.accounts import service as accounts
from kontor.accounts.account_changes import ChangedBy
from kontor.kernel.errors import Conflict, Invalid, NotFound, TooManyAttempts
from kontor.members import sessions
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account, SetBy

OWN: Final = N("Your account’s details")
CLIENT: Final = N("Details of “%(client)s”")
TEXTS: Final = ("name", "locale", "timezone")
ADDRESS: Final = ("admin_email",)


def show_own(request: PortalRequest) -> PortalResponse:
    """Show the forms of one's own account."""
    return _own_page(request)


def save_own(request: PortalRequest) -> PortalResponse:
    """Change name, language and time zone of one's own account."""
    return _change(request, request.account, TEXTS, _own_page(request), "/account/details?done=details")


def change_own_address(request: PortalRequest) -> PortalResponse:
    """Change the admin address of one's own account; this session goes on, the others of its owner end."""
    done = _change(request, request.account, ADDRESS, _own_page(request), "/account/details?done=address")
    if isinstance(done, SeeOther) and request.opened is not None:
        sessions.keep(request.session, request.opened, request.account)
    return done


def show_client(request: PortalRequest) -> PortalResponse:
    """Show the forms of a client. Raises NotFound."""
    return _client_page(request, _client(request))


def save_client(request: PortalRequest) -> PortalResponse:
    """Change name, language and time zone of a client. Raises NotFound."""
    client = _client(request)
    path = f"/partner/clients/{client.id}/details?done=details"
    return _change(request, client, TEXTS, _client_page(request, client), path)


def hand_over(request: PortalRequest) -> PortalResponse:
    """Give a client's account to the owner of another address, who is asked to confirm it. Raises NotFound."""
    client = _client(request)
    path = f"/partner/clients/{client.id}/details?done=handed-over"
    return _change(request, client, ADDRESS, _client_page(request, client), path)


def _change(
    request: PortalRequest, account: Account, names: Sequence[str], page: PortalPage, done: str
) -> PortalResponse:
    """Change the fields of a form; what a reseller changes of its client counts as set by the reseller."""
    changes = {name: request.incoming.form.get(name, "").strip() for name in names}
    own = account.id == request.person.account.id and not request.person.by_reseller
    by = ChangedBy(SetBy.CLIENT if own else SetBy.RESELLER, request.actor())
    try:
        with request.session.begin_nested():
            account_changes.change(request.context, request.session, account.id, changes, by)
    except (Conflict, Invalid, TooManyAttempts) as error:
        return refused(request, page, error)
    return SeeOther(done)


def _own_page(request: PortalRequest) -> PortalPage:
    return _page(OWN, request.account, "/account", "/account/details", "/account/address", "account.details")


def _client_page(request: PortalRequest, client: Account) -> PortalPage:
    up = f"/partner/clients/{client.id}"
    return _page(CLIENT, client, up, f"{up}/details", f"{up}/hand-over", "partner.clients.details")


def _page(title: str, account: Account, up: str, save: str, move: str, name: str) -> PortalPage:
    values = {"of_client": account, "up": up, "save": save, "move": move}
    return PortalPage("details.html", title, values, page=name)


def _client(request: PortalRequest) -> Account:
    """Return the reseller's client of the path. Raises NotFound, also for a deleted one."""
    account = accounts.get(request.session, request.incoming.uuid("account_id"))
    if account.reseller_id != request.person.account.id or account.deleted_at is not None:
        raise NotFound
    return account
