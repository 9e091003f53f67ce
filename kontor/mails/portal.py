"""Unsubscribe page of reminders: one click, also by a mail program (RFC 8058)."""

from kontor.accounts.portal import unknown
from kontor.http.context import RequestTransaction
from kontor.kernel.errors import Gone, KontorError, NotFound
from kontor.mails import dispatch
from kontor.ui import page_texts
from kontor.ui.pages import PublicPage


def show_unsubscribe(request: RequestTransaction) -> PublicPage:
    """Show the page; changes nothing. Raises NotFound, Gone."""
    deps = request.deps
    address = dispatch.peek(deps.tokens, request.incoming.params["token"], deps.clock.wall_time()).address_key
    return PublicPage("unsubscribe.html", 200, page_texts.UNSUBSCRIBE, values={"open": True, "address": address})


def unsubscribe(request: RequestTransaction) -> PublicPage:
    """Unsubscribe from one kind of reminder. Form fields are ignored. Raises NotFound, Gone."""
    deps, token = request.deps, request.incoming.params["token"]
    link = dispatch.unsubscribe(request.session, deps.tokens, token, deps.clock.wall_time())
    values = {"open": False, "address": link.address_key}
    return PublicPage("unsubscribe.html", 200, page_texts.UNSUBSCRIBED, values=values)


def refuse_unsubscribe(_request: RequestTransaction, error: KontorError) -> PublicPage:
    """Show why the link does not work."""
    if isinstance(error, NotFound | Gone):
        return unknown()
    raise error
