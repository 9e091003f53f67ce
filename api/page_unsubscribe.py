"""Unsubscribe page of reminders: one click, also by a mail program (RFC 8058)."""

from collections.abc import Mapping

from api import page_words as words
from api.deps import Deps
from api.page_render import PublicPage
from api.page_voice import unknown
from domain.errors import Gone, NotFound
from services import unsubscribing


def show_unsubscribe(deps: Deps, token: str) -> PublicPage:
    """Show the page; changes nothing."""
    try:
        address = unsubscribing.show(deps.tokens, token, deps.clock.real()).address_key
    except (NotFound, Gone):
        return unknown()
    return PublicPage("unsubscribe.html", 200, words.UNSUBSCRIBE, values={"open": True, "address": address})


def unsubscribe(deps: Deps, token: str, form: Mapping[str, str]) -> PublicPage:
    """Unsubscribe from one kind of reminder. Form fields are ignored."""
    del form
    with deps.sessions() as session:
        try:
            link = unsubscribing.leave(session, deps.tokens, token, deps.clock.real())
        except (NotFound, Gone):
            return unknown()
        session.commit()
    values = {"open": False, "address": link.address_key}
    return PublicPage("unsubscribe.html", 200, words.UNSUBSCRIBED, values=values)
