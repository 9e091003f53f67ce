"""The console's lists of offers, orders, services, charges, payments and endpoints: filters, pages, links, CSV."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from kontor.http.context import Deps
from kontor.ui import listing
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient
from tests.support.wiring import apply_example

As = Callable[[str], ConsoleClient]


@dataclass(frozen=True)
class Trade:
    """A reseller of `hosting` with a client, an order and payments; a second reseller with its own."""

    reseller: str
    client: str
    other: str
    order: dict[str, Any]


def reseller_named(api: Api, name: str, programme: str) -> str:
    new = {"programme": programme, "name": name, "admin_email": f"{name.lower()}@{name.lower()}.example"}
    account = str(api.ok("POST /v1/accounts", new)["id"])
    api.ok(f"POST /v1/accounts/{account}/become-reseller")
    return account


def pay(api: Api, reseller: str, reference: str, day: str, amount: str = "100.00") -> None:
    money = {"amount": amount, "currency": "RUB"}
    body = {"amount": money, "paid_at": f"{day}T12:00:00Z", "reference": reference, "kind": "payment"}
    api.ok(f"POST /v1/resellers/{reseller}/payments", body)


@pytest.fixture
def trade(api: Api, deps: Deps) -> Trade:
    with deps.sessions() as session:
        apply_example(session, "hosting", deps.clock)
        session.commit()
    reseller, other = reseller_named(api, "Neva", "hosting"), reseller_named(api, "Volga", "hosting")
    client = api.ok(f"POST /v1/resellers/{reseller}/clients", {"name": "Oka", "admin_email": "oka@oka.example"})["id"]
    pay(api, reseller, "=N1", "2026-02-10", "60000.00")
    pay(api, reseller, "N2", "2026-02-20")
    pay(api, other, "V1", "2026-02-20")
    order = {"product": "vps-small", "order_ref": "first", "account_id": client}
    return Trade(reseller, client, other, api.ok(f"POST /v1/resellers/{reseller}/orders", order))


def rows(page: str) -> list[str]:
    """The rows of a list, without tags."""
    listed = re.findall(r"<tr data-row>(.*?)</tr>", page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in listed]


def exported(answer: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.removeprefix("\ufeff"))))


def test_page_of_a_reseller_leads_to_each_list_of_its_own(signed_in: As, trade: Trade) -> None:
    page = signed_in("viewer").get(f"/console/accounts/{trade.reseller}").text
    for place in ("offers", "orders", "services", "charges", "payments", "endpoints"):
        assert f'href="/console/{place}?reseller={trade.reseller}"' in page


def test_payments_are_listed_by_reseller_kind_reference_and_day_and_each_leads_to_its_page(
    signed_in: As, trade: Trade
) -> None:
    someone = signed_in("viewer")

    def matching(query: str) -> list[str]:
        return [row.split()[0] for row in rows(someone.get(f"/console/payments?{query}").text)]

    assert matching("") == ["V1", "N2", "=N1"]
    assert matching("reseller=neva") == matching(f"reseller={trade.reseller}") == ["N2", "=N1"]
    assert matching("reseller=nobody") == []
    assert matching("kind=refund") == []
    assert matching("reference=V1") == ["V1"]
    assert matching("from=2026-02-11&to=2026-02-20&reseller=Neva") == ["N2"]
    assert matching("to=2026-02-19") == ["=N1"]
    assert someone.http.get("/console/payments?from=soon").status_code == 422
    assert someone.http.get("/console/payments?cursor=never").status_code == 422
    page = someone.get("/console/payments?reference=V1").text
    (path,) = re.findall(r'href="(/console/payments/[0-9a-f-]{36})"', page)
    shown = someone.get(path).text
    assert ("V1" in shown, "100.00 RUB" in shown, f"/console/accounts/{trade.other}" in shown) == (True, True, True)


def test_filtered_payments_are_exported_with_formulas_made_harmless(signed_in: As, trade: Trade) -> None:
    someone = signed_in("viewer")
    lines = exported(someone.get("/console/payments.csv?reseller=neva").text)
    kept = [(line["Reference"], line["Amount"], line["Paid"], line["Reseller"]) for line in lines]
    assert kept == [
        ("N2", "100.00 RUB", "2026-02-20T12:00:00Z", "Neva"),
        ("'=N1", "60000.00 RUB", "2026-02-10T12:00:00Z", "Neva"),
    ]
    assert all(UUID(line["id"]) for line in lines)


def test_orders_and_services_of_one_account_are_listed_and_lead_to_each_other(signed_in: As, trade: Trade) -> None:
    someone, order = signed_in("viewer"), trade.order["id"]
    for query in (
        "account=oka",
        f"reseller={trade.reseller}",
        "kind=new",
        "product=vps-small",
        "from=2026-03-02",
    ):
        assert f"/console/orders/{order}" in someone.get(f"/console/orders?{query}").text, query
    for query in ("account=volga", "reseller=volga", "state=failed", "product=vps-large", "to=2026-03-01"):
        assert "No order matches." in someone.get(f"/console/orders?{query}").text, query
    service = trade.order["service_id"]
    assert f"/console/services/{service}" in someone.get(f"/console/orders/{order}").text
    assert f"/console/orders/{order}" in someone.get(f"/console/services/{service}").text
    assert f"/console/services/{service}" in someone.get("/console/services?account=oka").text
    assert "No service matches." in someone.get("/console/services?account=neva").text
    assert f"/console/orders/{order}" in someone.get(f"/console/resellers/{trade.reseller}/orders").text
    assert f"/console/orders/{order}" in someone.get(f"/console/accounts/{trade.reseller}").text


def test_offers_of_one_account_are_listed_by_state(
    signed_in: As, api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    elbe, oder = make_accounts("elbe"), make_accounts("oder")
    product = api.ok(f"GET /v1/resellers/{elbe.reseller}/products")["items"][0]["product"]
    line = {"product": product, "count": 1, "mode": "relative", "term": "P1Y"}

    def sent(pair: ResellerAccounts) -> str:
        new = {"reseller_id": str(pair.reseller), "account_id": str(pair.client), "lines": [line]}
        return str(api.ok("POST /v1/offers", new)["id"])

    offers = [sent(elbe), sent(oder)]
    api.ok(f"POST /v1/offers/{offers[1]}/cancel")
    someone = signed_in("viewer")

    def has(path: str) -> list[bool]:
        page = someone.get(path).text
        return [f"/console/offers/{offer}" in page for offer in offers]

    assert has("/console/offers") == [True, True]
    assert has("/console/offers?state=waiting") == [True, False]
    assert has("/console/offers?state=cancelled") == [False, True]
    assert (
        has("/console/offers?account=elbe+client") == has(f"/console/offers?reseller={elbe.reseller}") == [True, False]
    )
    assert has("/console/offers?from=2026-03-03") == [False, False]
    assert [line["To"] for line in exported(someone.get("/console/offers.csv").text)] == ["oder client", "elbe client"]


def test_pages_of_a_list_follow_each_other_without_a_gap(
    signed_in: As, api: Api, trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SHOWN", 2)
    monkeypatch.setattr(listing, "EXPORTED", 2)
    for number in range(3, 6):
        pay(api, trade.reseller, f"N{number}", "2026-02-21")
    someone, path, seen = signed_in("viewer"), "/console/payments?reseller=neva", list[str]()
    while path:
        page = someone.get(path).text
        seen += [row.split()[0] for row in rows(page)]
        path = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert seen == ["N5", "N4", "N3", "N2", "=N1"]
    lines = exported(someone.get("/console/payments.csv?reseller=neva").text)
    assert [line["Reference"] for line in lines] == ["N5", "N4", "N3", "N2", "'=N1"]


def test_endpoint_is_listed_by_state_and_delivers_again_and_a_test(
    signed_in: As, api: Api, deps: Deps, trade: Trade
) -> None:
    new = {"url": "https://neva.example/hook", "events": ["order.placed"], "reseller_id": trade.reseller}
    endpoint = api.ok("POST /v1/webhook-endpoints", new)["id"]
    someone, place = signed_in("operator"), f"/console/endpoints/{endpoint}"
    assert "neva.example" in someone.get("/console/endpoints?reseller=neva&state=active").text
    assert "No endpoint matches." in someone.get("/console/endpoints?state=disabled").text
    assert someone.post(f"{place}/test").status_code == 303
    assert "webhook.test" in someone.get(place).text
    with deps.sessions() as session:
        session.execute(text("UPDATE webhook_deliveries SET state = 'failed', last_error = 'answered 410: gone'"))
        session.execute(text("UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = 'answered 410'"))
        session.commit()
    assert someone.post(f"{place}/test").status_code == 409
    assert "answered 410" in someone.get("/console/endpoints?state=disabled").text
    assert someone.post(f"{place}/replay").status_code == 303
    assert rows(someone.get(place).text)[0].split()[:2] == ["webhook.test", "pending"]
    assert "neva.example" in someone.get("/console/endpoints?state=active").text


@pytest.fixture
def charge(api: Api, deps: Deps) -> dict[str, Any]:
    """A charge of 19.00 less 20 % for the plan of Oka, a client of Neva."""
    with deps.sessions() as session:
        apply_example(session, "booking", deps.clock)
        session.commit()
    reseller = reseller_named(api, "Neva", "booking")
    client = api.ok(f"POST /v1/resellers/{reseller}/clients", {"name": "Oka", "admin_email": "oka@oka.example"})["id"]
    api.ok(f"PUT /v1/accounts/{client}/subscription", {"plan": "basic"})
    made: dict[str, Any] = api.ok(f"GET /v1/resellers/{reseller}/charges")["items"][0]
    return made


def test_charge_is_listed_by_its_filters_and_no_viewer_voids_it(
    signed_in: As, api: Api, charge: dict[str, Any]
) -> None:
    place = f"/console/charges/{charge['id']}"
    viewer = signed_in("viewer")
    for query in ("account=oka", "reseller=neva", "kind=plan", "state=valid", f"from={charge['period_start']}"):
        assert place in viewer.get(f"/console/charges?{query}").text, query
    for query in ("account=neva", "state=void", "kind=credit", "to=2026-02-01"):
        assert "No charge matches." in viewer.get(f"/console/charges?{query}").text, query
    assert f"{place}/void" not in viewer.get(place).text
    assert viewer.post(f"{place}/void", {"reason": "mine"}).status_code == 403
    assert api.ok(f"GET /v1/charges/{charge['id']}")["void"] is False


def test_void_says_what_is_not_owed_needs_a_reason_and_is_refused_a_second_time(
    signed_in: As, api: Api, charge: dict[str, Any]
) -> None:
    someone, place = signed_in("operator"), f"/console/charges/{charge['id']}"
    assert "15.20 EUR are not owed" in someone.get(f"{place}/void").text
    assert someone.post(f"{place}/void").status_code == 422
    assert api.ok(f"GET /v1/charges/{charge['id']}")["void"] is False
    assert someone.post(f"{place}/void", {"reason": "entered twice"}).status_code == 303
    assert someone.post(f"{place}/void", {"reason": "again"}).status_code == 409
    now = api.ok(f"GET /v1/charges/{charge['id']}")
    assert (now["void"], now["void_reason"]) == (True, "entered twice")
    assert "entered twice" in someone.get("/console/charges?state=void").text


def test_unknown_record_is_404(signed_in: As) -> None:
    someone = signed_in("viewer")
    for name in ("orders", "charges", "payments", "endpoints", "offers", "services"):
        for part in (str(uuid4()), "no-id"):
            assert someone.http.get(f"/console/{name}/{part}").status_code == 404, name
