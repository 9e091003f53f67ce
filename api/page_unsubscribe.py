"""The way out of reminders: one click, also by a mail program (RFC 8058)."""

from collections.abc import Mapping

from api import page_words as words
from api.deps import Deps
from api.page_render import View
from api.page_voice import unknown
from domain.errors import Gone, NotFound
from services import unsubscribing


def show_unsubscribe(deps: Deps, token: str) -> View:
    """Ask for the one click; changes nothing."""
    try:
        address = unsubscribing.show(deps.tokens, token, deps.clock.real()).address_key
    except (NotFound, Gone):
        return unknown()
    return View("unsubscribe.html", 200, words.UNSUBSCRIBE, values={"open": True, "address": address})


def unsubscribe(deps: Deps, token: str, form: Mapping[str, str]) -> View:
    """Leave one kind of reminder. The form's fields do not matter."""
    del form
    with deps.sessions() as session:
        try:
            way_out = unsubscribing.leave(session, deps.tokens, token, deps.clock.real())
        except (NotFound, Gone):
            return unknown()
        session.commit()
    told = {"open": False, "address": way_out.address_key}
    return View("unsubscribe.html", 200, words.UNSUBSCRIBED, values=told)
