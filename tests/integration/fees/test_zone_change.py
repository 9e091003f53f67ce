"""The programme's time zone changes: periods stay whole and follow each other, days are the new zone's."""

import pytest

from tests.support.fees import HOUSE, FeeScenario, money
from workers.migrations import ROOT

BOOKING = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()
PARIS = "timezone: Europe/Paris"
JUST_PAST_MIDNIGHT = "2026-07-06T00:30:00"


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "America/Santiago"])
def test_periods_follow_each_other_without_gap_or_overlap_when_the_zone_moves(world: FeeScenario, zone: str) -> None:
    reseller = world.reseller("booking", "Weser")
    client = world.client(reseller)
    world.go(JUST_PAST_MIDNIGHT, "Europe/Paris")
    assert world.take(client, "basic")["subscription"]["paid_until"] == "2026-08-06"
    world.apply("booking", BOOKING.replace(PARIS, f"timezone: {zone}"))
    shown = world.take(client, "basic")["subscription"]
    assert (shown["since"], shown["paid_until"]) == ("2026-07-06", "2026-08-06")
    world.go("2026-10-05T23:59:00", zone)
    charges = world.charges(f"resellers/{reseller}")
    assert [(each["period_start"], each["period_end"]) for each in charges] == [
        ("2026-07-06", "2026-08-06"), ("2026-08-06", "2026-09-06"), ("2026-09-06", "2026-10-06"),
    ]  # fmt: skip
    world.go("2026-10-06", zone)
    assert len(world.charges(f"resellers/{reseller}")) == 4


def test_day_that_was_charged_is_not_charged_again_when_the_zone_moves_back_and_forth(world: FeeScenario) -> None:
    reseller = world.reseller("booking", "Weser")
    client = world.client(reseller)
    world.go("2026-06-06T12:00:00", "Europe/Paris")
    world.take(client, "basic")
    world.go("2026-07-06T00:30:00", "Europe/Paris")
    for zone in ("America/New_York", "Pacific/Kiritimati", "Europe/Paris"):
        world.apply("booking", BOOKING.replace(PARIS, f"timezone: {zone}"))
        world.settle()
    assert world.starts(f"resellers/{reseller}") == ["2026-06-06", "2026-07-06"]


def test_upgrade_credits_the_whole_period_when_the_new_zone_has_not_reached_its_first_day(world: FeeScenario) -> None:
    reseller = world.reseller("booking", "Weser")
    client = world.client(reseller)
    world.go(JUST_PAST_MIDNIGHT, "Europe/Paris")
    world.take(client, "basic")
    world.apply("booking", BOOKING.replace(PARIS, "timezone: America/New_York"))
    world.take(client, "premium")
    charges = {
        (each["kind"], each["product"]): each["total"]["amount"] for each in world.charges(f"resellers/{reseller}")
    }
    assert charges == {("plan", "basic"): "15.20", ("credit", "basic"): "15.20", ("plan", "premium"): "39.20"}


def test_turnover_counts_a_payment_on_its_day_in_the_zone_of_today(world: FeeScenario) -> None:
    reseller = world.reseller("house", "Weser")
    world.go("2026-02-10T03:00:00")
    paid = {"kind": "payment", "amount": money("150", "EUR"), "paid_at": "2026-02-10T03:00:00Z", "reference": "P"}
    world.api.ok(f"POST /v1/resellers/{reseller}/payments", paid, key=world.key)
    world.go("2026-03-12")

    def turnover(day: str) -> str:
        answer = world.api.ok(f"GET /v1/resellers/{reseller}/discount?as_of={day}", key=world.key)
        return str(answer["turnover"]["amount"])

    assert [turnover(day) for day in ("2026-02-09", "2026-02-10", "2026-03-10", "2026-03-11")] == [
        "0.00", "150.00", "150.00", "0.00",
    ]  # fmt: skip
    world.apply("house", HOUSE.replace("timezone: UTC", "timezone: America/New_York"))
    world.go("2026-03-13")
    assert turnover("2026-03-13") == "0.00"
    paid = {**paid, "paid_at": "2026-03-13T03:00:00Z", "reference": "Q"}
    world.api.ok(f"POST /v1/resellers/{reseller}/payments", paid, key=world.key)
    world.go("2026-04-12", "America/New_York")
    assert turnover("2026-04-12") == "150.00", "it was paid on the evening of 12 March"
    world.go("2026-04-13", "America/New_York")
    assert turnover("2026-04-13") == "0.00"
