"""An operator enters an account with a reason: as its staff, without decisions and sign-in, seen by its people."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine, select, text

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from models.control import AuditEntry
from tests.integration.api.test_pages import LINE, deliver
from tests.integration.console.test_operator_forms import send
from tests.support.api import Api, ResellerAccounts
from tests.support.api_fixtures import build_deps
from tests.support.console import ConsoleClient
from tests.support.portal import PortalClient, set_password

As = Callable[[str], ConsoleClient]
Browsers = Callable[[], PortalClient]
Make = Callable[[str], ResellerAccounts]


@pytest.fixture
def deps(engine: Engine, clock: ManualClock) -> Iterator[Deps]:
    """The dependencies of a web process whose portal is reached over http, as on a developer's machine."""
    with ThreadPoolExecutor(4) as threads:
        yield replace(build_deps(engine, clock, threads), public_url="http://127.0.0.1")


def link_of(person: ConsoleClient, account: UUID) -> str:
    """The path of the link that enters an account."""
    shown = send(person, f"/console/accounts/{account}/enter", {})
    assert shown.status_code == 200, shown.text
    (link,) = re.findall(r'href="http://127\.0\.0\.1(/sign-in/[^"]+)"', shown.text)
    return str(link)


@pytest.fixture
def browsers(address: str) -> Iterator[Callable[[], PortalClient]]:
    """Browsers of people who have not signed in."""
    with ExitStack() as stack:
        yield lambda: PortalClient(stack.enter_context(httpx.Client(base_url=address, timeout=30, verify=False)))


def use(browser: PortalClient, link: str) -> httpx.Response:
    """Press the button of a link that signs in."""
    return browser.http.post(link, data={"csrf": browser.csrf(link)})


def test_operator_enters_a_reseller_as_its_staff_and_reaches_no_keys_members_or_password(
    signed_in: As, browsers: Browsers, deps: Deps, make_accounts: Make
) -> None:
    elbe = make_accounts("elbe")
    person = signed_in("operator")
    link = link_of(person, elbe.reseller)
    browser = browsers()
    answer = use(browser, link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/partner")
    shown = browser.get("/partner").text
    assert ("elbe client" in shown, "Signed in as operator operator@kontor.example in elbe" in shown) == (True, True)
    closed = (
        "partner/keys",
        "partner/merge",
        "partner/team",
        "partner/security",
        "account/sign-in",
        "account/password",
    )
    assert {path: browser.get(f"/{path}").status_code for path in closed} == dict.fromkeys(closed, 403)
    sent = {"csrf": browser.csrf("/partner/clients/new"), "admin_email": "mine@kontor.example"}
    moved = browser.http.post(f"/partner/clients/{elbe.client}/hand-over", data=sent)
    assert (moved.status_code, "proof_password" in moved.text) == (403, False)
    assert use(browsers(), link).status_code == 200, "the link is used up"
    with deps.sessions() as session:
        query = select(AuditEntry.actor, AuditEntry.reason).where(AuditEntry.action == "account.enter")
        assert session.execute(query).all() == [("operator:operator@kontor.example", "asked by phone")]
        mails = text("SELECT count(*) FROM mails WHERE template = 'new-sign-in' AND account_id = :id")
        assert session.scalar(mails, {"id": elbe.reseller}) == 0


def test_operator_in_a_clients_account_decides_nothing_and_the_client_reads_that_staff_was_there(
    signed_in: As, browsers: Browsers, api: Api, deps: Deps, make_accounts: Make
) -> None:
    elbe = make_accounts("elbe")
    new = {"reseller_id": str(elbe.reseller), "account_id": str(elbe.client), "lines": [LINE]}
    offer = str(api.ok("POST /v1/offers", new)["id"])
    deliver(api.deps, UUID(offer))
    browser = browsers()
    answer = use(browser, link_of(signed_in("operator"), elbe.client))
    assert answer.headers["location"] == "/account"
    assert browser.get(f"/updates/{offer}").status_code == 200
    data = {"csrf": browser.csrf("/updates"), "decision": "accept"}
    assert browser.http.post(f"/updates/{offer}/decide", data=data).status_code == 403
    assert api.ok(f"GET /v1/offers/{offer}")["state"] == "waiting_for_confirmation"
    assert browser.http.post("/account/trial", data={"csrf": data["csrf"]}).status_code in (303, 409)
    set_password(api, elbe.client)
    own = browsers()
    assert own.sign_in("elbe client").status_code == 303
    visits = own.get("/account/visits").text
    assert ("staff" in visits, "operator@kontor.example" in visits) == (True, False)


def test_entered_session_ends_with_the_operators_login(
    signed_in: As, browsers: Browsers, deps: Deps, make_accounts: Make
) -> None:
    elbe = make_accounts("elbe")
    browser = browsers()
    use(browser, link_of(signed_in("operator"), elbe.client))
    assert browser.get("/account").status_code == 200
    with deps.sessions() as session:
        session.execute(text("UPDATE operators SET disabled_at = now()"))
        session.commit()
    assert browser.get("/account").status_code == 303


def test_nobody_enters_without_a_reason(signed_in: As, deps: Deps, make_accounts: Make) -> None:
    path = f"/console/accounts/{make_accounts('elbe').client}/enter"
    refused = send(signed_in("operator"), path, {"reason": " "})
    assert (refused.status_code, 'id="error-reason"' in refused.text) == (422, True)
    with deps.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM portal_links WHERE by_operator IS NOT NULL")) == 0


def test_viewer_enters_no_account(signed_in: As, deps: Deps, make_accounts: Make) -> None:
    client, viewer = make_accounts("elbe").client, signed_in("viewer")
    path, sent = f"/console/accounts/{client}/enter", {"reason": "mine", "token": str(client)}
    assert (viewer.http.get(path).status_code, viewer.post(path, sent).status_code) == (403, 403)
    with deps.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM portal_links WHERE by_operator IS NOT NULL")) == 0
