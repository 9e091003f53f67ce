"""Products assigned for a monthly fee: amounts, dates and reasons of charges (programme.md 7)."""

from typing import Any

import pytest

from tests.support.fees import FeeScenario, money

NEW_YORK = "America/New_York"


@pytest.fixture
def accounts(world: FeeScenario) -> tuple[str, str]:
    """A reseller of `telephony` and its client."""
    reseller = world.reseller("telephony")
    return reseller, world.client(reseller)


def test_assignment_for_20_dollars_charges_the_reseller_10(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.go("2026-01-15", NEW_YORK)
    made = world.assign(client, "call-recording")

    assert made.status_code == 201
    assignment = made.json()
    assert (assignment["retail_fee"], assignment["reseller_fee"]) == (money("20.00"), money("10.00"))
    assert (assignment["below_cost"], assignment["anchor"], assignment["paid_until"]) == (
        False,
        "2026-01-15",
        "2026-02-15",
    )
    [charge] = world.charges(f"resellers/{reseller}")
    assert {name: charge[name] for name in ("account_id", "kind", "product", "void")} == {
        "account_id": client,
        "kind": "product",
        "product": "call-recording",
        "void": False,
    }
    assert (charge["period_start"], charge["period_end"]) == ("2026-01-15", "2026-02-15")
    assert (charge["fee"], charge["discount"], charge["total"]) == (money("10.00"), money("0.00"), money("10.00"))
    assert charge["how"]["fee"] == "reseller subscription call-recording-wholesale"


def test_charging_day_is_in_the_programme_time_zone(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.go("2026-01-15T23:30:00", NEW_YORK)
    world.assign(client, "call-recording")
    world.go("2026-02-14T23:59:00", NEW_YORK)

    assert world.starts(f"resellers/{reseller}") == ["2026-01-15"]
    world.go("2026-02-15T00:01:00", NEW_YORK)
    assert world.starts(f"resellers/{reseller}") == ["2026-01-15", "2026-02-15"]


def test_anchor_day_31_is_kept_over_a_leap_year(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.go("2027-12-31", NEW_YORK)
    world.assign(client, "call-recording")
    for month, last in enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1):
        for day in (last - 1, last):
            world.go(f"2028-{month:02}-{day:02}", NEW_YORK)

    assert world.starts(f"resellers/{reseller}") == [
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
        "2028-05-31",
        "2028-06-30",
        "2028-07-31",
        "2028-08-31",
        "2028-09-30",
        "2028-10-31",
        "2028-11-30",
        "2028-12-31",
    ]


def test_missed_periods_are_charged_separately_after_an_outage_of_three_months(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    reseller, client = accounts
    world.go("2026-01-15", NEW_YORK)
    world.assign(client, "call-recording")
    world.go("2026-04-20", NEW_YORK)
    world.settle()

    assert world.bill(f"resellers/{reseller}") == [
        "2026-01-15 - 2026-02-15: call-recording 10.00 - 0.00 = 10.00",
        "2026-02-15 - 2026-03-15: call-recording 10.00 - 0.00 = 10.00",
        "2026-03-15 - 2026-04-15: call-recording 10.00 - 0.00 = 10.00",
        "2026-04-15 - 2026-05-15: call-recording 10.00 - 0.00 = 10.00",
    ]
    assert [event.data["period_start"] for event in world.events()] == world.starts(f"resellers/{reseller}")
    assert {str(event.reseller_id) for event in world.events()} == {reseller}


def test_reassigning_within_the_paid_period_cancels_the_end(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.go("2026-01-31", NEW_YORK)
    first = world.assign(client, "call-recording").json()
    world.go("2026-02-10", NEW_YORK)
    ended = world.unassign(client, "call-recording")
    assert (ended["ends_on"], world.assigned(client)) == ("2026-02-28", ["call-recording"])
    world.go("2026-02-20", NEW_YORK)
    again = world.assign(client, "call-recording")

    assert again.status_code == 200
    assert (again.json()["id"], again.json()["ends_on"]) == (first["id"], None)
    world.go("2026-03-31", NEW_YORK)
    assert world.starts(f"resellers/{reseller}") == ["2026-01-31", "2026-02-28", "2026-03-31"]


def test_reassigning_after_the_paid_period_starts_a_new_one(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.go("2026-01-31", NEW_YORK)
    first = world.assign(client, "call-recording").json()
    world.unassign(client, "call-recording")
    world.go("2026-02-27T23:59:00", NEW_YORK)
    assert world.assigned(client) == ["call-recording"]
    world.go("2026-02-28T00:00:00", NEW_YORK)
    assert world.assigned(client) == []
    world.go("2026-03-05", NEW_YORK)
    assert world.starts(f"resellers/{reseller}") == ["2026-01-31"]
    again = world.assign(client, "call-recording")

    assert again.status_code == 201
    assert again.json()["id"] != first["id"]
    world.go("2026-04-05", NEW_YORK)
    assert world.starts(f"resellers/{reseller}") == ["2026-01-31", "2026-03-05", "2026-04-05"]


def test_reassigning_on_the_end_day_starts_a_new_period_before_the_job_runs(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    reseller, client = accounts
    world.go("2026-01-31", NEW_YORK)
    world.assign(client, "call-recording")
    world.unassign(client, "call-recording")
    world.go("2026-02-28T00:00:00", NEW_YORK)
    assert world.assign(client, "call-recording").status_code == 201
    assert world.starts(f"resellers/{reseller}") == ["2026-01-31", "2026-02-28"]


def test_repeated_assignment_charges_once(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    statuses = [world.assign(client, "call-recording").status_code for _ in range(3)]

    assert statuses == [201, 200, 200]
    assert len(world.charges(f"resellers/{reseller}")) == 1


def test_suspended_client_is_charged_in_full(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.go("2026-01-15", NEW_YORK)
    world.assign(client, "call-recording")
    world.api.ok(f"PATCH /v1/accounts/{client}", {"suspended": True}, key=world.key)
    world.go("2026-02-16", NEW_YORK)

    assert [line.partition(": ")[2] for line in world.bill(f"resellers/{reseller}")] == [
        "call-recording 10.00 - 0.00 = 10.00"
    ] * 2


def test_subscription_that_is_not_multiple_serves_one_client(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    second = world.client(reseller)
    assert world.assign(client, "voicemail").status_code == 201
    refused = world.assign(second, "voicemail")

    assert (refused.status_code, refused.json()["code"]) == (409, "not_multiple")
    assert world.assign(client, "voicemail").status_code == 200
    others = world.client(world.reseller("telephony", "Weser"))
    assert world.assign(others, "voicemail").status_code == 201


def test_single_subscription_is_free_again_after_its_assignment_ended(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    reseller, client = accounts
    second = world.client(reseller)
    world.go("2026-01-15", NEW_YORK)
    world.assign(client, "voicemail")
    world.unassign(client, "voicemail")
    assert world.assign(second, "voicemail").status_code == 409
    world.go("2026-02-15T00:00:00", NEW_YORK)
    assert world.assign(second, "voicemail").status_code == 201


@pytest.mark.parametrize("hour", ["2026-03-08T00:01:00", "2026-11-01T00:01:00"])
def test_period_is_charged_once_on_a_day_of_a_clock_change(
    world: FeeScenario, accounts: tuple[str, str], hour: str
) -> None:
    reseller, client = accounts
    day = hour[:10]
    world.go(f"2026-{int(day[5:7]) - 1:02}-{day[8:10]}", NEW_YORK)
    world.assign(client, "call-recording")
    for _ in range(2):
        world.go(hour, NEW_YORK)
    for later in ("T01:30:00", "T03:30:00", "T23:59:00"):
        world.go(day + later, NEW_YORK)

    assert world.starts(f"resellers/{reseller}")[1:] == [day]


def test_only_the_account_with_the_product_is_charged(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    other = world.client(reseller)
    world.go("2026-01-15", NEW_YORK)
    world.assign(client, "call-recording")
    world.go("2026-03-20", NEW_YORK)

    assert {charge["account_id"] for charge in world.charges(f"resellers/{reseller}")} == {client}
    assert world.charges(f"accounts/{client}") == []
    assert world.assigned(other) == []


def test_invalid_assignment_is_refused_with_a_code(world: FeeScenario, accounts: tuple[str, str]) -> None:
    _, client = accounts
    regular = world.account("telephony")

    def said(account: str, product: str, **more: Any) -> tuple[int, str]:
        answer = world.assign(account, product, **more)
        return answer.status_code, answer.json()["code"]

    assert said(client, "nothing") == (404, "unknown_product")
    assert said(regular, "call-recording") == (409, "not_a_client")
    assert said(client, "call-recording", retail_fee=money("20.00", "EUR")) == (422, "currency_mismatch")
    assert said(client, "call-recording", retail_fee=money("20.001")) == (422, "invalid_amount")
    assert said(client, "call-recording", retail_fee=money("-1.00")) == (422, "invalid_amount")
    handset = world.client(world.reseller("house", "Weser"))
    assert said(handset, "handset") == (422, "not_recurring")
    assert world.call(f"DELETE /v1/accounts/{client}/products/call-recording").status_code == 404


def test_charges_are_filtered_by_first_day_and_paged(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.go("2026-01-15", NEW_YORK)
    world.assign(client, "call-recording")
    world.assign(client, "voicemail")
    world.go("2026-04-20", NEW_YORK)
    whose = f"resellers/{reseller}"

    assert world.starts(whose, "from=2026-02-15&to=2026-03-15") == ["2026-02-15"] * 2 + ["2026-03-15"] * 2
    assert world.starts(whose, "to=2026-01-14") == []
    assert world.starts(whose, "from=2026-04-15") == ["2026-04-15"] * 2
    seen, cursor = [], ""
    while True:
        page = world.api.ok(f"GET /v1/{whose}/charges?limit=3{cursor}", key=world.key)
        seen += [charge["id"] for charge in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [charge["id"] for charge in world.charges(whose)]
    assert world.call(f"GET /v1/{whose}/charges?cursor=x").status_code == 422
    assert world.call(f"GET /v1/{whose}/charges?from=yesterday").status_code == 422
