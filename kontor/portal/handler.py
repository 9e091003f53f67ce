"""Serves a page of the portal: form, session, policy, view, audit, transaction, response."""

import asyncio
from collections.abc import Awaitable, Callable
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
from kontor.http.bodies import read_form
from kontor.http.context import Deps
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import Unauthorized, headers_of, status_of
from kontor.http.transaction import run_page
from kontor.kernel.errors import Forbidden, KontorError, NotFound
from kontor.members import visits
from kontor.portal import proof
from kontor.portal.auth import (
    CHOOSE,
    AccountStopped,
    AccountUnchosen,
    FactorRequired,
    PagePolicy,
    authenticated,
    login_path,
    security_path,
)
from kontor.portal.render import PortalPages
from kontor.ui.pages import N
from kontor.ui.portal_errors import NOT_POSSIBLE, NOTICES
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther

PortalView = Callable[[PortalRequest], PortalResponse]
RequestHandler = Callable[[Request], Awaitable[Response]]
FIELDS: Final = 60
HIDDEN: Final = frozenset({"csrf", "next", "code", "sealed", "state", *proof.FIELDS})
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

    def handler(self, view: PortalView, policy: PagePolicy, name: str, *, sign_in: bool = False) -> RequestHandler:
        """Return the handler for the router; `sign_in`: it verifies passwords, in threads of its own."""

        async def handle(http_request: Request) -> Response:
            deps: Deps = http_request.app.state.deps
            form = await read_form(http_request, FIELDS, deps.limits.bodies)
            stripped = {key: text.replace("\x00", "") for key, text in form.items()}
            incoming = IncomingRequest.of(http_request, form=stripped)
            verifies = sign_in or (policy.proof and incoming.method == "POST")
            threads = deps.sign_in_threads or deps.threads if verifies else deps.threads
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(threads, self._respond, deps, incoming, view, policy, name)

        return handle

    def _respond(
        self, deps: Deps, incoming: IncomingRequest, view: PortalView, policy: PagePolicy, name: str
    ) -> Response:
        refused: list[tuple[PortalRequest, KontorError]] = []

        def show(session: Session) -> Response:
            request = policy.admit(replace(authenticated(deps, session, incoming), page=name))
            demanded = proof.demand(request) if policy.proof and incoming.method == "POST" else None
            return self.pages.response(demanded or recorded(request, view), request)

        def refuse(session: Session | None, error: KontorError) -> Response:
            if session is None:
                return Response(status_code=503, headers={"Retry-After": "1"})
            request = replace(authenticated(deps, session, incoming), page=name)
            refused.append((request, error))
            return self.pages.response(_refusal(request, error), request)

        response = run_page(deps, show, refuse)
        for request, error in refused[-1:]:
            _note(request, error)
        return response


def recorded(request: PortalRequest, view: PortalView) -> PortalResponse:
    """Show a page or act; what it changed is written down in its transaction, under `/as/` for the client too."""
    incoming = request.incoming
    if incoming.method != "POST":
        if request.client is not None:
            visits.enter(request.session, request.person, request.client, _session_id(request), request.now)
        return view(request)
    actor = request.actor()
    with watched(request.session, Act(actor.name, actor.origin)) as act:
        response = view(request)
        if isinstance(response, SeeOther) and request.client is not None:
            visits.note(
                request.session, request.person, request.client, _session_id(request), view.__name__, request.now
            )
        if act.wrote or isinstance(response, SeeOther):
            sent = {name: shown(name, value) for name, value in incoming.form.items() if name not in HIDDEN}
            target = next((f"{name.removesuffix('_id')}:{value}" for name, value in incoming.params.items()), None)
            detail = {"page": request.page, **({"sent": sent} if sent else {})}
            masked = None if "token" in incoming.params else target
            audit.close(request.session, f"portal.{view.__name__}", masked, at=request.now, detail=detail)
    return response


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
