"""Routes of the portal's pages, each with its policy; those of an account also under `/as/` for its reseller."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kontor.account_book import portal as account_book_portal
from kontor.accounts import clients_portal, signup_portal
from kontor.accounts import portal as accounts_portal
from kontor.discounts import portal as discounts_portal
from kontor.http.context import Deps
from kontor.http.cookies import CookieStore
from kontor.http.edge import SURFACES
from kontor.http.hosts import Surface, split_host
from kontor.http.incoming import IncomingRequest
from kontor.http.transaction import run
from kontor.kernel.errors import KontorError
from kontor.members import pages as members_pages
from kontor.offers import partner_portal, updates_portal
from kontor.operators import sessions as operator_sessions
from kontor.portal import account, login, password, security
from kontor.portal.auth import CHOOSE, LOGIN, PagePolicy, home_of
from kontor.portal.embed import embed_router
from kontor.portal.handler import PortalHandler, PortalView
from kontor.portal.render import PortalPages
from kontor.ui.portal_request import PortalRequest, PortalResponse, SeeOther
from models.members import MemberRole

OPERATOR_COOKIE: Final = "console"
OPEN: Final = PagePolicy(None)
ANY: Final = PagePolicy(any_account=True)
READ: Final = PagePolicy(MemberRole.VIEWER)
FREE: Final = PagePolicy(MemberRole.VIEWER, factorless=True)
STAFF: Final = PagePolicy(MemberRole.STAFF)
OWNER: Final = PagePolicy(MemberRole.OWNER)
PROVEN: Final = PagePolicy(MemberRole.OWNER, proof=True)


@dataclass(frozen=True, slots=True)
class PortalRoute:
    """A page or form. `inside`: also under `/as/CLIENT`; `sign_in`: it verifies passwords."""

    method: str
    path: str
    view: PortalView
    policy: PagePolicy
    inside: bool = False
    sign_in: bool = False

    @property
    def name(self) -> str:
        """The page's name: the path without ids, with dots, `.show` where an id ends it (contract.md 4)."""
        parts = re.sub(r"/\{\w+\}", "", self.path).strip("/").replace("/", ".")
        return f"{parts}.show" if self.path.endswith("}") else parts


RESELLER: Final = PagePolicy(MemberRole.VIEWER, reseller=True)
SELLER: Final = PagePolicy(MemberRole.STAFF, reseller=True)
ACTS: Final[Mapping[str, PortalView]] = {
    "login-as": clients_portal.log_in_as,
    "disconnect": clients_portal.disconnect,
    "delete": clients_portal.delete,
    "restore": clients_portal.restore,
    "suspend": clients_portal.suspend,
    "resume": clients_portal.resume,
}
PARTNER: Final[tuple[PortalRoute, ...]] = (
    PortalRoute("GET", "/partner", clients_portal.show_clients, RESELLER),
    PortalRoute("GET", "/partner/clients.csv", clients_portal.download_csv, RESELLER),
    PortalRoute("GET", "/partner/clients.xlsx", clients_portal.download_excel, RESELLER),
    PortalRoute("GET", "/partner/clients/new", clients_portal.show_new, SELLER),
    PortalRoute("POST", "/partner/clients/new", clients_portal.create, SELLER),
    PortalRoute("GET", "/partner/clients/connect", clients_portal.show_connect, SELLER),
    PortalRoute("POST", "/partner/clients/connect", clients_portal.connect, SELLER, sign_in=True),
    PortalRoute("GET", "/partner/clients/{account_id}", clients_portal.show_client, RESELLER),
    *(PortalRoute("POST", f"/partner/clients/{{account_id}}/{act}", view, SELLER) for act, view in ACTS.items()),
    PortalRoute("GET", "/partner/offers", partner_portal.show_offers, RESELLER),
    PortalRoute("GET", "/partner/offers/new", partner_portal.show_new, SELLER),
    PortalRoute("POST", "/partner/offers/new", partner_portal.send, SELLER),
    PortalRoute("POST", "/partner/offers/{offer_id}/cancel", partner_portal.cancel, SELLER),
    PortalRoute("GET", "/partner/templates", partner_portal.show_templates, RESELLER),
    PortalRoute("POST", "/partner/templates", partner_portal.create_template, SELLER),
    PortalRoute("GET", "/partner/templates/{template_id}", partner_portal.show_template, RESELLER),
    PortalRoute("POST", "/partner/templates/{template_id}/lines", partner_portal.add_line, SELLER),
    PortalRoute("POST", "/partner/templates/{template_id}/lines/{number}/remove", partner_portal.remove_line, SELLER),
    PortalRoute("POST", "/partner/templates/{template_id}/remove", partner_portal.remove_template, SELLER),
    PortalRoute("GET", "/partner/discount", discounts_portal.show_discount, RESELLER),
    PortalRoute("GET", "/partner/account-book", account_book_portal.show_account_book, RESELLER),
)


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
    PortalRoute("GET", "/account/members", members_pages.show_members, OWNER),
    PortalRoute("POST", "/account/members", members_pages.add_member, PROVEN),
    PortalRoute("POST", "/account/members/{member_id}", members_pages.change_member, PROVEN),
    PortalRoute("POST", "/account/members/{member_id}/remove", members_pages.remove_member, PROVEN),
    PortalRoute("GET", "/updates", updates_portal.show_updates, READ, inside=True),
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


def portal_router() -> APIRouter:
    """Return every route of the portal that asks for a sign-in, and the sign-in itself."""
    pages = PortalPages()
    router, server = APIRouter(include_in_schema=False), PortalHandler(pages)
    router.include_router(embed_router(pages))
    home = server.handler(show_home, OPEN, "home")

    async def first_page(request: Request) -> Response:
        surfaces = request.scope[SURFACES]
        if Surface.STAFF in surfaces and (Surface.PROVIDER not in surfaces or await is_operator(request)):
            return RedirectResponse("/console", 302)
        return await home(request)

    router.add_api_route("/", first_page, methods=["GET", "HEAD"])
    for route, path in paths():
        methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
        handler = server.handler(route.view, route.policy, route.name, sign_in=route.sign_in)
        router.add_api_route(path, handler, methods=methods, name=f"{route.method} {path}")
    return router


def paths() -> Iterator[tuple[PortalRoute, str]]:
    """Return every route with its path, and with that under `/as/` where there is one."""
    for route in ROUTES:
        yield route, route.path
        if route.inside:
            yield route, f"/as/{{client_id}}{route.path}"


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
