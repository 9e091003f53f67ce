"""Every night the account books are compared with payments, orders and charges."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from tests.support.account_book import BookScenario

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)


def tamper(world: BookScenario, statement: str) -> None:
    """Execute a statement past all triggers."""
    with world.fees.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(statement))


def gaps(world: BookScenario) -> dict[str, Any]:
    """Run the nightly comparison; returns the open gaps by kind."""
    assert world.call("POST /v1/schedules/reconciliation.everything/run").is_success
    world.fees.worker.inline.drain()
    return {gap["kind"]: gap for gap in world.ok("GET /v1/reconciliation")["items"]}


def busy(world: BookScenario) -> tuple[str, str]:
    """A reseller with a line of every kind, and the one that was merged into it."""
    world.begin(NOON)
    elbe, weser = world.fees.reseller("house", "Elbe"), world.fees.reseller("house", "Weser")
    for reseller in (elbe, weser):
        world.fees.assign(world.fees.client(reseller), "line")
        world.pay(reseller, "100", "P-1")
        world.pay(reseller, "10", "R-1", "refund")
        assert world.order(reseller, "O-1").status_code == 201
    [charge] = world.fees.charges(f"resellers/{weser}")
    assert world.call(f"POST /v1/charges/{charge['id']}/void", {"reason": "wrong"}).status_code == 200
    world.fees.clock.advance(timedelta(minutes=1))
    world.merge(weser, elbe)
    world.fees.go("2026-01-21")
    return elbe, weser


def test_books_of_a_healthy_deployment_have_no_gap(world: BookScenario) -> None:
    elbe, weser = busy(world)
    assert gaps(world) == {}
    balances = [world.account_book(each)["balance"]["amount"] for each in (elbe, weser)]
    assert balances == ["136.67", "0.00"]


def test_missing_line_is_named_and_written_again(world: BookScenario) -> None:
    elbe, weser = busy(world)
    before = [world.lines(each) for each in (elbe, weser)]
    tamper(world, f"DELETE FROM account_book WHERE kind IN ('order', 'charge') AND reseller_id = '{elbe}'")
    tamper(world, "DELETE FROM account_book WHERE kind = 'void'")
    assert set(gaps(world)) == {"book_line"}
    for gap in world.ok("GET /v1/reconciliation")["items"]:
        world.ok(f"POST /v1/reconciliation/{gap['id']}/repair", {"reason": "test"})
    assert gaps(world) == {}
    after = [sorted(line.split(" = ")[0] for line in world.lines(each)) for each in (elbe, weser)]
    assert after == [sorted(line.split(" = ")[0] for line in lines) for lines in before]


def test_changed_line_and_line_without_its_fact_are_named(world: BookScenario) -> None:
    busy(world)
    tamper(world, "UPDATE account_book SET amount = 1000 WHERE kind = 'payment'")
    tamper(world, "DELETE FROM orders")
    tamper(world, "UPDATE account_book SET amount = amount + 1 WHERE kind = 'transfer' AND amount > 0")
    gaps(world)
    subjects = sorted(
        (gap["kind"], gap["subject"].split(" ")[0], gap["mendable"])
        for gap in world.ok("GET /v1/reconciliation")["items"]
    )
    assert subjects == [
        ("book_amount", "payment", False),
        ("book_amount", "payment", False),
        ("book_amount", "transfer", False),
        ("book_fact", "order", False),
        ("book_fact", "order", False),
    ]


def stated(world: BookScenario) -> tuple[str, str]:
    """Two resellers with statements of January and February: a charge, an upgrade's credit, a late void, a merger."""
    world.begin(datetime(2026, 1, 10, 12, tzinfo=UTC))
    elbe, weser = world.fees.reseller("booking", "Elbe"), world.fees.reseller("booking", "Weser")
    for reseller in (elbe, weser):
        client = world.fees.client(reseller)
        world.fees.take(client, "basic")
        world.fees.clock.advance(timedelta(days=5))
        world.fees.take(client, "premium")
    world.fees.go("2026-02-02", "Europe/Paris")
    charge = world.fees.charges(f"resellers/{elbe}")[0]
    assert world.call(f"POST /v1/charges/{charge['id']}/void", {"reason": "wrong"}).status_code == 200
    world.merge(elbe, weser)
    world.fees.go("2026-03-02", "Europe/Paris")
    assert len(world.fees.mails("statement")) == 3
    return elbe, weser


def test_statements_equal_the_account_books_over_credits_voids_and_a_merger(world: BookScenario) -> None:
    stated(world)
    assert gaps(world) == {}


def test_statement_that_differs_from_the_account_book_is_named_and_accepted(world: BookScenario) -> None:
    _elbe, weser = stated(world)
    tamper(world, f"UPDATE statements SET total = total + 0.01 WHERE reseller_id = '{weser}' AND month = '2026-02-01'")
    named = gaps(world)["statement_total"]
    [[total]] = world.fees.rows(f"SELECT total FROM statements WHERE reseller_id = '{weser}' AND month = '2026-02-01'")
    assert named["detail"] == (
        f"The statement of Weser for 2026-02 says {total} EUR; its lines in the account book add up to"
        f" {total - Decimal('0.01')} EUR."
    )
    assert not named["mendable"]
    world.ok(f"POST /v1/reconciliation/{named['id']}/accept", {"reason": "the reseller knows"})
    assert gaps(world) == {}


def test_charge_that_left_its_statement_is_named(world: BookScenario) -> None:
    stated(world)
    tamper(world, "UPDATE charges SET stated = '2026-02-01' WHERE stated = '2026-01-01' AND product = 'premium'")
    gaps(world)
    subjects = [gap["subject"].split(" ")[1] for gap in world.ok("GET /v1/reconciliation")["items"]]
    assert sorted(subjects) == ["2026-01-01", "2026-02-01"]
