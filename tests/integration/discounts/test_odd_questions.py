"""What nobody means but somebody sends: answered or refused, never failed."""

from tests.support.discounts import DiscountScenario, moscow, roubles


def test_odd_questions_are_answered_or_refused(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    path = f"/v1/resellers/{reseller}"
    for query, status in {
        "discount?as_of=1900-01-01": 200,
        "discount?as_of=8999-12-31": 200,
        "discount?as_of=0001-01-01": 422,
        "discount?as_of=2026-02-30": 422,
        "discount?as_of=today": 422,
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


def test_the_largest_amounts_are_kept_to_the_kopeck(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    world.pay(reseller, "999999999999999.99", "2026-01-20")
    world.settle()
    told = world.discount(reseller)
    assert told["turnover"] == told["recorded"]["turnover"] == roubles("999999999999999.99")
    body = {"product": "dedicated-e5", "order_ref": "O", "quantity": 1_000_000}
    order = world.api.ok(f"POST /v1/resellers/{reseller}/orders", body, key=world.key)
    assert order["net"] == roubles("10115000000.00")


def test_what_if_something_were_paid(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-21"))
    reseller = world.reseller()
    world.pay(reseller, "3000", "2025-12-20")
    world.pay(reseller, "49000", "2026-01-05")
    for pay, tier in (("50000", "Partner #8"), ("51000", "Partner #9")):
        told = world.discount(reseller, f"as_of=2026-01-21&pay={pay}")
        assert (told["tier"], told["turnover"]) == (tier, roubles(f"{49000 + int(pay)}.00"))
        assert (told["pay"], len(told["payments"])) == (roubles(f"{pay}.00"), 1)
        assert told["tomorrow"]["keep_with"] is None
    assert world.discount(reseller, "as_of=2026-01-20")["tomorrow"]["keep_with"] == roubles("1000.00")
