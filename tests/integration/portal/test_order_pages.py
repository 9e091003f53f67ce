"""Orders and services on the reseller's pages: the price first, one order however often it is pressed."""

import re
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID, uuid4

import httpx
import pytest

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.portal import PortalClient, error_of, page_of, set_password
from tests.support.services import ServiceScenario, service_scenario

SERVER = {"product": "server", "quantity": "1", "config.region": "eu", "config.password": "s3cret of theirs"}


@pytest.fixture
def trade(api: Api, clock: ManualClock) -> Iterator[ServiceScenario]:
    """A reseller with 100 EUR and a client, who can sign in."""
    with service_scenario(api, clock) as scenario:
        for account in (scenario.reseller, scenario.client):
            set_password(api, UUID(account))
        yield scenario


@pytest.fixture
def seller(trade: ServiceScenario, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in."""
    assert visitor.sign_in("Weser").headers["location"] == "/partner"
    return visitor


def fields(answer: httpx.Response) -> dict[str, str]:
    """The hidden fields of the form that confirms."""
    return dict(re.findall(r'<input type="hidden" name="([\w.]+)" value="([^"]*)"', answer.text))


def test_price_is_shown_first_and_the_order_placed_once_however_often_it_is_pressed(
    seller: PortalClient, trade: ServiceScenario
) -> None:
    sent = {**SERVER, "account_id": trade.client, "quantity": "2", "term": "P2M"}
    shown = seller.post("/partner/orders/new", sent)
    assert (shown.status_code, page_of(shown), "missing" in shown.text) == (200, "partner.orders.new", True)
    assert ('data-net="108.00"' in shown.text, 'name="confirm"' in shown.text) == (True, False)
    priced = seller.post("/partner/orders/new", {**sent, "term": "P1M"})
    confirm = fields(priced)
    assert (confirm["net"], confirm["confirm"], trade.balance()) == ("54.00", "1", "100.00")
    typed = {name: value for name, value in SERVER.items() if name.startswith("config.")}
    done = [seller.http.post("/partner/orders/new", data={**confirm, **typed}) for _ in range(3)]
    assert {answer.status_code for answer in done} == {303}
    (service,) = trade.ok(f"GET /v1/services?reseller={trade.reseller}")["items"]
    assert {answer.headers["location"] for answer in done} == {f"/partner/services/{service['id']}?done=ordered"}
    assert (service["account_id"], service["quantity"], trade.balance()) == (trade.client, 2, "46.00")
    assert service["config"] == {"region": "eu", "password": "***"}
    kept = str(trade.books.fees.rows("SELECT detail FROM audit_log"))
    assert ("s3cret" in kept, "config." in kept, "order_ref" in kept) == (False, False, True)


def test_nothing_is_ordered_when_the_price_changed_since_it_was_shown(
    seller: PortalClient, trade: ServiceScenario
) -> None:
    confirm = fields(seller.post("/partner/orders/new", {"product": "handset", "quantity": "1"}))
    answer = seller.http.post("/partner/orders/new", data={**confirm, "net": "18.50"})
    assert answer.status_code == 409
    assert trade.ok(f"GET /v1/services?reseller={trade.reseller}")["items"] == []
    again = fields(answer)
    assert (again["net"], again["order_ref"] != confirm["order_ref"]) == ("20.00", True)
    assert seller.http.post("/partner/orders/new", data=again).status_code == 303


def test_field_is_named_when_an_order_is_refused(seller: PortalClient, trade: ServiceScenario) -> None:
    wrong = {**SERVER, "quantity": "none", "config.region": "moon", "promo_code": "XYZ"}
    region = seller.post("/partner/orders/new", wrong)
    assert (region.status_code, error_of(region, "config.region") != "") == (422, True)
    count = seller.post("/partner/orders/new", {**SERVER, "quantity": "0"})
    assert (count.status_code, error_of(count, "quantity") != "", 'value="0"' in count.text) == (422, True, True)
    promo = seller.post("/partner/orders/new", {**SERVER, "promo_code": "XYZ"})
    assert (promo.status_code, error_of(promo, "promo_code") != "") == (422, True)
    product = seller.post("/partner/orders/new", {"product": "line"})
    assert (product.status_code, error_of(product, "product") != "") == (422, True)
    confirm = fields(seller.post("/partner/orders/new", SERVER)) | {"quantity": "9"}
    poor = seller.http.post("/partner/orders/new", data={**confirm, "net": ""})
    assert poor.status_code == 409
    assert trade.balance() == "100.00"


def test_service_is_renewed_suspended_resumed_and_ended(seller: PortalClient, trade: ServiceScenario) -> None:
    service = trade.active()
    page = f"/partner/services/{service}"
    assert f'data-service="{service}" data-state="active"' in seller.get("/partner/services?state=active").text
    price = seller.post(f"{page}/renew")
    confirm = fields(price)
    assert (price.status_code, confirm["confirm"], "27.00" in price.text, trade.balance()) == (200, "1", True, "73.00")
    assert {seller.http.post(f"{page}/renew", data=confirm).status_code for _ in range(2)} == {303}
    assert trade.balance() == "46.00"
    trade.finish("renew")
    assert trade.service(service)["paid_until"] == "2026-05-02"
    assert seller.post(f"{page}/suspend").status_code == 303
    trade.finish("suspend")
    assert seller.post(f"{page}/suspend").status_code == 409
    assert seller.post(f"{page}/resume").status_code == 303
    trade.finish("resume")
    assert seller.post(f"{page}/terminate").status_code == 200
    assert trade.state(service) == "active"
    assert seller.post(f"{page}/terminate", {"confirm": "1"}).status_code == 303
    trade.finish("terminate")
    assert 'data-state="ended"' in seller.get(page).text


def test_service_that_the_provider_suspended_is_not_resumed_by_its_reseller(
    seller: PortalClient, trade: ServiceScenario
) -> None:
    service = trade.active()
    trade.ask(service, "suspend")
    trade.finish("suspend")
    answer = seller.post(f"/partner/services/{service}/resume")
    assert (answer.status_code, trade.state(service)) == (403, "suspended")


def test_failed_service_is_tried_again_at_its_own_price(seller: PortalClient, trade: ServiceScenario) -> None:
    service = str(trade.order()["service_id"])
    trade.finish("create", error="no room")
    page = f"/partner/services/{service}"
    assert ('data-state="failed"' in seller.get(page).text, trade.balance()) == (True, "100.00")
    assert "27.00" in seller.post(f"{page}/retry").text
    assert seller.post(f"{page}/retry", {"confirm": "1"}).status_code == 303
    assert (trade.state(service), trade.balance()) == ("pending", "73.00")


def test_order_is_cancelled_and_paid_back_while_its_service_is_made(
    seller: PortalClient, trade: ServiceScenario
) -> None:
    order = trade.order()["id"]
    assert f'data-order="{order}" data-state="pending"' in seller.get("/partner/orders?state=pending").text
    assert seller.post(f"/partner/orders/{order}/cancel").status_code == 303
    assert trade.balance() == "100.00"
    assert seller.post(f"/partner/orders/{order}/cancel").status_code == 409


def test_orders_and_services_of_others_are_404_also_in_a_field(seller: PortalClient, trade: ServiceScenario) -> None:
    fees = trade.books.fees
    other = fees.reseller("house", "Spree")
    client = fees.client(other)
    trade.books.pay(other, "100.00", "P-9")
    order = trade.ok(
        f"POST /v1/resellers/{other}/orders", {"product": "server", "order_ref": "X", "account_id": client}
    )
    for account in (client, other, trade.reseller, str(uuid4()), "x"):
        assert seller.post("/partner/orders/new", {**SERVER, "account_id": account}).status_code == 404, account
    assert seller.post(f"/partner/orders/{order['id']}/cancel").status_code == 404
    assert seller.get(f"/partner/services/{order['service_id']}").status_code == 404
    assert seller.get(f"/partner/services/{order['service_id']}/change").status_code == 404
    for verb in ("renew", "suspend", "resume", "terminate", "retry", "change"):
        answer = seller.post(f"/partner/services/{order['service_id']}/{verb}", {"confirm": "1", "order_ref": "Y"})
        assert answer.status_code == 404, verb


def test_client_sees_its_services_without_a_price(trade: ServiceScenario, visitor: PortalClient) -> None:
    trade.active()
    visitor.sign_in(trade.ok(f"GET /v1/accounts/{trade.client}")["name"])
    page = visitor.get("/account").text
    assert ("Server" in page, "a.example" in page, 'data-state="active"' in page, "27.00" in page) == (
        True, True, True, False,
    )  # fmt: skip
    assert [visitor.get(f"/partner/{each}").status_code for each in ("orders", "services", "orders/new")] == [404] * 3


def test_service_is_changed_at_the_price_that_was_shown_once_however_often_it_is_pressed(
    seller: PortalClient, trade: ServiceScenario
) -> None:
    service = trade.active(config={"region": "eu", "password": "hunter2"})
    place = f"/partner/services/{service}/change"
    shown = seller.get(place)
    assert (page_of(shown), "hunter2" in shown.text) == ("partner.services.change", False)
    assert "<option selected>eu</option>" in shown.text
    before = trade.balance()
    for sent, named in (({"quantity": "0"}, "quantity"), ({"quantity": "2", "config.region": "mars"}, "config.region")):
        wrong = seller.post(place, {"config.region": "eu", **sent})
        assert (wrong.status_code, error_of(wrong, named) != "") == (422, True), named
    priced = seller.post(place, {"quantity": "3", "config.region": "eu"})
    confirm = fields(priced)
    assert (confirm["confirm"], trade.balance(), trade.service(service)["quantity"]) == ("1", before, 1)
    cheaper = seller.http.post(place, data={**confirm, "net": "0.01"})
    assert (cheaper.status_code, trade.balance()) == (409, before), "another price than was shown"
    done = [seller.http.post(place, data=confirm) for _ in range(3)]
    assert [answer.status_code for answer in done] == [303] * 3
    assert Decimal(trade.balance()) == Decimal(before) - Decimal(confirm["net"])
    trade.finish("change")
    assert trade.service(service)["quantity"] == 3


def test_less_of_a_service_costs_nothing_now_and_another_config_is_asked_for(
    seller: PortalClient, trade: ServiceScenario
) -> None:
    service = trade.active(quantity=2, config={"region": "eu"})
    place, before = f"/partner/services/{service}/change", trade.balance()
    assert seller.post(place, {"quantity": "2", "config.region": "eu"}).status_code == 422, "nothing would change"
    confirm = fields(seller.post(place, {"quantity": "1", "config.region": "eu"}))
    assert seller.http.post(place, data=confirm).status_code == 303
    confirm = fields(seller.post(place, {"quantity": "1", "config.region": "us"}))
    assert seller.http.post(place, data=confirm).status_code == 303
    assert trade.finish("change")["config"]["region"] == "us"
    assert (trade.balance(), trade.service(service)["config"]["region"]) == (before, "us")
