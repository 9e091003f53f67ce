"""The monthly statement: once per reseller and month with charges."""

from decimal import Decimal

import pytest

from kontor.fees import statements
from tests.support.fees import FeeScenario

NEW_YORK = "America/New_York"


@pytest.fixture
def accounts(world: FeeScenario) -> tuple[str, str]:
    """A reseller of `telephony` and its client, on 15 January."""
    reseller = world.reseller("telephony")
    client = world.client(reseller, "Weser Logistik")
    world.go("2026-01-15", NEW_YORK)
    return reseller, client


def months(world: FeeScenario) -> list[str]:
    return [mail.facts["month"] for mail in world.mails("statement")]


def test_month_with_charges_has_a_statement_with_totals(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    world.assign(client, "voicemail")
    world.go("2026-01-31T23:59:00", NEW_YORK)
    assert months(world) == []
    world.go("2026-02-01", NEW_YORK)

    [mail] = world.mails("statement")
    assert (str(mail.account_id), mail.facts["month"]) == (reseller, "2026-01-01")
    assert [line["item"] for line in mail.facts["charges"]] == ["Call recording", "Voicemail to text"]
    assert [line["account"] for line in mail.facts["charges"]] == ["Weser Logistik"] * 2
    assert {name: mail.facts[name]["amount"] for name in ("fees", "discounts", "total")} == {
        "fees": "12.50",
        "discounts": "0.00",
        "total": "12.50",
    }
    assert mail.state == "sent"


def test_month_without_charges_has_no_statement(world: FeeScenario, accounts: tuple[str, str]) -> None:
    _, client = accounts
    world.assign(client, "call-recording")
    world.unassign(client, "call-recording")
    world.go("2026-02-01", NEW_YORK)
    world.go("2026-03-01", NEW_YORK)

    assert months(world) == ["2026-01-01"]


def test_void_charges_are_left_out(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    [charge] = world.charges(f"resellers/{reseller}")
    world.api.ok(f"POST /v1/charges/{charge['id']}/void", {"reason": "mistake"}, key=world.key)
    world.go("2026-02-01", NEW_YORK)

    assert months(world) == []


def amounts(world: FeeScenario) -> list[str]:
    return [mail.facts["total"]["amount"] for mail in sorted(world.mails("statement"), key=lambda m: m.facts["month"])]


def test_void_after_the_statement_stands_as_a_credit_on_the_next_one(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    """B7 of the faults: the sum of all statements is the sum of what is owed."""
    reseller, client = accounts
    world.assign(client, "call-recording")
    world.assign(client, "voicemail")
    world.go("2026-02-03", NEW_YORK)
    charge = next(row for row in world.charges(f"resellers/{reseller}") if row["product"] == "call-recording")
    world.void(charge["id"])
    world.go("2026-03-01", NEW_YORK)

    assert amounts(world) == ["12.50", "2.50"]
    second = next(mail for mail in world.mails("statement") if mail.facts["month"] == "2026-02-01")
    assert [(line["kind"], line["total"]["amount"]) for line in second.facts["charges"]] == [
        ("void", "-10.00"),
        ("charge", "10.00"),
        ("charge", "2.50"),
    ]
    assert (second.facts["fees"]["amount"], second.facts["credits"]["amount"]) == ("12.50", "-10.00")
    assert any(b"Cancelled: Call recording" in sent.raw for sent in world.worker.mail_transport.sent)
    owed = [Decimal(row["total"]["amount"]) for row in world.charges(f"resellers/{reseller}", "to=2026-02-28")]
    assert sum(map(Decimal, amounts(world))) == sum(owed) - 10


def test_void_is_stated_in_a_month_without_charges(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    world.unassign(client, "call-recording")
    world.go("2026-02-03", NEW_YORK)
    [charge] = world.charges(f"resellers/{reseller}")
    world.void(charge["id"])
    world.go("2026-04-02", NEW_YORK)

    assert amounts(world) == ["10.00", "-10.00"]


def test_credit_of_an_upgrade_and_its_void_stand_on_the_statements(world: FeeScenario) -> None:
    reseller = world.reseller("booking", "Weser")
    client = world.client(reseller)
    world.go("2026-01-15", "Europe/Paris")
    world.take(client, "basic")
    world.go("2026-01-20", "Europe/Paris")
    world.take(client, "premium")
    world.go("2026-02-03", "Europe/Paris")
    assert amounts(world) == ["41.65"]  # 15.20 + 39.20 - 26/31 of 15.20
    basic = next(row for row in world.charges(f"resellers/{reseller}") if row["product"] == "basic")
    world.void(basic["id"])
    world.cancel(client)
    world.go("2026-03-01", "Europe/Paris")

    second = next(mail for mail in world.mails("statement") if mail.facts["month"] == "2026-02-01")
    lines = {(line["kind"], line["total"]["amount"]) for line in second.facts["charges"]}
    assert lines == {("void", "-15.20"), ("credit_void", "12.75")}
    assert amounts(world) == ["41.65", "-2.45"]


def test_every_missed_month_has_its_own_statement_after_an_outage(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    _, client = accounts
    world.assign(client, "call-recording")
    world.go("2026-04-20", NEW_YORK)
    world.settle()

    assert sorted(months(world)) == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert {len(mail.facts["charges"]) for mail in world.mails("statement")} == {1}


def test_repeated_statement_run_mails_once(world: FeeScenario, accounts: tuple[str, str]) -> None:
    _, client = accounts
    world.assign(client, "call-recording")
    world.go("2026-02-01", NEW_YORK)
    for _ in range(2):
        world.api.ok("POST /v1/schedules/fees.statements.telephony/run", key=world.key)
        world.settle()

    assert months(world) == ["2026-01-01"]


def test_plan_is_listed_with_its_discount(world: FeeScenario) -> None:
    reseller = world.reseller("booking", "Weser")
    world.take(world.client(reseller), "premium")
    world.go("2026-01-01", "Europe/Paris")

    [mail] = world.mails("statement")
    [line] = mail.facts["charges"]
    assert (line["item"], line["discount"]["amount"], line["total"]["amount"]) == ("Premium", "9.80", "39.20")
    assert mail.facts["discounts"] == {"amount": "9.80", "currency": "EUR"}


def test_long_statement_lists_the_first_charges_and_sums_up_the_rest(
    world: FeeScenario, accounts: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = accounts
    world.assign(client, "call-recording")
    world.assign(client, "voicemail")
    monkeypatch.setattr(statements, "LINES", 1)
    world.go("2026-02-01", NEW_YORK)

    [mail] = world.mails("statement")
    assert ([line["item"] for line in mail.facts["charges"]], mail.facts["more"]) == (["Call recording"], 1)
    assert (mail.facts["rest"]["amount"], mail.facts["total"]["amount"]) == ("2.50", "12.50")
    assert any(b"and 1 more charge" in sent.raw for sent in world.worker.mail_transport.sent)
