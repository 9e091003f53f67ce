"""Unusual queries get a result or an error, never a failure."""

from tests.support.discounts import DiscountScenario, moscow, roubles


def test_unusual_queries_get_a_result_or_an_error(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    path = f"/v1/resellers/{reseller}"
    for query, status in {
        "discount?as_of=1900-01-01": 200,
        "discount?as_of=8999-12-31": 200,
        "discount?as_of=0001-01-01": 422,
        "discount?as_of=2026-02-30": 422,
        "discount?as_of=today": 422,
        "discount?as_of=2026-W03-2": 422,
        "discount?as_of=20260120": 422,
        "payments?from=2026-W03-2": 422,
        "charges?to=2026-W03-2": 422,
        "discount?pay=1e9": 422,
        "discount?pay=-1": 422,
        "discount?pay=": 422,
        "discount?pay=0.01&as_of=2026-01-20": 200,
        "discount?when=2026-01-20": 422,
        "payments?from=9999-12-31": 422,
        "payments?from=8999-12-31&to=1900-01-01": 200,
        "payments?reference=%F0%9F%92%B8": 200,
        "payments?reference=%00": 422,
        "payments?kind=gift": 422,
        "payments?cursor=x": 422,
        "orders?cursor=x": 422,
        "orders?limit=0": 422,
    }.items():
        assert world.api.call(f"GET {path}/{query}", key=world.key).status_code == status, query
    for body, status in (
        ({"programme": "moon"}, 422),
        ({"programme": "moon", "dry_run": True}, 422),
        ({"programme": ""}, 422),
        ({}, 422),
    ):
        assert world.api.call("POST /v1/discount-runs", body, key=world.key).status_code == status, body


def test_largest_amounts_are_exact_to_the_kopeck(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    world.pay(reseller, "999999999999999.99", "2026-01-20")
    world.settle()
    discount = world.discount(reseller)
    assert discount["turnover"] == discount["recorded"]["turnover"] == roubles("999999999999999.99")
    body = {"product": "dedicated-e5", "order_ref": "O", "quantity": 1_000_000}
    order = world.api.ok(f"POST /v1/resellers/{reseller}/orders", body, key=world.key)
    assert order["net"] == roubles("10115000000.00")


def test_hypothetical_payment_shows_the_resulting_tier(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-21"))
    reseller = world.reseller()
    world.pay(reseller, "3000", "2025-12-20")
    world.pay(reseller, "49000", "2026-01-05")
    for pay, tier in (("50000", "Partner #8"), ("51000", "Partner #9")):
        discount = world.discount(reseller, f"as_of=2026-01-21&pay={pay}")
        assert (discount["tier"], discount["turnover"]) == (tier, roubles(f"{49000 + int(pay)}.00"))
        assert (discount["pay"], len(discount["payments"])) == (roubles(f"{pay}.00"), 1)
        assert discount["tomorrow"]["keep_with"] is None
    assert world.discount(reseller, "as_of=2026-01-20")["tomorrow"]["keep_with"] == roubles("1000.00")
