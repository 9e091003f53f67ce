"""Unsubscribe page of reminders: one click, also by a mail program (RFC 8058)."""

from collections.abc import Mapping

from kontor.accounts.portal import unknown
from kontor.http.context import Deps
from kontor.kernel.errors import Gone, NotFound
from kontor.mails import dispatch
from kontor.ui import page_texts
from kontor.ui.pages import PublicPage


def show_unsubscribe(deps: Deps, token: str) -> PublicPage:
    """Show the page; changes nothing."""
    try:
        address = dispatch.peek(deps.tokens, token, deps.clock.wall_time()).address_key
    except (NotFound, Gone):
        return unknown()
    return PublicPage("unsubscribe.html", 200, page_texts.UNSUBSCRIBE, values={"open": True, "address": address})


def unsubscribe(deps: Deps, token: str, form: Mapping[str, str]) -> PublicPage:
    """Unsubscribe from one kind of reminder. Form fields are ignored."""
    del form
    with deps.sessions() as session:
        try:
            link = dispatch.unsubscribe(session, deps.tokens, token, deps.clock.wall_time())
        except (NotFound, Gone):
            return unknown()
        session.commit()
    values = {"open": False, "address": link.address_key}
    return PublicPage("unsubscribe.html", 200, page_texts.UNSUBSCRIBED, values=values)
