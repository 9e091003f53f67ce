"""Usage, limits and fees in the file equal those of the account, in every period."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.fees import OPENING, FeeScenario, fee_scenario
from workers.migrations import ROOT

BOOKING = (ROOT / "examples" / "programmes" / "booking.yaml").read_text()
DAYS = ("2025-12-31", "2026-01-31", "2026-02-27", "2026-02-28", "2026-03-01", "2026-03-30", "2026-03-31")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(OPENING)


@pytest.fixture
def fees(api: Api, clock: ManualClock) -> Iterator[FeeScenario]:
    with fee_scenario(api, clock) as scenario:
        yield scenario


def rows(fees: FeeScenario, reseller: str) -> dict[str, dict[str, str]]:
    """The lines of the file by account."""
    text = fees.call(f"GET /v1/resellers/{reseller}/clients.csv").content.decode("utf-8-sig")
    return {row["account"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}


@pytest.mark.parametrize("period", ["calendar_month", "paid_period"])
def test_usage_is_that_of_the_accounts_own_period(fees: FeeScenario, period: str) -> None:
    fees.apply("booking", BOOKING.replace("period: calendar_month", f"period: {period}"))
    reseller = fees.reseller("booking")
    clients = {name: fees.client(reseller, name) for name in ("free", "paid", "idle")}
    for count, day in enumerate(DAYS, 1):
        noon = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=ZoneInfo("Europe/Paris"))
        fees.clock.advance(noon.astimezone(UTC) - fees.clock.now())
        if day == DAYS[0]:
            fees.take(clients["paid"], "basic")
        for name in ("free", "paid"):
            usage_report = {"metric": "appointments", "delta": count, "at": fees.clock.now().isoformat()}
            assert fees.call(f"POST /v1/accounts/{clients[name]}/usage", usage_report).status_code == 202
        shown = {name: fees.shown(account)["usage"]["appointments"] for name, account in clients.items()}
        exported = rows(fees, reseller)
        assert {name: int(row["usage_appointments"]) for name, row in exported.items()} == {
            name: usage["value"] for name, usage in shown.items()
        }, day
        assert {name: int(row["limit_appointments"]) for name, row in exported.items()} == {
            name: usage["limit"] for name, usage in shown.items()
        }


def test_recurring_fee_is_what_the_reseller_pays_monthly_for_the_client(fees: FeeScenario) -> None:
    reseller = fees.reseller("telephony")
    client = fees.client(reseller, "one")
    fees.client(reseller, "none")
    for product in ("call-recording", "voicemail"):
        assert fees.assign(client, product).status_code == 201
    assert {name: row["recurring_fee"] for name, row in rows(fees, reseller).items()} == {
        "one": "12.50",
        "none": "0.00",
    }
    fees.unassign(client, "voicemail")
    assert rows(fees, reseller)["one"]["recurring_fee"] == "12.50"
    fees.go("2026-01-02", "America/New_York")
    assert rows(fees, reseller)["one"]["recurring_fee"] == "10.00"
    assert rows(fees, reseller)["one"]["currency"] == "USD"


def test_fee_of_a_plan_is_net_of_the_resellers_discount(fees: FeeScenario) -> None:
    reseller = fees.reseller("booking")
    client = fees.client(reseller, "one")
    fees.take(client, "basic")
    charge = fees.charges(f"resellers/{reseller}")[0]
    row = rows(fees, reseller)["one"]
    assert (row["plan"], row["recurring_fee"]) == ("basic", charge["total"]["amount"])
