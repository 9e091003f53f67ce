"""Serves a page of the portal: form, session, policy, view, audit, transaction, response."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from kontor import audit
from kontor.accounts.portal import SUSPENDED, SUSPENDED_HINT
from kontor.evidence.acts import Act, shown, watched
from kontor.evidence.refusals import RefusedAccess
from kontor.http.acts import NOBODY, record_refusal
from kontor.http.bodies import read_upload
from kontor.http.context import Deps, NetworkCheck
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import Unauthorized, headers_of, status_of
from kontor.http.transaction import run, run_page
from kontor.kernel.errors import Forbidden, KontorError, NotFound
from kontor.mailer.formatting import LANGUAGES
from kontor.members import sessions, visits
from kontor.portal import proof
from kontor.portal.auth import (
    CHOOSE,
    AccountStopped,
    AccountUnchosen,
    FactorRequired,
    authenticated,
    login_path,
    security_path,
)
from kontor.portal.page_routes import PortalRoute, PortalView
from kontor.portal.render import PortalPages
from kontor.ui.pages import N
from kontor.ui.portal_errors import NOT_POSSIBLE, NOTICES
from kontor.ui.portal_request import PortalFile, PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account

RequestHandler = Callable[[Request], Awaitable[Response]]
FIELDS: Final = 60
HIDDEN: Final = frozenset({"csrf", "next", "code", "sealed", "state", "rows", *proof.FIELDS})
"""Fields that the audit log does not keep: secrets, and files of rows, of which it has what was made."""
AS_CLIENT: Final = "client"
CONFIG: Final = "config."
"""Fields of a product's config, any of which may be sensitive by its schema."""
TITLES: Final = {
    403: N("Not allowed"),
    404: N("Page not found"),
    409: N("Not possible"),
    422: N("Not possible"),
    429: N("Too many attempts"),
    503: N("Please try again in a moment"),
}
HINTS: Final = {
    403: N("Your role does not allow this, or the form is too old. Reload the page and try again."),
    404: N("Please check the address, or ask the person who gave it to you."),
}


@dataclass(frozen=True, slots=True)
class PortalHandler:
    """Makes request handlers of views."""

    pages: PortalPages

    def handler(self, route: PortalRoute) -> RequestHandler:
        """Return the handler for the router; passwords are verified in threads of their own."""

        async def handle(http_request: Request) -> Response:
            deps: Deps = http_request.app.state.deps
            form, files = await read_upload(http_request, FIELDS, deps.limits.bodies, route.files)
            stripped = {key: text.replace("\x00", "") for key, text in form.items()}
            incoming = IncomingRequest.of(http_request, form=stripped, files=files)
            verifies = route.sign_in or (route.policy.proof and incoming.method == "POST")
            threads = deps.sign_in_threads or deps.threads if verifies else deps.threads
            loop = asyncio.get_running_loop()
            check = NetworkCheck()
            if route.check is not None:
                asked = await loop.run_in_executor(threads, self._admitted_check, deps, incoming, route)
                check = check if asked is None else await NetworkCheck.of(asked)
            return await loop.run_in_executor(threads, self._respond, deps, incoming, route, check)

        return handle

    def _admitted_check(
        self, deps: Deps, incoming: IncomingRequest, route: PortalRoute
    ) -> Coroutine[None, None, object] | None:
        """Admit the person and return what to ask the network; None for whom the form itself refuses."""
        assert route.check is not None
        try:
            return route.check(run(deps, lambda session: route.policy.admit(authenticated(deps, session, incoming))))
        except KontorError:
            return None

    def _respond(self, deps: Deps, incoming: IncomingRequest, route: PortalRoute, check: NetworkCheck) -> Response:
        refused: list[tuple[PortalRequest, KontorError]] = []

        def show(session: Session) -> Response:
            request = authenticated(deps, session, incoming, used=not route.polled)
            request = replace(request, page=route.name, check=check)
            request = as_client(route.policy.admit(request))
            asks = route.policy.proof and incoming.method == "POST"
            demanded = proof.demand(request) if asks else None
            return self.pages.response(demanded or recorded(request, route.view), request)

        def refuse(session: Session | None, error: KontorError) -> Response:
            if session is None:
                return Response(status_code=503, headers={"Retry-After": "1"})
            request = replace(authenticated(deps, session, incoming), page=route.name)
            refused.append((request, error))
            return self.pages.response(_refusal(request, error), request)

        response = run_page(deps, show, refuse)
        for request, error in refused[-1:]:
            _note(request, error)
        return response


def as_client(request: PortalRequest) -> PortalRequest:
    """Return the request of a page under `/as/` as the client's owner gets it, where the reseller asks to see that."""
    client, query = request.client, request.incoming.query
    if client is None or request.incoming.method == "POST" or query.get("view") != AS_CLIENT:
        return request
    owner, chosen = sessions.owner_access(client, by_reseller=False), query.get("lang", "")
    return replace(request, shown_to=owner, locale=chosen if chosen in LANGUAGES else owner.locale)


def recorded(request: PortalRequest, view: PortalView) -> PortalResponse:
    """Show a page or act; what it changed is written down in its transaction, under `/as/` for the client too."""
    incoming = request.incoming
    visited = visited_account(request)
    if incoming.method != "POST":
        if visited is not None:
            visits.enter(request.session, request.person, visited, _session_id(request), request.now)
        return _read(request, view(request))
    actor = request.actor()
    with watched(request.session, Act(actor.name, actor.origin)) as act:
        response = view(request)
        if isinstance(response, SeeOther) and visited is not None:
            visits.note(request.session, request.person, visited, _session_id(request), view.__name__, request.now)
        if act.wrote or isinstance(response, SeeOther):
            sent = {name: shown(name, value) for name, value in incoming.form.items() if is_recorded(name)}
            target = next((f"{name.removesuffix('_id')}:{value}" for name, value in incoming.params.items()), None)
            detail = {"page": request.page, **({"sent": sent} if sent else {})}
            masked = None if "token" in incoming.params else target
            audit.close(request.session, f"portal.{view.__name__}", masked, at=request.now, detail=detail)
    return response


def _read(request: PortalRequest, response: PortalResponse) -> PortalResponse:
    """Record a download, as the console and the API do."""
    if isinstance(response, PortalFile):
        query = {name: shown(name, value) for name, value in request.incoming.query.items()}
        detail = {"account": str(request.account.id), "query": query}
        audit.record(request.session, request.actor(), "exported", response.name, at=request.now, detail=detail)
    return response


def visited_account(request: PortalRequest) -> Account | None:
    """Return the account whose people read of this visit: a reseller's client, or the one that an operator entered."""
    if request.client is not None or request.access is None or request.access.by_operator is None:
        return request.client
    return request.access.account


def is_recorded(name: str) -> bool:
    """Whether the audit log keeps what was sent in a field."""
    return name not in HIDDEN and not name.startswith(CONFIG)


def _session_id(request: PortalRequest) -> UUID:
    assert request.opened is not None
    return request.opened.id


def _refusal(request: PortalRequest, error: KontorError) -> PortalResponse:
    """Return the page that says why a request failed; without a session, the way to sign in."""
    match error:
        case AccountUnchosen():
            return SeeOther(f"{CHOOSE}?{urlencode({'next': request.incoming.path})}")
        case Unauthorized():
            return SeeOther(login_path(request.incoming))
        case FactorRequired():
            return SeeOther(f"{security_path(request)}?done=factor-required")
        case AccountStopped():
            return PortalPage("message.html", SUSPENDED, {"hint": SUSPENDED_HINT}, 403)
    status = status_of(error)
    hint = HINTS.get(status) or NOTICES.get(error.code, NOT_POSSIBLE)
    title = TITLES.get(status, NOT_POSSIBLE)
    return PortalPage("message.html", title, {"hint": hint}, status, headers=headers_of(error))


def _note(request: PortalRequest, error: KontorError) -> None:
    """Record a refused form or page."""
    if not isinstance(error, Forbidden) or isinstance(error, NotFound | AccountStopped):
        return
    actor = request.actor()
    name = NOBODY if request.access is None else actor.name
    route = f"{request.incoming.method} portal {request.page}"
    record_refusal(request.deps, RefusedAccess(name, actor.origin or "", route, status_of(error), error.code))
