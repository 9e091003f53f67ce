"""A client's page under `/as/`, made exactly as the client itself gets it."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from kontor.portal.app import ROUTES
from tests.integration.portal.test_account_pages import offer_to
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, mailed_path, set_password

Make = Callable[[str], ResellerAccounts]
INSIDE = sorted(route.path for route in ROUTES if route.inside and route.method == "GET" and not route.polled)


@pytest.fixture
def reseller(api: Api, elbe: ResellerAccounts) -> Iterator[PortalClient]:
    """The client's reseller, signed in."""
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        browser = PortalClient(http)
        browser.get("/login?lang=en")
        browser.sign_in("elbe")
        yield browser


def body_of(answer: httpx.Response) -> str:
    """The page from its header to its foot, without the secret of its forms."""
    assert answer.status_code == 200, answer.text
    (body,) = re.findall(r'<header class="top">.*</footer>', answer.text, re.DOTALL)
    return re.sub(r'name="csrf" value="[^"]*"', 'name="csrf" value=""', str(body))


def bar_of(answer: httpx.Response) -> str:
    """The fixed bar of a page."""
    shown = re.search(r'<div class="acting".*?</div>', answer.text, re.DOTALL)
    return "" if shown is None else shown[0]


@pytest.mark.parametrize("path", INSIDE)
def test_body_is_the_clients_own_on_every_page_when_the_reseller_looks(
    elbe: ResellerAccounts, visitor: PortalClient, reseller: PortalClient, api: Api, path: str
) -> None:
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"locale": "fr"})
    path = path.replace("{offer_id}", offer_to(api, elbe))
    visitor.sign_in("elbe client")
    own, looked = visitor.get(path), reseller.get(f"/as/{elbe.client}{path}?view=client")
    assert body_of(looked) == body_of(own)
    assert body_of(reseller.get(f"/as/{elbe.client}{path}")) != body_of(own)
    assert f'data-acting-as="{elbe.client}"' in looked.text
    assert (bar_of(own), "Signed in as reseller elbe in elbe client" in bar_of(looked)) == ("", True)
    assert f'href="/as/{elbe.client}{path}"' in bar_of(looked)
    assert f'href="/as/{elbe.client}{path}?view=client"' in bar_of(reseller.get(f"/as/{elbe.client}{path}"))


def test_every_client_page_inside_is_compared() -> None:
    assert INSIDE == ["/account", "/updates", "/updates/{offer_id}"]


def test_forms_of_the_page_do_nothing_when_they_are_pressed_all_the_same(
    elbe: ResellerAccounts, reseller: PortalClient, api: Api
) -> None:
    offer = offer_to(api, elbe)
    looked = reseller.get(f"/as/{elbe.client}/updates/{offer}?view=client")
    assert (" inert>" in looked.text, 'name="decision"' in looked.text) == (True, True)
    assert set(re.findall(r'name="csrf" value="([^"]*)"', looked.text)) == {""}
    for path in (f"/updates/{offer}/decide", f"/as/{elbe.client}/updates/{offer}/decide"):
        sent = {"decision": "accept", "csrf": ""}
        assert reseller.http.post(f"{path}?view=client", data=sent).status_code == 403
    right = reseller.post(f"/as/{elbe.client}/updates/{offer}/decide?view=client", {"decision": "accept"})
    assert (right.status_code, api.ok(f"GET /v1/offers/{offer}")["state"]) == (403, "waiting_for_confirmation")


def test_client_of_another_is_not_there_and_a_look_is_a_visit(
    elbe: ResellerAccounts, visitor: PortalClient, reseller: PortalClient, make_accounts: Make
) -> None:
    other = make_accounts("spree")
    assert reseller.get(f"/as/{other.client}/account?view=client").status_code == 404
    reseller.get(f"/as/{elbe.client}/account?view=client")
    visitor.sign_in("elbe client")
    assert "opened the account" in visitor.get("/account/visits?lang=en").text


def test_former_resellers_offers_stay_hidden_when_the_next_one_looks(
    elbe: ResellerAccounts, visitor: PortalClient, reseller: PortalClient, api: Api, make_accounts: Make
) -> None:
    spree = make_accounts("spree")
    offer = offer_to(api, spree, "From the former reseller")
    accepted = api.call(f"POST /v1/offers/{offer}/accept", key=api.key("decide", "read", account_id=spree.client))
    assert accepted.status_code == 200, accepted.text
    api.ok(f"POST /v1/resellers/{spree.reseller}/clients/{spree.client}/disconnect", {})
    set_password(api, spree.client)
    api.ok(f"POST /v1/resellers/{elbe.reseller}/clients/connect", {"name": "spree client", "password": PASSWORD})
    for path in ("account", "updates"):
        looked = reseller.get(f"/as/{spree.client}/{path}?view=client")
        assert (looked.status_code, "former reseller" in looked.text, offer in looked.text) == (200, False, False)


def test_reseller_reads_when_an_offer_was_decided_and_the_client_also_who_did(
    elbe: ResellerAccounts, visitor: PortalClient, reseller: PortalClient, api: Api
) -> None:
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"locale": "en"})
    path = f"/updates/{offer_to(api, elbe)}"
    visitor.sign_in("elbe client")
    assert visitor.post(f"{path}/decide", {"decision": "accept"}).status_code == 303
    seen = [visitor.get(f"{path}?lang=en").text]
    seen += [reseller.get(f"/as/{elbe.client}{path}{query}").text for query in ("?lang=en", "?view=client")]
    assert [("<dt>Decided</dt>" in text, "<dt>By</dt>" in text) for text in seen] == [
        (True, True),
        (True, False),
        (True, False),
    ]


def test_viewer_looks_too_and_a_visitor_is_asked_to_sign_in(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    assert visitor.get(f"/as/{elbe.client}/account?view=client").status_code == 303
    api.ok(f"POST /v1/accounts/{elbe.reseller}/members", {"email": "jana@elbe.example", "role": "viewer"})
    api.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    visitor.sign_in("jana@elbe.example")
    looked = visitor.get(f"/as/{elbe.client}/account?view=client")
    assert ("/account/members" in looked.text, looked.status_code) == (True, 200)
