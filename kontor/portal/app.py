"""Routes of the portal's pages, each with its policy; those of an account also under `/as/` for its reseller."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from kontor.accounts import portal as accounts_portal
from kontor.accounts import signup_portal
from kontor.http.context import Deps
from kontor.http.cookies import CookieStore
from kontor.http.edge import SURFACES
from kontor.http.hosts import Surface, split_host
from kontor.http.incoming import IncomingRequest
from kontor.http.transaction import run
from kontor.kernel.errors import KontorError
from kontor.members import pages as members_pages
from kontor.offers import updates_portal
from kontor.operators import sessions as operator_sessions
from kontor.portal import account, details, login, password, security
from kontor.portal.auth import CHOOSE, LOGIN, PagePolicy, home_of
from kontor.portal.embed import embed_router
from kontor.portal.handler import PortalHandler
from kontor.portal.page_routes import ANY, FREE, OPEN, OWNER, PROVEN, READ, STAFF, PortalRoute
from kontor.portal.partner_routes import PARTNER
from kontor.portal.render import PortalPages
from kontor.ui.portal_request import PortalRequest, PortalResponse, SeeOther
from models.members import MemberRole

OPERATOR_COOKIE: Final = "console"


def security_routes(path: str, policy: PagePolicy) -> Iterator[PortalRoute]:
    """Yield the routes of the page of one's own sign-in, under one of its paths."""
    proven = replace(policy, proof=True)
    yield PortalRoute("GET", path, security.show_security, policy)
    yield PortalRoute("GET", f"{path}/totp", security.show_totp, policy)
    yield PortalRoute("POST", f"{path}/totp", security.add_totp, proven)
    yield PortalRoute("POST", f"{path}/passkeys", security.add_passkey, proven)
    yield PortalRoute("POST", f"{path}/codes", security.new_codes, proven)
    yield PortalRoute("POST", f"{path}/factors/{{factor_id}}/remove", security.remove_factor, policy)
    yield PortalRoute("POST", f"{path}/sessions/{{session_id}}/end", security.end_session, policy)
    yield PortalRoute("POST", f"{path}/sessions/end", security.end_sessions, policy)


ROUTES: Final[tuple[PortalRoute, ...]] = (
    PortalRoute("GET", LOGIN, login.show_login, OPEN),
    PortalRoute("POST", LOGIN, login.enter, OPEN, sign_in=True),
    PortalRoute("POST", "/login/link", login.mail_link, OPEN),
    PortalRoute("GET", "/sign-in/{token}", login.show_link, OPEN),
    PortalRoute("POST", "/sign-in/{token}", login.use_link, OPEN),
    PortalRoute("POST", "/logout", login.leave, ANY),
    PortalRoute("GET", CHOOSE, login.show_choice, ANY),
    PortalRoute("POST", CHOOSE, login.choose, ANY),
    PortalRoute("GET", "/account", account.show_account, READ, inside=True),
    PortalRoute("POST", "/account/trial", account.start_trial, STAFF, inside=True),
    PortalRoute("POST", "/account/plan", account.change_plan, STAFF, inside=True),
    PortalRoute("GET", "/account/visits", account.show_visits, READ),
    PortalRoute("GET", "/account/details", details.show_own, OWNER),
    PortalRoute("POST", "/account/details", details.save_own, OWNER),
    PortalRoute("POST", "/account/address", details.change_own_address, PROVEN),
    PortalRoute("GET", "/account/members", members_pages.show_members, OWNER),
    PortalRoute("POST", "/account/members", members_pages.add_member, PROVEN),
    PortalRoute("POST", "/account/members/{member_id}", members_pages.change_member, PROVEN),
    PortalRoute("POST", "/account/members/{member_id}/remove", members_pages.remove_member, PROVEN),
    PortalRoute("GET", "/updates", updates_portal.show_updates, READ, inside=True),
    PortalRoute("GET", "/updates.json", updates_portal.count_updates, READ, inside=True, polled=True),
    PortalRoute("GET", "/updates/{offer_id}", updates_portal.show_update, READ, inside=True),
    PortalRoute("POST", "/updates/{offer_id}/decide", updates_portal.decide, STAFF, inside=True),
    *PARTNER,
    *security_routes("/account/security", PagePolicy(MemberRole.OWNER, factorless=True)),
    *security_routes("/account/sign-in", PagePolicy(MemberRole.VIEWER, factorless=True)),
    *security_routes("/partner/security", PagePolicy(MemberRole.OWNER, reseller=True, factorless=True)),
    PortalRoute("GET", "/signup", signup_portal.show_signup, OPEN),
    PortalRoute("POST", "/signup", login.sign_up, OPEN, sign_in=True),
    PortalRoute("GET", "/account/become-reseller", signup_portal.show_become, OWNER),
    PortalRoute("POST", "/account/become-reseller", signup_portal.become, OWNER),
    PortalRoute("GET", "/account/password", password.show_password, FREE),
    PortalRoute("POST", "/account/password", password.change_password, FREE, sign_in=True),
)


@cache
def portal_routes() -> tuple[BaseRoute, ...]:
    """Return every route of the portal that asks for a sign-in, and the sign-in itself."""
    pages = PortalPages()
    router, server = APIRouter(include_in_schema=False), PortalHandler(pages)
    home = server.handler(PortalRoute("GET", "/home", show_home, OPEN))

    async def first_page(request: Request) -> Response:
        surfaces = request.scope[SURFACES]
        if Surface.STAFF in surfaces and (Surface.PROVIDER not in surfaces or await is_operator(request)):
            return RedirectResponse("/console", 302)
        return await home(request)

    router.add_api_route("/", first_page, methods=["GET", "HEAD"])
    for route, path in paths():
        methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
        router.add_api_route(path, server.handler(route), methods=methods, name=f"{route.method} {path}")
    for path, above in pages_above().items():
        router.add_api_route(path, leading_up(above), methods=["GET", "HEAD"], name=f"GET {path}")
    return (*embed_router(pages).routes, *router.routes)


def paths() -> Iterator[tuple[PortalRoute, str]]:
    """Return every route with its path, and with that under `/as/` where there is one."""
    for route in ROUTES:
        yield route, route.path
        if route.inside:
            yield route, f"/as/{{client_id}}{route.path}"


def pages_above() -> dict[str, int]:
    """Return the paths that only take a form, each with how many parts of it the page with that form has less."""
    shown = {path for route, path in paths() if route.method == "GET"} | {"/"}
    above = {}
    for path in {path for _, path in paths()} - shown:
        parts = path.split("/")
        above[path] = next(n for n in range(1, len(parts)) if ("/".join(parts[:-n]) or "/") in shown)
    return above


def leading_up(parts: int) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that leads to the page above: a form's address, typed or opened anew, is no error."""

    async def endpoint(request: Request) -> Response:
        return RedirectResponse("/".join(request.url.path.split("/")[:-parts]) or "/", 303)

    return endpoint


def show_home(request: PortalRequest) -> PortalResponse:
    """Lead to the person's first page, or to the sign-in; on a customer's domain to its service, if it names one."""
    owners, account = request.incoming.domain_owners, request.access.account if request.access else None
    if owners is not None:
        domain, _ = split_host(request.incoming.headers.get("host", ""))
        home = accounts_portal.home_on_host(request.session, account, domain, owners)
        if home is not None:
            return SeeOther(home)
    return SeeOther(LOGIN if request.opened is None else home_of(request, request.access))


async def is_operator(request: Request) -> bool:
    """Whether an operator is signed in to the console on the same host."""
    deps: Deps = request.app.state.deps
    incoming = IncomingRequest.of(request)
    secret = CookieStore(urlsplit(deps.staff_url).scheme == "https", {}).read(incoming, OPERATOR_COOKIE)
    if not secret:
        return False

    def find(session: Session) -> bool:
        return operator_sessions.find_session(session, secret, deps.clock.wall_time(), used=False) is not None

    try:
        return await asyncio.get_running_loop().run_in_executor(deps.threads, run, deps, find)
    except KontorError:
        return False
