"""On a customer's domain nothing is of the provider: every page of the portal, signed in and out, with its headers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from kontor.accounts import domains
from kontor.audit import Actor
from kontor.context import Context
from kontor.http.browsers import Browser
from kontor.http.context import Deps
from kontor.members import sessions
from kontor.members.sessions import Opened
from kontor.portal.app import ROUTES
from models.accounts import Account
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts, running_server
from tests.support.portal import PASSWORD, page_of
from workers.web_app import build

DOMAIN = "learn.elbe.example"
PROVIDER = "https://provider.example"
WORDS = re.compile(r"kontor|learning|provider\.example|console", re.IGNORECASE)
"""Names and hosts of Kontor and of the provider."""


@pytest.fixture
def site(api: Api, deps: Deps, elbe: ResellerAccounts) -> Iterator[httpx.Client]:
    """A deployment over https whose client has a verified domain; requests go to that domain."""
    api.ok(f"PUT /v1/accounts/{elbe.client}/brand", {"domain": DOMAIN})
    with deps.sessions() as session:
        account = session.get_one(Account, elbe.client)
        domains.verify_manually(Context(deps.jobs), session, DOMAIN, account, Actor("test"))
        session.commit()
    app = build(replace(deps, public_url=PROVIDER, console_url="https://staff.provider.example"))
    apart = app.state.hosts
    with (
        running_server(app) as url,
        httpx.Client(base_url=url, timeout=30, headers={"Host": DOMAIN}, verify=False) as http,
    ):
        app.state.hosts = apart
        yield http


def cookie_of(deps: Deps, account_id: object) -> str:
    """The cookie of a new session of an account's owner."""
    with deps.sessions() as session:
        account = session.get_one(Account, account_id)
        new = sessions.open_session(session, Opened((account,)), Browser("127.0.0.1"), deps.clock.wall_time())
        session.commit()
    return f"__Host-session={new.secret}"


def revealed(answer: httpx.Response) -> list[str]:
    """What an answer tells of the provider, in its body, headers and cookies."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
    return sorted(set(WORDS.findall(f"{headers}\n{answer.text}")))


def test_no_page_on_a_domain_names_the_provider(
    site: httpx.Client, api: Api, deps: Deps, elbe: ResellerAccounts
) -> None:
    ids = {"offer_id": offer_to(api, elbe), "member_id": elbe.client, "account_id": elbe.client, "token": "x"}
    ids |= {"template_id": elbe.client, "number": 0, "client_id": elbe.client}
    ids |= dict.fromkeys(("order_id", "service_id", "key_id", "endpoint_id", "product"), elbe.client)
    ids |= {"factor_id": elbe.client, "session_id": elbe.client, "request_id": elbe.client, "import_id": elbe.client}
    ids |= {"charge_id": elbe.client, "month": "2026-01"}
    framed = urlsplit(api.ok(f"POST /v1/accounts/{elbe.client}/portal-sessions", {"embed": True})["url"]).path
    leaks, seen = {}, set()
    for path in (framed, f"{framed}/updates/{ids['offer_id']}", f"{framed}x"):
        if shown := revealed(site.get(path)):
            leaks[path] = shown
    for cookie in ("", cookie_of(deps, elbe.client), cookie_of(deps, elbe.reseller)):
        for route in ROUTES:
            path = route.path.format(**ids)
            answer = site.request(route.method, path, headers={"Cookie": cookie})
            seen.add(page_of(answer) if answer.status_code == 200 else "")
            if shown := revealed(answer):
                leaks[f"{route.method} {path} {answer.status_code}"] = shown
    assert leaks == {}
    assert {
        "login",
        "account",
        "updates",
        "updates.show",
        "account.members",
        "account.password",
        "account.security",
    } <= seen
    assert "account.security.totp" in seen


def test_partner_pages_and_signing_up_are_not_there_on_a_domain(
    site: httpx.Client, deps: Deps, elbe: ResellerAccounts
) -> None:
    cookie = {"Cookie": cookie_of(deps, elbe.reseller)}
    for path in ("/partner", "/partner/offers", "/signup", f"/as/{elbe.client}/account", "/account/become-reseller"):
        assert site.get(path, headers=cookie).status_code == 404, path


def test_account_of_another_reseller_is_not_on_a_domain(
    site: httpx.Client, api: Api, deps: Deps, elbe: ResellerAccounts
) -> None:
    new = {"programme": "learning", "name": "Spree", "admin_email": "a@spree.example", "password": PASSWORD}
    account = api.ok("POST /v1/accounts", new)["id"]
    assert site.get("/account", headers={"Cookie": cookie_of(deps, account)}).headers["location"].startswith("/login")
    form = site.get("/login")
    ticket = form.cookies.get("__Host-ticket") or form.headers["set-cookie"].split("=")[1].split(";")[0]
    sent = {"csrf": ticket, "identifier": "Spree", "password": PASSWORD}
    cookie = {"Cookie": f"__Host-ticket={ticket}"}
    assert site.post("/login", data=sent, headers=cookie).status_code == 422
    own = site.post("/login", data={**sent, "identifier": "elbe client"}, headers=cookie)
    assert (own.status_code, own.headers["location"]) == (303, "/account")
    assert all("Secure" in each and each.startswith("__Host-") for each in own.headers.get_list("set-cookie"))


def test_link_of_another_reseller_is_404_on_a_domain(site: httpx.Client, api: Api, elbe: ResellerAccounts) -> None:
    new = {"programme": "learning", "name": "Spree", "admin_email": "a@spree.example"}
    account = api.ok("POST /v1/accounts", new)["id"]
    foreign = urlsplit(api.ok(f"POST /v1/accounts/{account}/portal-sessions", {})["url"]).path
    own = api.ok(f"POST /v1/accounts/{elbe.client}/portal-sessions", {})["url"]
    assert site.get(foreign).status_code == 404
    assert own.startswith(f"https://{DOMAIN}/sign-in/")
    assert site.get(urlsplit(own).path).status_code == 200


def test_root_of_a_domain_leads_to_the_service_when_the_account_names_one(
    site: httpx.Client, api: Api, deps: Deps, elbe: ResellerAccounts
) -> None:
    client = {"Cookie": cookie_of(deps, elbe.client)}
    assert site.get("/", headers=client).headers["location"] == "/account"
    assert site.get("/").headers["location"] == "/login"
    home = "https://service.elbe.example/start"
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"home_url": home})
    assert site.get("/", headers=client).headers["location"] == home
    assert site.get("/").headers["location"] == home
    assert site.get("/account", headers=client).status_code == 200
