"""Updates in a frame of the customer's own product: the token in path and forms is the permission (portal.md 4).

No cookie is set or read, nothing but updates is reachable, and only the instance's origin may frame the pages.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from kontor.accounts import instances
from kontor.accounts.portal import SUSPENDED, SUSPENDED_HINT, brand_of
from kontor.http.bodies import read_form
from kontor.http.context import Deps
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import headers_of, status_of
from kontor.http.transaction import run_page
from kontor.kernel.errors import Forbidden, KontorError, NotFound
from kontor.mailer.formatting import LANGUAGES
from kontor.members import links
from kontor.members.links import EmbedExpired
from kontor.offers import updates_portal
from kontor.portal.auth import AccountStopped, serves
from kontor.portal.handler import FIELDS, HINTS, TITLES, recorded
from kontor.portal.page_routes import PortalView
from kontor.portal.render import PortalPages
from kontor.ui.pages import N, preferred_language
from kontor.ui.portal_errors import NOT_POSSIBLE, NOTICES
from kontor.ui.portal_request import PortalPage, PortalRequest
from models.accounts import Account
from models.members import MemberRole

UPDATES: Final = "/embed/{token}"
ROUTES: Final = (
    ("GET", UPDATES, updates_portal.show_updates, "embed.show", MemberRole.VIEWER),
    ("GET", f"{UPDATES}/updates/{{offer_id}}", updates_portal.show_update, "embed.updates.show", MemberRole.VIEWER),
    ("POST", f"{UPDATES}/updates/{{offer_id}}/decide", updates_portal.decide, "embed.updates.decide", MemberRole.STAFF),
)
EXPIRED: Final = N("This page has expired. Please reload it in the application that shows it.")


def embed_router(pages: PortalPages) -> APIRouter:
    """Return the routes of the embedded pages."""
    router = APIRouter(include_in_schema=False)
    for method, path, view, name, role in ROUTES:
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        router.add_api_route(path, _handler(pages, view, name, role), methods=methods, name=f"{method} {path}")
    return router


def _handler(pages: PortalPages, view: PortalView, name: str, role: MemberRole) -> Callable[..., Awaitable[Response]]:
    async def handle(http_request: Request) -> Response:
        deps: Deps = http_request.app.state.deps
        form = await read_form(http_request, FIELDS, deps.limits.bodies)
        incoming = IncomingRequest.of(http_request, form={key: text.replace("\x00", "") for key, text in form.items()})

        def show(session: Session) -> Response:
            request = replace(opened(deps, session, incoming), page=name)
            _admit(request, role)
            return _framed(pages.response(recorded(request, view), request), session, request.account)

        def refuse(session: Session | None, error: KontorError) -> Response:
            if session is None:
                return Response(status_code=503, headers={"Retry-After": "1"})
            return _refusal(pages, deps, session, incoming, error)

        return await asyncio.get_running_loop().run_in_executor(deps.threads, run_page, deps, show, refuse)

    return handle


def opened(deps: Deps, session: Session, incoming: IncomingRequest) -> PortalRequest:
    """Open a request of the token's person; no cookie is read. Raises NotFound, EmbedExpired."""
    token, now = incoming.params["token"], deps.clock.now()
    person = links.peek_embed(session, deps.tokens, token, now)
    if not serves(incoming, person.account):
        raise NotFound
    chosen = incoming.query.get("lang", "")
    locale = chosen if chosen in LANGUAGES else person.locale
    return PortalRequest(
        deps, session, incoming, now, None, (person,), person, ticket=token, locale=locale, embedded=f"/embed/{token}"
    )


def _admit(request: PortalRequest, role: MemberRole) -> None:
    """Raise Forbidden unless the form brings the token back, the role may, and the account works."""
    sent = request.incoming.form.get("csrf", "").encode("utf-8", "replace")
    if request.incoming.method == "POST" and not secrets.compare_digest(sent, request.csrf.encode()):
        raise Forbidden("csrf", "This form does not belong to this page.")
    if request.account.suspended:
        raise AccountStopped(request.account)
    if not request.may(role):
        raise Forbidden("role", "Your role does not allow this.")


def _refusal(
    pages: PortalPages, deps: Deps, session: Session, incoming: IncomingRequest, error: KontorError
) -> Response:
    """Return the page that says why nothing is shown; that of an account in its brand."""
    status, account = status_of(error), _account_of(deps, session, incoming, error)
    locale = preferred_language(incoming.headers.get("accept-language", "")) if account is None else account.locale
    request = PortalRequest(deps, session, incoming, deps.clock.now(), locale=locale, embedded="/embed", page="embed")
    title, hint = TITLES.get(status, NOT_POSSIBLE), HINTS.get(status) or NOTICES.get(error.code, NOT_POSSIBLE)
    if isinstance(error, AccountStopped):
        title, hint = SUSPENDED, SUSPENDED_HINT
    elif isinstance(error, EmbedExpired):
        title, hint = EXPIRED, ""
    brand = None if account is None else brand_of(deps, session, account)
    page = PortalPage("message.html", title, {"hint": hint}, status, headers=headers_of(error), brand=brand)
    return _framed(pages.response(page, request), session, account)


def _account_of(deps: Deps, session: Session, incoming: IncomingRequest, error: KontorError) -> Account | None:
    """Return the account that a refused token is about; None for a forged one."""
    if isinstance(error, EmbedExpired | AccountStopped):
        return error.account if serves(incoming, error.account) else None
    try:
        return opened(deps, session, incoming).account
    except KontorError:
        return None


def _framed(response: Response, session: Session, account: Account | None) -> Response:
    """Let the instance's origin, and nobody else, show the page in a frame."""
    origin = None if account is None else instances.origin_of(session, account.id)
    if origin is not None:
        policy = response.headers["content-security-policy"]
        response.headers["content-security-policy"] = policy.replace(
            "frame-ancestors 'none'", f"frame-ancestors {origin}"
        )
        del response.headers["x-frame-options"]
    return response
