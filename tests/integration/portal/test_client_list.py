"""The reseller's list of clients: its search and each filter, alone and together; a client's products and system."""

import csv
import io
import re
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.http.context import Deps
from tests.support.api import Api
from tests.support.portal import PortalClient, error_of, page_of, set_password
from tests.support.wiring import apply_example

LISTED = re.compile(r'data-client="([0-9a-f-]{36})"')


def reseller_with_clients(api: Api, deps: Deps, programme: str, *names: str) -> dict[str, str]:
    """A reseller, `Nord`, that can sign in, and its clients; returns the ids by name."""
    with deps.sessions() as session:
        apply_example(session, programme, deps.clock)
        session.commit()
    new = {"programme": programme, "name": "Nord", "admin_email": "chef@nord.example"}
    made: dict[str, str] = {"Nord": api.ok("POST /v1/accounts", new)["id"]}
    api.ok(f"POST /v1/accounts/{made['Nord']}/become-reseller")
    set_password(api, UUID(made["Nord"]))
    for name in names:
        body = {"name": name, "admin_email": f"{name.partition(' ')[0].lower()}@kunden.example"}
        made[name] = api.ok(f"POST /v1/resellers/{made['Nord']}/clients", body)["id"]
    return made


@pytest.fixture
def booking(api: Api, deps: Deps, visitor: PortalClient) -> dict[str, str]:
    """Over its limit with a system; at its limit; over it and suspended; far below it. The reseller is signed in."""
    made = reseller_with_clients(api, deps, "booking", "Alster", "Bille", "Ca_sa Elbe", "Dove")
    for name, value in (("Alster", 51), ("Bille", 50), ("Ca_sa Elbe", 60)):
        report = {"metric": "appointments", "value": value, "at": "2026-03-02T11:00:00Z"}
        api.ok(f"POST /v1/accounts/{made[name]}/usage", report)
    api.ok(f"PUT /v1/accounts/{made['Alster']}/instance", {"url": "https://alster.example/hook"})
    api.ok(f"PATCH /v1/accounts/{made['Ca_sa Elbe']}", {"suspended": True})
    other = {"programme": "booking", "name": "Süd", "admin_email": "chef@sued.example"}
    stranger = api.ok("POST /v1/accounts", other)["id"]
    api.ok(f"POST /v1/accounts/{stranger}/become-reseller")
    foreign = {"name": "Alsterblick", "admin_email": "alster@fremde.example"}
    api.ok(f"POST /v1/resellers/{stranger}/clients", foreign)
    assert visitor.sign_in("Nord").status_code == 303
    return made


def test_client_list_shows_what_each_filter_and_all_together_ask_for(
    booking: dict[str, str], visitor: PortalClient
) -> None:
    names = {account: name for name, account in booking.items()}

    def listed(query: str) -> list[str]:
        return [names[account] for account in LISTED.findall(visitor.get(f"/partner?{query}").text)]

    assert listed("") == ["Alster", "Bille", "Ca_sa Elbe", "Dove"], "none of another reseller"
    assert listed("state=over_quota") == ["Alster", "Ca_sa Elbe"], "the one at its limit is not over it"
    assert listed("state=no_instance") == ["Bille", "Ca_sa Elbe", "Dove"]
    assert listed("state=over_quota&state=no_instance") == ["Ca_sa Elbe"]
    assert listed("state=over_quota&state=no_instance&state=suspended&plan=free") == ["Ca_sa Elbe"]
    assert listed("state=over_quota&plan=basic") == []
    assert listed("state=trial") == []
    assert listed("sort=newest") == ["Dove", "Ca_sa Elbe", "Bille", "Alster"]
    assert listed("state=over_quota&sort=newest") == ["Ca_sa Elbe", "Alster"]


def test_client_list_finds_parts_of_names_and_addresses_and_takes_wildcards_as_they_are(
    booking: dict[str, str], visitor: PortalClient
) -> None:
    def matching(query: str) -> list[str]:
        names = {account: name for name, account in booking.items()}
        return [names[account] for account in LISTED.findall(visitor.get(f"/partner?q={query}").text)]

    assert matching("ALST") == ["Alster"], "in any capitals, and none of another reseller"
    assert matching("dove%40kunden") == ["Dove"]
    assert matching("elbe") == ["Ca_sa Elbe"]
    assert matching("a_s") == ["Ca_sa Elbe"], "an underscore is no wildcard"
    assert matching("%25") == []
    assert matching("%5C") == []
    assert matching("fremde") == []
    assert matching("alster&state=over_quota") == ["Alster"]
    assert matching("bille&state=over_quota") == []
    assert page_of(visitor.get("/partner?q=%00%27%22")) == "partner"


def test_download_has_what_the_list_shows(booking: dict[str, str], visitor: PortalClient) -> None:
    for query in ("state=over_quota", "q=a_s", "state=no_instance&state=suspended", "plan=basic", ""):
        listed = LISTED.findall(visitor.get(f"/partner?{query}").text)
        answer = visitor.get(f"/partner/clients.csv?{query}").text.removeprefix("\ufeff")
        rows = list(csv.reader(io.StringIO(answer)))[1:]
        assert len(rows) == len(listed), query
        assert "fremde" not in answer


def test_product_of_a_client_is_assigned_priced_and_ended_on_its_page(
    api: Api, deps: Deps, visitor: PortalClient
) -> None:
    made = reseller_with_clients(api, deps, "telephony", "Alster")
    place = f"/partner/clients/{made['Alster']}/products"
    assert visitor.sign_in("Nord").status_code == 303

    def assignment() -> dict[str, Any]:
        (item,) = api.ok(f"GET /v1/accounts/{made['Alster']}/products")["items"]
        return dict(item)

    assert page_of(visitor.get(place)) == "partner.clients.products"
    offered = visitor.get(f"{place}?lang=en").text.split('data-offered="call-recording"')[1].split("</tr>")[0]
    assert re.findall(r"\$(\d+\.\d\d)", offered) == ["10.00", "10.00", "20.00", "10.00"], (
        "wholesale, cost, retail, margin"
    )
    wrong = visitor.post(place, {"product": "call-recording", "retail_fee": "-3"})
    assert (wrong.status_code, error_of(wrong, "retail_fee") != "") == (422, True)
    assert visitor.post(place, {"product": "nothing"}).status_code == 404
    assert api.ok(f"GET /v1/accounts/{made['Alster']}/products")["items"] == []
    assert visitor.post(place, {"product": "call-recording", "retail_fee": "25.00"}).status_code == 303
    shown = visitor.get(place).text
    assert ("25.00" in shown, "10.00" in shown) == (True, True), "its price, and the wholesale price"
    assert assignment()["retail_fee"]["amount"] == "25.00"
    assert visitor.post(f"{place}/call-recording/price", {"retail_fee": "5.00"}).status_code == 303
    assert (assignment()["retail_fee"]["amount"], assignment()["below_cost"]) == ("5.00", True)
    loss = visitor.get(f"{place}?lang=en").text
    assert ('data-state="below_cost"' in loss, "-$5.00 below cost" in loss, 'value="5.00"' in loss) == (
        True,
        True,
        True,
    )
    for typed in ("-1", "1.234", "twenty", "1e3"):
        refused = visitor.post(f"{place}/call-recording/price", {"retail_fee": typed})
        assert (refused.status_code, error_of(refused, "retail_fee") != "") == (422, True), typed
        row = refused.text.split('data-product="call-recording"')[1].split("</tr>")[0]
        assert ('id="error-retail_fee"' in row, f'value="{typed}"' in row) == (True, True), (
            "beside the product's own field"
        )
        assert refused.text.count('id="error-retail_fee"') == 1
    assert assignment()["retail_fee"]["amount"] == "5.00"
    assert visitor.post(f"{place}/call-recording/price", {"retail_fee": " "}).status_code == 303
    assert (assignment()["retail_fee"]["amount"], assignment()["recommended"]) == ("20.00", True)
    assert visitor.post(f"{place}/nothing/price", {"retail_fee": "5.00"}).status_code == 404
    assert visitor.post(f"{place}/call-recording/remove").status_code == 303
    assert assignment()["ends_on"] is not None


def test_system_of_a_client_is_connected_with_its_secret_once_and_leaves_the_filter(
    booking: dict[str, str], api: Api, deps: Deps, visitor: PortalClient
) -> None:
    place = f"/partner/clients/{booking['Dove']}/instance"
    refused = visitor.post(place, {"url": "http://127.0.0.1/hook"})
    assert (refused.status_code, error_of(refused, "url") != "") == (422, True)
    assert booking["Dove"] in visitor.get("/partner?state=no_instance").text
    saved = visitor.post(place, {"url": "https://dove.example/hook"})
    (secret,) = set(re.findall(r"whsec_[\w+/=]+", saved.text))
    assert secret not in visitor.get(place).text
    assert booking["Dove"] not in LISTED.findall(visitor.get("/partner?state=no_instance").text)
    with deps.sessions() as session:
        recorded = text("SELECT count(*) FROM audit_log WHERE detail::text LIKE :it")
        assert session.scalar(recorded, {"it": f"%{secret}%"}) == 0
    assert visitor.post(f"{place}/test").status_code == 303
    assert visitor.post(f"{place}/remove").status_code == 303
    assert booking["Dove"] in LISTED.findall(visitor.get("/partner?state=no_instance").text)
