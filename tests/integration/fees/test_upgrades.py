"""Upgrades: the unused days are credited to whoever paid them; judged by the fee charged (programme.md 7.6)."""

from uuid import UUID

import pytest

from tests.support.fees import FeeScenario
from workers.migrations import ROOT

PARIS = "Europe/Paris"
BASIC = "basic 19.00 - 3.80 = 15.20"
PREMIUM = "premium 49.00 - 9.80 = 39.20"
SOURCE = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()


def reprice(world: FeeScenario, **prices: str) -> None:
    """Apply the file with other prices of plans."""
    source = SOURCE
    for old, new in (("19.00", prices.get("basic", "19.00")), ("49.00", prices.get("premium", "49.00"))):
        source = source.replace(f'price: "{old}"', f'price: "{new}"')
    world.apply("booking", source)


@pytest.fixture
def salon(world: FeeScenario) -> tuple[str, str]:
    """A reseller of `booking` and its client, on 31 December 2025."""
    reseller = world.reseller("booking")
    client = world.client(reseller)
    world.go("2025-12-31", PARIS)
    return reseller, client


def test_renewed_period_is_credited_whole_when_its_first_day_brings_an_upgrade(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    """B3 of the faults, with the anchor kept."""
    reseller, client = salon
    world.take(client, "basic")
    world.go("2026-01-31T00:00:00", PARIS)
    assert world.quote(client, "premium") == ("39.20", "15.20", "2026-01-30T23:00:00Z")
    world.take(client, "premium")
    world.go("2026-02-28", PARIS)

    assert world.bill(f"resellers/{reseller}") == [
        f"2025-12-31 - 2026-01-31: {BASIC}",
        f"2026-01-31 - 2026-02-28: {BASIC}",
        "2026-01-31 - 2026-02-28: credit basic 15.20",
        f"2026-01-31 - 2026-02-28: {PREMIUM}",
        f"2026-02-28 - 2026-03-31: {PREMIUM}",
    ]


def test_downgrade_replaces_the_period_when_its_first_instant_is_now(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    reseller, client = salon
    world.take(client, "premium")
    world.go("2026-02-28T00:00:00", PARIS)
    assert world.quote(client, "basic") == ("15.20", "39.20", "2026-02-27T23:00:00Z")
    world.take(client, "basic")
    assert world.shown(client)["plan"] == "basic"
    world.go("2026-03-31", PARIS)

    assert world.bill(f"resellers/{reseller}", "from=2026-02-28") == [
        f"2026-02-28 - 2026-03-31: {PREMIUM}",
        "2026-02-28 - 2026-03-31: credit premium 39.20",
        f"2026-02-28 - 2026-03-31: {BASIC}",
        f"2026-03-31 - 2026-04-30: {BASIC}",
    ]


def test_downgrade_waits_for_the_period_end_when_a_second_of_the_period_has_passed(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    reseller, client = salon
    world.take(client, "premium")
    world.go("2026-01-31T00:00:01", PARIS)

    assert world.quote(client, "basic") == ("15.20", "0.00", "2026-02-27T23:00:00Z")
    assert world.take(client, "basic")["subscription"]["ends_on"] == "2026-02-28"
    assert world.quote(client, "basic") == ("15.20", "0.00", "2026-02-27T23:00:00Z")
    assert world.quote(client, "premium") == ("39.20", "0.00", "2026-02-27T23:00:00Z")
    assert world.quote(client, "free") == ("0.00", "0.00", "2026-02-27T23:00:00Z")
    world.take(client, "premium")
    assert world.quote(client, "premium") == ("0.00", "0.00", "2026-01-30T23:00:01Z")
    assert len(world.bill(f"resellers/{reseller}")) == 2


def test_dearer_plan_is_a_downgrade_when_the_running_period_was_charged_more(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    """B2 of the faults: premium was paid at 49 and lowered to 15; basic at 19 takes nothing on top."""
    reseller, client = salon
    world.take(client, "premium")
    reprice(world, premium="15.00")
    world.go("2026-01-10", PARIS)
    account = world.take(client, "basic")

    assert (account["plan"], account["subscription"]["then"]) == ("premium", "basic")
    world.go("2026-01-31", PARIS)
    assert world.bill(f"resellers/{reseller}") == [
        f"2025-12-31 - 2026-01-31: {PREMIUM}",
        f"2026-01-31 - 2026-02-28: {BASIC}",
    ]


def test_plan_that_was_charged_less_than_the_other_costs_now_is_upgraded_at_once(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    """The sibling: basic was paid at 19 and raised to 60; premium at 49 is an upgrade of what runs."""
    reseller, client = salon
    world.take(client, "basic")
    reprice(world, basic="60.00")
    world.go("2026-01-10", PARIS)
    world.take(client, "premium")

    assert world.bill(f"resellers/{reseller}") == [
        f"2025-12-31 - 2026-01-31: {BASIC}",
        "2026-01-10 - 2026-01-31: credit basic 10.30",
        f"2026-01-10 - 2026-02-10: {PREMIUM}",
    ]


def test_each_upgrade_credits_its_own_period_when_two_come_on_a_day(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    luxury = SOURCE.replace("  premium:\n", '  luxury: {name: Luxury, price: "99.00"}\n  premium:\n')
    assert luxury != SOURCE
    world.apply("booking", luxury)
    world.take(client, "basic")
    world.go("2026-03-29", PARIS)  # the clocks go forward on this day
    world.take(client, "premium")
    assert world.quote(client, "luxury") == ("79.20", "39.20", "2026-03-29T10:00:00Z")
    world.take(client, "luxury")

    assert world.bill(f"resellers/{reseller}", "from=2026-02-28") == [
        f"2026-02-28 - 2026-03-31: {BASIC}",
        "2026-03-29 - 2026-03-31: credit basic 0.98",  # 2 of 31 days
        f"2026-03-29 - 2026-04-29: {PREMIUM}",
        "2026-03-29 - 2026-04-29: credit premium 39.20",
        "2026-03-29 - 2026-04-29: luxury 99.00 - 19.80 = 79.20",
    ]


def test_credit_is_a_positive_charge_of_its_own_kind_that_names_what_it_credits(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    reseller, client = salon
    world.take(client, "basic")
    world.go("2026-01-10", PARIS)
    world.take(client, "premium")

    [charge, credit, _] = world.charges(f"resellers/{reseller}")
    assert (credit["kind"], credit["credits"], credit["account_id"]) == ("credit", charge["id"], client)
    assert {name: credit[name]["amount"] for name in ("fee", "discount", "total")} == {
        "fee": "10.30",
        "discount": "0.00",
        "total": "10.30",
    }
    assert (credit["how"]["days"], credit["how"]["of_days"], credit["how"]["total"]) == (21, 31, "15.20")
    assert world.api.ok(f"GET /v1/charges/{credit['id']}", key=world.key) == credit
    event = next(event for event in world.events() if event.data["id"] == credit["id"])
    assert (event.data["kind"], event.data["credits"], str(event.reseller_id)) == ("credit", charge["id"], reseller)
    assert (
        world.api.call(f"GET /v1/charges/{credit['id']}", key=world.api.key(account_id=UUID(client))).status_code == 404
    )
    assert world.charges(f"accounts/{client}") == []


def test_regular_account_is_credited_what_it_paid_itself(world: FeeScenario) -> None:
    account = world.account("booking")
    world.go("2025-12-31", PARIS)
    world.call(f"POST /v1/accounts/{account}/trial")
    world.take(account, "basic")
    world.go("2026-01-10", PARIS)
    assert world.quote(account, "premium") == ("49.00", "12.87", "2026-01-10T11:00:00Z")
    world.take(account, "premium")

    assert world.bill(f"accounts/{account}") == [
        "2025-12-31 - 2026-01-31: basic 19.00 - 0.00 = 19.00",
        "2026-01-10 - 2026-01-31: credit basic 12.87",
        "2026-01-10 - 2026-02-10: premium 49.00 - 0.00 = 49.00",
    ]


def test_former_reseller_is_credited_what_it_paid_when_the_next_one_upgrades(
    world: FeeScenario, salon: tuple[str, str]
) -> None:
    reseller, client = salon
    other = world.reseller("booking", "Weser")
    world.take(client, "basic")
    world.api.ok(f"POST /v1/resellers/{reseller}/clients/{client}/disconnect", key=world.key)
    world.api.ok(f"PATCH /v1/accounts/{client}", {"password": "b" * 12}, key=world.key)
    connected = {"name": world.shown(client)["name"], "password": "b" * 12}
    world.api.ok(f"POST /v1/resellers/{other}/clients/connect", connected, key=world.key)
    world.go("2026-01-10", PARIS)
    bound = world.api.key(reseller_id=UUID(other))
    quote = world.api.ok(f"PUT /v1/accounts/{client}/subscription", {"plan": "premium", "dry_run": True}, key=bound)
    assert (quote["charge"]["amount"], quote["credit"]["amount"]) == ("39.20", "0.00")
    assert world.quote(client, "premium")[:2] == ("39.20", "10.30")
    world.take(client, "premium")

    assert world.bill(f"resellers/{reseller}")[1:] == ["2026-01-10 - 2026-01-31: credit basic 10.30"]
    assert world.bill(f"resellers/{other}") == [f"2026-01-10 - 2026-02-10: {PREMIUM}"]


def test_merged_reseller_is_credited_through_the_target(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    other = world.reseller("booking", "Weser")
    world.take(client, "basic")
    world.api.ok(f"POST /v1/resellers/{reseller}/merge", {"into": other}, key=world.key)
    world.settle()
    world.go("2026-01-10", PARIS)
    world.take(client, "premium")

    assert world.bill(f"resellers/{other}") == [
        f"2025-12-31 - 2026-01-31: {BASIC}",
        "2026-01-10 - 2026-01-31: credit basic 10.30",
        f"2026-01-10 - 2026-02-10: {PREMIUM}",
    ]


def test_nothing_is_credited_when_the_charge_is_void(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    world.take(client, "basic")
    [charge] = world.charges(f"resellers/{reseller}")
    world.void(charge["id"])
    world.go("2026-01-10", PARIS)
    assert world.quote(client, "premium")[:2] == ("39.20", "0.00")
    world.take(client, "premium")

    assert len(world.bill(f"resellers/{reseller}")) == 2


def test_credit_is_void_with_its_charge(world: FeeScenario, salon: tuple[str, str]) -> None:
    """What was paid is taken back once: the whole charge, and not its unused days on top."""
    reseller, client = salon
    world.take(client, "basic")
    world.go("2026-01-10", PARIS)
    world.take(client, "premium")
    [charge, credit, dear] = world.charges(f"resellers/{reseller}")

    assert world.void(charge["id"]).status_code == 200
    assert [row["void"] for row in world.charges(f"resellers/{reseller}")] == [True, True, False]
    assert world.void(credit["id"]).json()["code"] == "already_void"
    assert world.void(dear["id"]).status_code == 200


def test_charge_stands_whole_when_its_credit_is_void(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    world.take(client, "basic")
    world.go("2026-01-10", PARIS)
    world.take(client, "premium")
    [charge, credit, _] = world.charges(f"resellers/{reseller}")

    assert world.void(credit["id"]).json()["void"]
    assert [row["void"] for row in world.charges(f"resellers/{reseller}")] == [False, True, False]
    assert world.void(charge["id"]).status_code == 200


def test_quote_changes_nothing(world: FeeScenario, salon: tuple[str, str]) -> None:
    reseller, client = salon
    world.take(client, "basic")
    world.go("2026-01-10", PARIS)
    before = (world.bill(f"resellers/{reseller}"), len(world.events()), world.shown(client))
    world.quote(client, "premium")
    world.settle()

    assert (world.bill(f"resellers/{reseller}"), len(world.events()), world.shown(client)) == before
    refused = world.call(f"PUT /v1/accounts/{client}/subscription", {"plan": "gold", "dry_run": True})
    assert refused.json()["code"] == "unknown_plan"
