"""Public pages: the token in the URL is the permission; no cookie, no script, only a POST changes anything."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from kontor import audit
from kontor.accounts import portal as accounts_portal
from kontor.evidence.acts import Act, watched
from kontor.http.bodies import read_form
from kontor.http.context import Deps, RequestTransaction
from kontor.http.incoming import IncomingRequest
from kontor.http.transaction import run_page
from kontor.kernel.errors import KontorError
from kontor.mails import portal as mails_portal
from kontor.members import portal as members_portal
from kontor.offers import portal as offers_portal
from kontor.portal import cookies
from kontor.ui.pages import N, Pages, PublicPage, Reader, preferred_language

BUSY: Final = N("Please try again in a moment")


ShowPage = Callable[[RequestTransaction], PublicPage]
RefusePage = Callable[[RequestTransaction, KontorError], PublicPage]
RequestHandler = Callable[[Request], Awaitable[Response]]

FIELDS: Final = 10


@dataclass(frozen=True, slots=True)
class PageFamily:
    """The pages of one kind of link. `refuse` shows an expected error of the others, in a transaction of its own."""

    path: str
    show: ShowPage
    act: ShowPage
    refuse: RefusePage


FAMILIES: Final = (
    PageFamily("/offers/{token}", offers_portal.show_decision, offers_portal.decide, offers_portal.refuse_decision),
    PageFamily(
        "/activate/{token}",
        accounts_portal.show_activation,
        accounts_portal.activate,
        accounts_portal.refuse_activation,
    ),
    PageFamily(
        "/invite/{token}", members_portal.show_invitation, members_portal.accept, members_portal.refuse_invitation
    ),
    PageFamily(
        "/confirm/{token}", accounts_portal.show_confirmation, accounts_portal.confirm, accounts_portal.refuse_address
    ),
    PageFamily(
        "/object/{token}", offers_portal.show_objection, offers_portal.object_to_change, accounts_portal.refuse_address
    ),
    PageFamily(
        "/unsubscribe/{token}",
        mails_portal.show_unsubscribe,
        mails_portal.unsubscribe,
        mails_portal.refuse_unsubscribe,
    ),
)


@cache
def page_routes() -> tuple[BaseRoute, ...]:
    """Return the routes of the pages."""
    pages = Pages()
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/images/{digest}.png", accounts_portal.show_image, methods=["GET", "HEAD"])
    for family in FAMILIES:
        path, refuse = family.path, family.refuse
        show, act = _handler(pages, family.show, refuse), _handler(pages, _recorded(family), refuse)
        router.add_api_route(path, show, methods=["GET", "HEAD"], name=f"show {path}")
        router.add_api_route(path, act, methods=["POST"], name=f"act {path}")
    return tuple(router.routes)


def _handler(pages: Pages, view: ShowPage, refuse: RefusePage) -> RequestHandler:
    async def handle(request: Request) -> Response:
        deps: Deps = request.app.state.deps
        incoming = IncomingRequest.of(request, form=await read_form(request, FIELDS, deps.limits.bodies))

        def work() -> Response:
            page = _page(deps, incoming, view, refuse)
            if page.brand is None:
                page = replace(page, reader=Reader(preferred_language(incoming.headers.get("accept-language", ""))))
            return _answer(deps, incoming, pages, page)

        return await asyncio.get_running_loop().run_in_executor(deps.threads, work)

    return handle


def _answer(deps: Deps, incoming: IncomingRequest, pages: Pages, page: PublicPage) -> Response:
    """Render a page; a sign-in form on it gets the secret that ties it to this browser."""
    store = cookies.store(deps)
    if page.sign_in is None or store.read(incoming, cookies.SESSION):
        return pages.response(page)
    ticket = cookies.ticket_of(deps, incoming)
    return store.write(pages.response(page, ticket), {cookies.TICKET: ticket})


def _recorded(family: PageFamily) -> ShowPage:
    """Return the act of a family, written to the audit log in its transaction; never with the token."""
    name = family.path.split("/")[1]

    def act(transaction: RequestTransaction) -> PublicPage:
        with watched(transaction.session, Act(f"link:{name}", f"page {transaction.incoming.origin}")) as change:
            page = family.act(transaction)
            if change.wrote:
                audit.close(transaction.session, f"page.{name}", None, at=transaction.now)
        return page

    return act


def _page(deps: Deps, incoming: IncomingRequest, view: ShowPage, refuse: RefusePage) -> PublicPage:
    """Build a page in a transaction."""

    def opened(session: Session) -> RequestTransaction:
        return RequestTransaction(deps, session, incoming, deps.clock.now())

    def refused(session: Session | None, error: KontorError) -> PublicPage:
        if session is None:
            return PublicPage("plain.html", 503, BUSY, values={"hint": None})
        return refuse(opened(session), error)

    return run_page(deps, lambda session: view(opened(session)), refused)
