"""Payments, refunds and chargebacks are taken of whoever is a reseller no longer (programme.md 2.6, 6.3)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.support.account_book import BookScenario

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)


def test_chargeback_counts_again_when_a_former_reseller_becomes_one_again(world: BookScenario) -> None:
    world.begin(NOON)
    elbe = world.fees.reseller("house", "Elbe")
    world.pay(elbe, "60000", "psp-1")
    world.work()
    world.ok(f"POST /v1/accounts/{elbe}/revert-reseller")
    world.pay(elbe, "60000", "psp-1-back", "chargeback")
    world.ok(f"POST /v1/accounts/{elbe}/become-reseller")
    world.work()
    discount = world.ok(f"GET /v1/resellers/{elbe}/discount")
    assert (discount["turnover"]["amount"], discount["tier"]) == ("0.00", None)
    assert discount["recorded"]["tier"] is None
    assert world.lines(elbe) == ["2026-01-20 payment 60000.00 = 60000.00", "2026-01-20 chargeback -60000.00 = 0.00"]


@pytest.mark.parametrize("days", [1, 40], ids=["in deletion", "deleted for good"])
def test_refund_is_taken_when_its_reseller_is_deleted(world: BookScenario, days: int) -> None:
    world.begin(NOON)
    elbe = world.fees.reseller("house", "Elbe")
    world.pay(elbe, "150", "psp-1")
    world.ok(f"DELETE /v1/accounts/{elbe}")
    world.fees.reach(NOON + timedelta(days=days))
    refund = world.pay(elbe, "150", "psp-1-back", "refund")
    assert (refund["reseller_id"], refund["posted_to"]) == (elbe, elbe)
    again = world.post(elbe, "150", "psp-1-back", "refund", paid_at=refund["paid_at"])
    assert (again.status_code, again.json()) == (200, refund)
    assert world.fees.rows("SELECT sum(amount) FROM account_book WHERE reseller_id = :id", id=UUID(elbe)) == [(0,)]


def test_restored_reseller_has_the_turnover_of_what_arrived_meanwhile(world: BookScenario) -> None:
    world.begin(NOON)
    elbe = world.fees.reseller("house", "Elbe")
    world.pay(elbe, "150", "psp-1")
    world.work()
    world.ok(f"DELETE /v1/accounts/{elbe}")
    world.pay(elbe, "100", "psp-2", "refund")
    world.work()
    world.ok(f"POST /v1/accounts/{elbe}/restore")
    world.work()
    assert world.turnover(elbe) == "50.00"
    assert world.ok(f"GET /v1/resellers/{elbe}/discount")["recorded"]["turnover"]["amount"] == "50.00"


def test_facts_of_a_merged_reseller_count_for_the_last_of_a_chain_under_their_origin(world: BookScenario) -> None:
    world.begin(NOON)
    elbe, weser, oder = (world.fees.reseller("house", name) for name in ("Elbe", "Weser", "Oder"))
    first = world.pay(elbe, "150", "psp-1")
    world.merge(elbe, weser)
    world.merge(weser, oder)
    for target in (elbe, weser, oder):
        again = world.post(target, "150", "psp-1", paid_at=first["paid_at"])
        assert (again.status_code, again.json()) == (200, first | {"reseller_id": oder}), target
    assert world.turnover(oder) == "150.00"
    refund = world.pay(elbe, "30", "psp-1-back", "refund")
    assert (refund["reseller_id"], refund["posted_to"]) == (oder, elbe)
    assert world.post(weser, "30", "psp-1-back", "refund").status_code == 200
    assert world.turnover(oder) == "120.00"
    assert world.ok(f"GET /v1/payments/{refund['id']}") == refund
    assert [line.split(" ", 1)[1] for line in world.lines(oder)] == [
        "transfer 150.00 = 150.00",
        "refund -30.00 = 120.00",
    ]
    assert [line.split(" ", 1)[1] for line in world.lines(elbe)] == [
        "payment 150.00 = 150.00",
        "transfer -150.00 = 0.00",
    ]


def test_reference_of_each_reseller_is_its_own_when_both_used_it_before_a_merge(world: BookScenario) -> None:
    world.begin(NOON)
    elbe, weser = (world.fees.reseller("house", name) for name in ("Elbe", "Weser"))
    of_elbe, of_weser = world.pay(elbe, "10", "psp-1"), world.pay(weser, "20", "psp-1")
    world.merge(elbe, weser)
    assert world.post(elbe, "10", "psp-1").json()["id"] == of_elbe["id"]
    assert world.post(weser, "20", "psp-1").json()["id"] == of_weser["id"]
    world.pay(elbe, "5", "psp-2")
    assert world.post(weser, "5", "psp-2").status_code == 200
    assert world.turnover(weser) == "35.00"


def test_merged_reseller_that_is_one_again_gets_its_own_payments(world: BookScenario) -> None:
    world.begin(NOON)
    elbe, weser = (world.fees.reseller("house", name) for name in ("Elbe", "Weser"))
    first = world.pay(elbe, "10", "psp-1")
    world.merge(elbe, weser)
    world.ok(f"POST /v1/accounts/{elbe}/become-reseller")
    assert world.pay(elbe, "7", "psp-2")["reseller_id"] == elbe
    assert world.pay(weser, "7", "psp-2")["reseller_id"] == weser
    assert world.post(elbe, "10", "psp-1").json()["id"] == world.post(weser, "10", "psp-1").json()["id"] == first["id"]
    assert (world.turnover(elbe), world.turnover(weser)) == ("7.00", "17.00")


def test_repeat_of_a_reference_names_the_fields_that_differ(world: BookScenario) -> None:
    world.begin(NOON)
    elbe = world.fees.reseller("house", "Elbe")
    first = world.pay(elbe, "10", "ch_1")
    refund = world.post(elbe, "10", "ch_1", "refund")
    assert (refund.status_code, refund.json()) == (200, first | {"differs": ["kind"]})
    later = (NOON + timedelta(days=1)).isoformat()
    assert world.post(elbe, "11", "ch_1", paid_at=later).json()["differs"] == ["amount", "paid_at"]
    assert world.post(elbe, "10.0", "ch_1").json()["differs"] == []
    assert world.turnover(elbe) == "10.00"


def test_payment_is_shown_to_the_reseller_it_counts_for_alone(world: BookScenario) -> None:
    world.begin(NOON)
    elbe, weser = (world.fees.reseller("house", name) for name in ("Elbe", "Weser"))
    payment = world.pay(elbe, "10", "psp-1")
    own, foreign = (world.fees.api.key(reseller_id=UUID(each)) for each in (elbe, weser))
    client = world.fees.api.key(account_id=UUID(world.fees.client(elbe)))
    line = f"GET /v1/payments/{payment['id']}"
    assert world.fees.api.ok(line, key=own) == payment
    assert [world.fees.api.call(line, key=key).status_code for key in (foreign, client)] == [404, 404]
