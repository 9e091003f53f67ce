"""Paid plans at 20 % off: taken, upgraded, downgraded, cancelled, and their payers (programme.md 7.6)."""

from uuid import UUID

import pytest

from tests.support.fees import FeeScenario, money
from workers.migrations import ROOT

PARIS = "Europe/Paris"
BASIC = "basic 19.00 - 3.80 = 15.20"
PREMIUM = "premium 49.00 - 9.80 = 39.20"


@pytest.fixture
def salon(world: FeeScenario) -> tuple[str, str]:
    """A reseller of `booking` and its client, on 31 January."""
    reseller = world.reseller("booking")
    client = world.client(reseller)
    world.go("2026-01-31", PARIS)
    return reseller, client


def test_plan_is_charged_to_the_reseller_less_its_discount(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    account = world.take(client, "basic")

    assert (account["id"], account["plan"]) == (client, "basic")
    assert account["subscription"] == {
        "plan": "basic",
        "since": "2026-01-31",
        "paid_until": "2026-02-28",
        "ends_on": None,
        "then": None,
    }
    assert account["usage"]["appointments"]["limit"] == 1000
    world.go("2026-03-31", PARIS)
    assert world.bill(f"resellers/{reseller}") == [
        f"2026-01-31 - 2026-02-28: {BASIC}",
        f"2026-02-28 - 2026-03-31: {BASIC}",
        f"2026-03-31 - 2026-04-30: {BASIC}",
    ]
    assert world.charges(f"accounts/{client}") == []
    [first, *_] = world.charges(f"resellers/{reseller}")
    assert (first["kind"], first["how"]["percent"], first["how"]["as_of"]) == ("plan", "20", "2026-01-31")


def test_regular_account_pays_the_full_price(world: FeeScenario) -> None:
    account = world.account("booking")
    world.go("2026-01-31", PARIS)
    world.take(account, "basic")

    assert world.bill(f"accounts/{account}") == ["2026-01-31 - 2026-02-28: basic 19.00 - 0.00 = 19.00"]


def test_upgrade_within_a_period_starts_a_new_one_at_once(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    world.take(client, "basic")
    world.go("2026-02-10", PARIS)
    account = world.take(client, "premium")

    assert (account["plan"], account["subscription"]["since"]) == ("premium", "2026-02-10")
    assert account["usage"]["appointments"]["limit"] is None
    world.go("2026-03-10", PARIS)
    assert world.bill(f"resellers/{reseller}") == [
        f"2026-01-31 - 2026-02-28: {BASIC}",
        "2026-02-10 - 2026-02-28: credit basic 9.77",
        f"2026-02-10 - 2026-03-10: {PREMIUM}",
        f"2026-03-10 - 2026-04-10: {PREMIUM}",
    ]


def test_downgrade_takes_effect_at_the_end_of_the_period_and_keeps_the_anchor(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    reseller, client = salon
    world.take(client, "premium")
    world.go("2026-02-10", PARIS)
    account = world.take(client, "basic")
    assert (account["plan"], account["subscription"]["ends_on"], account["subscription"]["then"]) == (
        "premium",
        "2026-02-28",
        "basic",
    )
    world.go("2026-02-27T23:59:00", PARIS)
    assert world.shown(client)["plan"] == "premium"
    world.go("2026-02-28T00:01:00", PARIS)

    assert world.shown(client)["plan"] == "basic"
    world.go("2026-03-31", PARIS)
    assert world.bill(f"resellers/{reseller}") == [
        f"2026-01-31 - 2026-02-28: {PREMIUM}",
        f"2026-02-28 - 2026-03-31: {BASIC}",
        f"2026-03-31 - 2026-04-30: {BASIC}",
    ]


def test_cancellation_takes_effect_at_the_end_of_the_period(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    world.take(client, "basic")
    world.go("2026-02-10", PARIS)
    account = world.cancel(client)
    assert (account["plan"], account["subscription"]["ends_on"], account["subscription"]["then"]) == (
        "basic",
        "2026-02-28",
        None,
    )
    world.go("2026-03-31", PARIS)

    assert (world.shown(client)["plan"], world.cancel(client)["subscription"]) == ("free", None)
    assert world.starts(f"resellers/{reseller}") == ["2026-01-31"]


def test_taking_the_free_plan_is_a_cancellation(world: FeeScenario, salon: tuple[str, str]) -> None:
    _, client = salon
    world.take(client, "basic")

    assert world.take(client, "free")["subscription"]["ends_on"] == "2026-02-28"


@pytest.mark.parametrize("undone", ["basic", "free"])
def test_taking_the_same_plan_again_cancels_the_pending_change(
    world: FeeScenario, salon: tuple[str, str], undone: str
) -> None:
    reseller, client = salon
    world.take(client, "premium")
    world.take(client, undone)
    account = world.take(client, "premium")

    assert (account["subscription"]["ends_on"], account["subscription"]["then"]) == (None, None)
    world.go("2026-02-28", PARIS)
    assert world.bill(f"resellers/{reseller}")[1:] == [f"2026-02-28 - 2026-03-31: {PREMIUM}"]


def test_outage_over_a_downgrade_charges_each_plan_for_its_own_periods(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    reseller, client = salon
    world.take(client, "premium")
    world.take(client, "basic")
    world.go("2026-04-10", PARIS)

    assert world.shown(client)["plan"] == "basic"
    assert world.bill(f"resellers/{reseller}") == [
        f"2026-01-31 - 2026-02-28: {PREMIUM}",
        f"2026-02-28 - 2026-03-31: {BASIC}",
        f"2026-03-31 - 2026-04-30: {BASIC}",
    ]


def test_paid_plan_converts_the_trial(world: FeeScenario, salon: tuple[str, str]) -> None:
    _, client = salon
    world.api.ok(f"POST /v1/accounts/{client}/trial", key=world.key)
    world.go("2026-02-02", PARIS)
    account = world.take(client, "basic")

    assert account["trial"]["state"] == "converted"
    assert world.call(f"POST /v1/accounts/{client}/trial").status_code == 409


def test_end_of_a_plan_applies_the_free_limit_at_once(world: FeeScenario, salon: tuple[str, str]) -> None:
    _, client = salon
    world.take(client, "basic")
    world.cancel(client)
    world.go("2026-02-27", PARIS)
    body = {"metric": "appointments", "value": 51, "at": "2026-02-27T10:00:00Z"}
    world.api.ok(f"POST /v1/accounts/{client}/usage", body, key=world.key)
    world.settle()
    assert world.mails("quota-exceeded") == []
    world.go("2026-02-28", PARIS)

    assert world.shown(client)["read_only"]
    assert len(world.mails("quota-exceeded")) == 1


def test_only_the_reseller_changes_the_plan_of_a_client(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    own = world.api.key(account_id=UUID(client))
    theirs = world.api.key(reseller_id=UUID(world.reseller("booking", "Weser")))
    mine = world.api.key(reseller_id=UUID(reseller))
    line = f"PUT /v1/accounts/{client}/subscription"

    assert world.api.call(line, {"plan": 1}, key=own).status_code == 403
    assert world.api.call(f"DELETE /v1/accounts/{client}/subscription", key=own).status_code == 403
    assert world.api.call(line, {"plan": 1}, key=theirs).status_code == 404
    assert world.api.call(line, {"plan": "gold"}, key=mine).json()["code"] == "unknown_plan"
    assert world.api.call(line, {"plan": "basic"}, key=mine).status_code == 200
    own_doc = world.api.ok(f"GET /v1/accounts/{client}/subscription", key=own)
    assert own_doc["subscription"]["plan"] == "basic"
    assert world.api.call(f"PUT /v1/accounts/{reseller}/subscription", {"plan": "basic"}, key=mine).status_code == 409


def test_disconnected_client_keeps_its_plan_and_pays_in_full_from_the_next_period(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    reseller, client = salon
    world.take(client, "basic")
    world.go("2026-02-10", PARIS)
    world.api.ok(f"POST /v1/resellers/{reseller}/clients/{client}/disconnect", key=world.key)
    assert world.shown(client)["plan"] == "basic"
    world.go("2026-02-28", PARIS)

    assert world.bill(f"resellers/{reseller}") == [f"2026-01-31 - 2026-02-28: {BASIC}"]
    assert world.bill(f"accounts/{client}") == ["2026-02-28 - 2026-03-31: basic 19.00 - 0.00 = 19.00"]


def test_missed_periods_are_charged_to_the_reseller_of_that_time(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    world.take(client, "basic")
    world.clock.advance(world.clock.now().replace(month=4, day=10) - world.clock.now())
    world.api.ok(f"POST /v1/resellers/{reseller}/clients/{client}/disconnect", key=world.key)
    other = world.reseller("booking", "Weser")
    name = world.shown(client)["name"]
    world.api.ok(f"PATCH /v1/accounts/{client}", {"password": "b" * 12}, key=world.key)
    connected = {"name": name, "password": "b" * 12}
    world.api.ok(f"POST /v1/resellers/{other}/clients/connect", connected, key=world.key)
    world.go("2026-04-30", PARIS)

    assert world.starts(f"resellers/{reseller}") == ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert world.bill(f"resellers/{other}") == [f"2026-04-30 - 2026-05-31: {BASIC}"]


def test_deleted_account_is_not_charged_and_a_restored_one_is(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    kept = world.client(reseller)
    for account in (client, kept):
        world.take(account, "basic")
        world.api.ok(f"DELETE /v1/accounts/{account}", key=world.key)
    world.go("2026-02-10", PARIS)
    world.api.ok(f"POST /v1/accounts/{kept}/restore", key=world.key)
    world.go("2026-03-31", PARIS)

    after = [charge["account_id"] for charge in world.charges(f"resellers/{reseller}", "from=2026-02-01")]
    assert after == [kept, kept]
    assert world.shown(kept)["plan"] == "basic"


def test_account_restored_after_its_paid_period_is_on_the_free_plan(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    world.take(client, "premium")
    world.take(client, "basic")
    world.go("2026-02-10", PARIS)
    world.api.ok(f"DELETE /v1/accounts/{client}", key=world.key)
    world.go("2026-03-05", PARIS)
    world.api.ok(f"POST /v1/accounts/{client}/restore", key=world.key)

    assert world.shown(client)["plan"] == "free"
    assert world.starts(f"resellers/{reseller}") == ["2026-01-31"]


def test_new_reseller_keeps_its_own_plan_to_the_end_of_the_period(world: FeeScenario) -> None:
    account = world.account("booking", "Spree")
    world.go("2026-01-31", PARIS)
    world.take(account, "basic")
    world.api.ok(f"POST /v1/accounts/{account}/become-reseller", key=world.key)
    world.go("2026-03-31", PARIS)

    assert world.shown(account)["plan"] == "free"
    assert world.starts(f"accounts/{account}") == ["2026-01-31"]
    assert world.charges(f"resellers/{account}") == []


def test_changed_price_applies_from_the_next_period(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    world.take(client, "basic")
    source = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()
    world.go("2026-02-10", PARIS)
    world.apply("booking", source.replace('price: "19.00"', 'price: "21.55"'))
    world.go("2026-02-28", PARIS)

    assert world.bill(f"resellers/{reseller}")[1:] == ["2026-02-28 - 2026-03-31: basic 21.55 - 4.31 = 17.24"]
    [first, _] = world.charges(f"resellers/{reseller}")
    assert first["fee"] == money("19.00", "EUR")
