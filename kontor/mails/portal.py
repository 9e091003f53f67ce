"""Unsubscribe page of reminders: one click, also by a mail program (RFC 8058)."""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor.accounts.portal import unknown
from kontor.http.context import RequestTransaction
from kontor.kernel.errors import Gone, KontorError, NotFound
from kontor.kernel.tokens import Tokens
from kontor.mails import address_queries
from kontor.mails.dispatch import PURPOSE, UnsubscribeLink
from kontor.ui.pages import N, PublicPage

UNSUBSCRIBE: Final = N("Unsubscribe")
UNSUBSCRIBED: Final = N("You will no longer receive this kind of reminder.")


def show_unsubscribe(request: RequestTransaction) -> PublicPage:
    """Show the page; changes nothing. Raises NotFound, Gone."""
    deps = request.deps
    address = read_link(deps.tokens, request.incoming.params["token"], deps.clock.wall_time()).address_key
    return PublicPage("unsubscribe.html", 200, UNSUBSCRIBE, values={"open": True, "address": address})


def unsubscribe(request: RequestTransaction) -> PublicPage:
    """Unsubscribe from one kind of reminder. Form fields are ignored. Raises NotFound, Gone."""
    deps, token = request.deps, request.incoming.params["token"]
    link = opt_out(request.session, deps.tokens, token, deps.clock.wall_time())
    values = {"open": False, "address": link.address_key}
    return PublicPage("unsubscribe.html", 200, UNSUBSCRIBED, values=values)


def read_link(tokens: Tokens, token: str, now: datetime) -> UnsubscribeLink:
    """Return the content of a link; changes nothing. Raises NotFound (forged), Gone (expired)."""
    content = tokens.read(PURPOSE, token, now)
    return UnsubscribeLink(content["address"], content["template"])


def opt_out(session: Session, tokens: Tokens, token: str, now: datetime) -> UnsubscribeLink:
    """Stop sending this kind of mail to this address; a repeat changes nothing.

    Raises NotFound (forged), Gone (expired).
    """
    target = read_link(tokens, token, now)
    address_queries.opt_out(session, target.address_key, target.template, now)
    return target


def refuse_unsubscribe(_request: RequestTransaction, error: KontorError) -> PublicPage:
    """Show why the link does not work."""
    if isinstance(error, NotFound | Gone):
        return unknown()
    raise error
