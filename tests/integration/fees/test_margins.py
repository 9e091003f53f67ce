"""Retail fees, products managed by one reseller, and turnover discounts on fees."""

from typing import Any
from uuid import UUID

import pytest

from kontor.kernel.ids import new_id
from tests.support.fees import FeeScenario, money


@pytest.fixture
def accounts(world: FeeScenario) -> tuple[str, str]:
    """A reseller of `telephony` and its client."""
    reseller = world.reseller("telephony")
    return reseller, world.client(reseller, "Weser Logistik")


@pytest.fixture
def house(world: FeeScenario) -> tuple[str, str]:
    """The reseller of `house` that manages a product, and its client."""
    reseller = world.reseller("house", "Elbe")
    return reseller, world.client(reseller)


def euros(amount: str) -> dict[str, str]:
    return money(amount, "EUR")


def set_fee(world: FeeScenario, client: str, fee: Any, product: str = "call-recording") -> dict[str, Any]:
    assignment: dict[str, Any] = world.api.ok(
        f"PATCH /v1/accounts/{client}/products/{product}", {"retail_fee": fee}, key=world.key
    )
    return assignment


def test_retail_fee_below_cost_is_flagged_and_mailed_once(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    assert set_fee(world, client, money("10.00"))["below_cost"] is False
    for _ in range(2):
        assert set_fee(world, client, money("9.99"))["below_cost"] is True

    [mail] = world.mails("margin-note")
    assert (str(mail.account_id), mail.facts["account"], mail.facts["product"]) == (
        reseller,
        "Weser Logistik",
        "Call recording",
    )
    assert (mail.facts["retail_fee"], mail.facts["wholesale_fee"]) == (money("9.99"), money("10.00"))
    world.settle()
    assert any(b"priced below cost" in sent.raw for sent in world.worker.mail_transport.sent)


def test_retail_fee_below_cost_at_the_assignment_is_mailed_too(world: FeeScenario, accounts: tuple[str, str]) -> None:
    _, client = accounts
    assignment = world.assign(client, "call-recording", retail_fee=money("0.00")).json()

    assert (assignment["below_cost"], assignment["recommended"], assignment["retail_fee"]) == (
        True,
        False,
        money("0.00"),
    )
    assert len(world.mails("margin-note")) == 1


def test_obsolete_margin_note_is_not_sent(world: FeeScenario, accounts: tuple[str, str]) -> None:
    _, client = accounts
    world.assign(client, "call-recording")
    set_fee(world, client, money("9.99"))
    assignment = set_fee(world, client, None)
    world.settle()

    assert (assignment["recommended"], assignment["retail_fee"], assignment["below_cost"]) == (
        True,
        money("20.00"),
        False,
    )
    [mail] = world.mails("margin-note")
    assert (mail.state, mail.reason) == ("skipped", "the retail fee was changed")


def test_retail_fee_does_not_change_the_charge_of_the_reseller(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording", retail_fee=money("1.00"))
    world.go("2026-01-01")

    assert {charge["total"]["amount"] for charge in world.charges(f"resellers/{reseller}")} == {"10.00"}


def test_managed_product_is_hidden_from_other_resellers(world: FeeScenario, house: tuple[str, str]) -> None:
    reseller, client = house
    other = world.reseller("house", "Weser")
    theirs = world.client(other)

    def products(whose: str) -> list[str]:
        return [
            product["product"]
            for product in world.api.ok(f"GET /v1/resellers/{whose}/products", key=world.key)["items"]
        ]

    assert (products(reseller), products(other)) == (["handset", "house-line", "line"], ["handset", "line"])
    assert world.assign(client, "house-line").status_code == 201
    hidden, missing = world.assign(theirs, "house-line"), world.assign(theirs, "nothing")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "unknown_product")
    assert missing.json()["code"] == "unknown_product"
    body = {"retail_fee": 1}
    for line in ("PATCH", "DELETE"):
        answer = world.call(f"{line} /v1/accounts/{theirs}/products/house-line", body if line == "PATCH" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_product")


def test_managed_product_stays_its_resellers_when_names_change_hands(
    world: FeeScenario, house: tuple[str, str]
) -> None:
    reseller, client = house
    assert world.assign(client, "house-line").status_code == 201
    other = world.reseller("house", "Weser")
    for name in ("ELBE", "Elbe Holding"):
        world.api.ok(f"PATCH /v1/accounts/{reseller}", {"name": name}, key=world.key)
    world.api.ok(f"PATCH /v1/accounts/{other}", {"name": "Elbe"}, key=world.key)
    edit = {"retail_fee": money("5.00", "EUR")}
    assert world.call(f"PATCH /v1/resellers/{reseller}/products/house-line", edit).status_code == 200
    assert world.call(f"PATCH /v1/resellers/{other}/products/house-line", edit).status_code == 404
    assert world.assign(world.client(other), "house-line").json()["code"] == "unknown_product"
    assert world.assigned(client) == ["house-line"]


def test_new_reseller_of_a_client_does_not_see_products_managed_by_the_old_one(
    world: FeeScenario, house: tuple[str, str]
) -> None:
    reseller, _ = house
    moving = world.account("house", "Moving")
    elbe, weser = reseller, world.reseller("house", "Weser")
    connected = {"name": "Moving", "password": "a" * 12}
    world.api.ok(f"POST /v1/resellers/{elbe}/clients/connect", connected, key=world.key)
    world.assign(moving, "house-line")
    world.assign(moving, "line")
    world.api.ok(f"POST /v1/resellers/{elbe}/clients/{moving}/disconnect", key=world.key)
    world.api.ok(f"POST /v1/resellers/{weser}/clients/connect", connected, key=world.key)

    assert world.assigned(moving) == []
    assert world.call(f"PATCH /v1/accounts/{moving}/products/line", {"retail_fee": None}).status_code == 404
    assert world.call(f"DELETE /v1/accounts/{moving}/products/line").status_code == 404
    assert world.assign(moving, "line").status_code == 201
    world.go("2026-01-01")
    assert world.starts(f"resellers/{weser}") == ["2025-12-01", "2026-01-01"]
    assert [charge["period_start"] for charge in world.charges(f"resellers/{elbe}")] == ["2025-12-01"] * 2


def test_reseller_that_gets_its_client_back_has_its_own_assignment_again(
    world: FeeScenario, house: tuple[str, str]
) -> None:
    elbe, _ = house
    moving = world.account("house", "Moving")
    connected = {"name": "Moving", "password": "a" * 12}
    for _ in range(2):
        world.api.ok(f"POST /v1/resellers/{elbe}/clients/connect", connected, key=world.key)
        answer = world.assign(moving, "line").status_code
        world.api.ok(f"POST /v1/resellers/{elbe}/clients/{moving}/disconnect", key=world.key)

    assert answer == 200
    assert world.starts(f"resellers/{elbe}") == ["2025-12-01"]


def test_merged_reseller_sees_and_may_end_the_products_it_pays_for(world: FeeScenario, house: tuple[str, str]) -> None:
    reseller, client = house
    other = world.reseller("house", "Weser")
    world.assign(client, "house-line")
    world.api.ok(f"POST /v1/resellers/{reseller}/merge", {"into": other, "dry_run": False}, key=world.key)
    world.go("2026-01-01")

    assert world.assigned(client) == ["house-line"]
    assert world.starts(f"resellers/{other}") == ["2025-12-01", "2026-01-01"]
    assert world.unassign(client, "house-line")["ends_on"] == "2026-02-01"
    assert world.assign(client, "house-line").status_code == 404


def test_owner_edits_name_and_retail_fee_of_a_managed_product_only(world: FeeScenario, house: tuple[str, str]) -> None:
    reseller, client = house
    key = world.api.key(reseller_id=UUID(reseller))
    line = f"PATCH /v1/resellers/{reseller}/products/house-line"
    product = world.api.ok(line, {"name": "Elbe line", "retail_fee": euros("1.50")}, key=key)

    assert (product["name"], product["retail_fee"], product["reseller_fee"]) == (
        "Elbe line",
        euros("1.50"),
        euros("2.00"),
    )
    assert product["below_cost"] is True
    assert world.api.call(line, {"reseller_fee": euros("0.50")}, key=key).status_code == 422
    assigned = world.assign(client, "house-line").json()
    assert (assigned["name"], assigned["retail_fee"], assigned["reseller_fee"]) == (
        "Elbe line",
        euros("1.50"),
        euros("2.00"),
    )
    again = world.api.ok(line, {"name": None, "retail_fee": None}, key=key)
    assert (again["name"], again["retail_fee"]) == ("House line", euros("4.00"))
    assert world.bill(f"resellers/{reseller}") == ["2025-12-01 - 2026-01-01: house-line 2.00 - 0.00 = 2.00"]


def test_provider_products_and_hidden_products_cannot_be_edited(world: FeeScenario, house: tuple[str, str]) -> None:
    reseller, client = house
    other = world.reseller("house", "Weser")

    def tried(whose: str, product: str, body: Any) -> tuple[int, str]:
        answer = world.call(f"PATCH /v1/resellers/{whose}/products/{product}", body)
        return answer.status_code, answer.json()["code"]

    assert tried(reseller, "line", {"name": 1}) == (403, "managed_by_provider")
    assert tried(other, "house-line", {"name": 1}) == (404, "unknown_product")
    assert tried(reseller, "house-line", {"name": "\n"}) == (422, "invalid")
    assert tried(reseller, "house-line", {"retail_fee": money("1.00")}) == (422, "currency_mismatch")
    assert tried(client, "line", {"name": "x"})[0] in {403, 404, 409}


def test_client_keys_have_no_access_to_fees(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    own = world.api.key(account_id=UUID(client))
    for line in ("GET", "POST", "PATCH", "DELETE"):
        path = f"/v1/accounts/{client}/products" + ("/call-recording" if line in {"PATCH", "DELETE"} else "")
        assert world.api.call(f"{line} {path}", {} if line in {"POST", "PATCH"} else None, key=own).status_code == 403
    assert world.api.ok(f"GET /v1/accounts/{client}/charges", key=own) == {"items": [], "next": None}
    assert world.api.call(f"GET /v1/resellers/{reseller}/charges", key=own).status_code == 404


def test_turnover_discount_is_that_of_the_first_day_of_the_period(world: FeeScenario, house: tuple[str, str]) -> None:
    reseller, client = house
    world.go("2026-01-10")
    payment = {"amount": euros("100.00"), "paid_at": "2026-01-10T09:00:00Z", "reference": "P1", "kind": "payment"}
    world.api.ok(f"POST /v1/resellers/{reseller}/payments", payment, key=world.key)
    world.assign(client, "line")
    world.assign(client, "house-line")
    more = {"amount": euros("200.00"), "paid_at": "2026-02-09T09:00:00Z", "reference": "P2", "kind": "payment"}
    world.go("2026-02-09T10:00:00")
    world.api.ok(f"POST /v1/resellers/{reseller}/payments", more, key=world.key)
    world.go("2026-04-10")

    assert world.bill(f"resellers/{reseller}", "to=2026-01-31") == [
        "2026-01-10 - 2026-02-10: line 3.33 - 0.33 = 3.00",
        "2026-01-10 - 2026-02-10: house-line 2.00 - 0.00 = 2.00",
    ]
    assert sorted(world.bill(f"resellers/{reseller}", "from=2026-02-01")) == [
        "2026-02-10 - 2026-03-10: house-line 2.00 - 0.10 = 1.90",
        "2026-02-10 - 2026-03-10: line 3.33 - 0.85 = 2.48",
        "2026-03-10 - 2026-04-10: house-line 2.00 - 0.00 = 2.00",
        "2026-03-10 - 2026-04-10: line 3.33 - 0.00 = 3.33",
        "2026-04-10 - 2026-05-10: house-line 2.00 - 0.00 = 2.00",
        "2026-04-10 - 2026-05-10: line 3.33 - 0.00 = 3.33",
    ]


def test_charge_is_voided_once_with_a_reason_and_by_unbound_keys_only(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    [charge] = world.charges(f"resellers/{reseller}")
    line = f"POST /v1/charges/{charge['id']}/void"
    bound = world.api.key(reseller_id=UUID(reseller))
    other = world.api.key(reseller_id=UUID(world.reseller("telephony", "Weser")))

    assert world.api.call(line, {}, key=bound).status_code == 403
    assert world.api.call(line, {}, key=other).status_code == 404
    assert world.call(f"POST /v1/charges/{new_id()}/void", {"reason": "x"}).status_code == 404
    assert world.call(line, {"reason": " "}).status_code == 422
    done = world.call(line, {"reason": "Charged by mistake"}).json()
    assert (done["void"], done["void_reason"]) == (True, "Charged by mistake")
    assert {name: done[name] for name in ("fee", "discount", "total")} == {
        name: charge[name] for name in ("fee", "discount", "total")
    }
    again = world.call(line, {"reason": "Again"})
    assert (again.status_code, again.json()["code"]) == (409, "already_void")
    world.settle()
    assert [charge["void"] for charge in world.charges(f"resellers/{reseller}")] == [True]
    assert world.rows("SELECT reason FROM audit_log WHERE action = 'charge.void'") == [("Charged by mistake",)]
