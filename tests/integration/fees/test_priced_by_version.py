"""An outage over changes of the programme: every period is priced by its own day's version and discount."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kontor.programme import refusals
from tests.support.fees import HOUSE, FeeScenario, money
from workers.migrations import ROOT

DEARER = HOUSE.replace('fee: "3.33"', 'fee: "5.00"')
DEEPER = DEARER.replace("{voice: 10, video: 0}", "{voice: 50, video: 5}")
OTHER_FAMILY = DEEPER.replace("    family: voice\n", "    family: video\n")
FLAT = OTHER_FAMILY.replace(
    OTHER_FAMILY[OTHER_FAMILY.index("discount:") : OTHER_FAMILY.index("subscriptions:")],
    "discount: {kind: flat, percent: 20}\n",
).replace("    family: video\n", "")


def wait_until(world: FeeScenario, instant: str) -> None:
    """Move the clock without running anything: an outage."""
    world.clock.advance(datetime.fromisoformat(instant).replace(tzinfo=UTC) - world.clock.now())


def pay(world: FeeScenario, reseller: str, day: str, amount: str = "150.00") -> None:
    wait_until(world, f"{day}T10:00:00")
    body = {"kind": "payment", "amount": money(amount, "EUR"), "paid_at": f"{day}T10:00:00Z", "reference": day}
    world.api.ok(f"POST /v1/resellers/{reseller}/payments", body, key=world.key)


def apply_at(world: FeeScenario, instant: str, source: str, code: str = "house") -> None:
    wait_until(world, instant)
    world.apply(code, source)


def priced(charge: dict[str, Any]) -> tuple[str, str, int, str, str]:
    """First day, total, version, list price and percent of a charge."""
    how = charge["how"]
    assert how["as_of"] == charge["period_start"]
    return charge["period_start"], charge["total"]["amount"], how["version"], how["list"]["amount"], how["percent"]


def test_each_missed_period_is_priced_by_the_version_of_its_own_day(world: FeeScenario) -> None:
    reseller = world.reseller("house", "Weser")
    client = world.client(reseller)
    world.go("2026-01-15")
    world.assign(client, "line")
    pay(world, reseller, "2026-02-10")
    apply_at(world, "2026-02-20T12:00:00", DEARER)
    pay(world, reseller, "2026-03-10")
    apply_at(world, "2026-03-20T12:00:00", DEEPER)
    pay(world, reseller, "2026-04-10")
    apply_at(world, "2026-04-20T12:00:00", OTHER_FAMILY)
    pay(world, reseller, "2026-05-10")
    apply_at(world, "2026-05-20T12:00:00", FLAT)
    world.go("2026-06-20")

    assert [priced(charge) for charge in world.charges(f"resellers/{reseller}")] == [
        ("2026-01-15", "3.33", 1, "3.33", "0"),
        ("2026-02-15", "3.00", 1, "3.33", "10"),
        ("2026-03-15", "4.50", 2, "5.00", "10"),
        ("2026-04-15", "2.50", 3, "5.00", "50"),
        ("2026-05-15", "4.75", 4, "5.00", "5"),
        ("2026-06-15", "4.00", 5, "5.00", "20"),
    ]
    explained = {
        day: world.api.ok(f"GET /v1/resellers/{reseller}/discount?as_of={day}", key=world.key)
        for day in ("2026-02-15", "2026-03-15", "2026-03-20", "2026-05-19", "2026-05-20", "2026-06-20")
    }
    assert {day: (answer["version"], answer["percent"]) for day, answer in explained.items()} == {
        "2026-02-15": (1, {"voice": 10, "video": 0}),
        "2026-03-15": (2, {"voice": 10, "video": 0}),
        "2026-03-20": (3, {"voice": 50, "video": 5}),
        "2026-05-19": (4, {"voice": 50, "video": 5}),
        "2026-05-20": (5, {"*": 20}),
        "2026-06-20": (5, {"*": 20}),
    }


def test_outage_of_five_weeks_over_a_price_a_percentage_and_the_tier_table_changes_no_day(world: FeeScenario) -> None:
    """Nothing runs from 1 February to 8 March; five clients have a period that begins meanwhile."""
    reseller = world.reseller("house", "Weser")
    for day in ("2026-01-10", "2026-01-15", "2026-01-20", "2026-01-25", "2026-01-30"):
        world.go(day)
        world.assign(world.client(reseller), "line")
    world.go("2026-02-01")
    pay(world, reseller, "2026-02-05")
    apply_at(world, "2026-02-12T12:00:00", DEARER)
    apply_at(world, "2026-02-17T12:00:00", DEEPER)
    higher = DEEPER.replace("from: 200", "from: 300").replace("from: 100", "from: 160")
    apply_at(world, "2026-02-22T12:00:00", higher)
    lower = DEEPER.replace("from: 100", "from: 149.99").replace("voice: 50", "voice: 20")
    apply_at(world, "2026-02-26T12:00:00", f"effective: 2026-02-28T00:00:00Z\n{lower}")
    world.go("2026-03-08")

    made = [priced(charge) for charge in world.charges(f"resellers/{reseller}")]
    assert [each for each in made if "2026-02-01" <= each[0] < "2026-03-08"] == [
        ("2026-02-10", "3.00", 1, "3.33", "10"),
        ("2026-02-15", "4.50", 2, "5.00", "10"),
        ("2026-02-20", "2.50", 3, "5.00", "50"),
        ("2026-02-25", "5.00", 4, "5.00", "0"),
        ("2026-02-28", "4.00", 5, "5.00", "20"),
    ]
    days = {
        "2026-02-11": 1,
        "2026-02-12": 2,
        "2026-02-21": 3,
        "2026-02-22": 4,
        "2026-02-27": 4,
        "2026-02-28": 5,
        "2026-03-07": 5,
    }
    shown = {day: world.api.ok(f"GET /v1/resellers/{reseller}/discount?as_of={day}", key=world.key) for day in days}
    assert {day: answer["version"] for day, answer in shown.items()} == days
    assert [shown[day]["percent"]["voice"] for day in days] == [10, 10, 50, 0, 0, 20, 0]


def test_price_applied_in_an_outage_does_not_reach_the_period_before_it(world: FeeScenario) -> None:
    text = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()
    dearer = text.replace('price: "19.00"', 'price: "25.00"').replace("percent: 20", "percent: 50")
    reseller = world.reseller("booking", "Weser")
    client = world.client(reseller)
    world.go("2026-06-03", "Europe/Paris")
    world.take(client, "basic")
    apply_at(world, "2026-07-05T10:00:00", dearer, "booking")
    world.go("2026-08-10", "Europe/Paris")

    assert [priced(charge)[1:] for charge in world.charges(f"resellers/{reseller}")] == [
        ("15.20", 1, "19.00", "20"),
        ("15.20", 1, "19.00", "20"),
        ("12.50", 2, "25.00", "50"),
    ]


def test_first_period_is_priced_by_the_version_of_the_instant(world: FeeScenario) -> None:
    reseller = world.reseller("house", "Weser")
    client = world.client(reseller)
    world.go("2026-01-15")
    world.apply("house", DEARER)
    world.assign(client, "line")

    assert priced(world.charges(f"resellers/{reseller}")[0]) == ("2026-01-15", "5.00", 2, "5.00", "0")


@pytest.mark.parametrize(("zone", "version"), [("Pacific/Auckland", 1), ("America/New_York", 2)])
def test_day_begins_in_the_zone_of_the_version_that_began(world: FeeScenario, zone: str, version: int) -> None:
    reseller = world.reseller("house", "Weser")
    client = world.client(reseller)
    world.go("2026-01-15")
    world.assign(client, "line")
    # 00:00 of 15 February is 11:00 of the 14th UTC in Auckland, 05:00 of the 15th in New York.
    apply_at(world, "2026-02-15T03:00:00", DEARER.replace("timezone: UTC", f"timezone: {zone}"))
    world.go("2026-02-20")

    assert [priced(charge)[2] for charge in world.charges(f"resellers/{reseller}")] == [1, version]


def test_product_removed_in_an_outage_is_charged_for_the_periods_before(
    world: FeeScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    reseller = world.reseller("house", "Weser")
    client = world.client(reseller)
    world.go("2026-01-15")
    world.assign(client, "line")
    without = HOUSE.replace("    account_subscription: line-retail\n    reseller_subscription: line-wholesale\n", "")
    # No file can do this while the product is assigned; the release before could race with an assignment.
    monkeypatch.setattr(refusals, "require_unused", lambda *_: None)
    apply_at(world, "2026-03-20T12:00:00", without)
    wait_until(world, "2026-04-20T12:00:00")
    world.settle()

    assert world.starts(f"resellers/{reseller}") == ["2026-01-15", "2026-02-15", "2026-03-15"]
    assert [str(row[0]) for row in world.rows("SELECT until FROM fee_runs")] == ["2026-04-15"]
