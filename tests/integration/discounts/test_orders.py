from uuid import UUID

from tests.support.discounts import DiscountScenario, moscow, roubles


def order(world: DiscountScenario, reseller: str, product: str, ref: str, **more: object) -> dict[str, object]:
    body = {"product": product, "order_ref": ref, **more}
    answer = world.api.call(f"POST /v1/resellers/{reseller}/orders", body, key=world.key)
    assert answer.is_success, answer.text
    return {"status": answer.status_code, **answer.json()}


def code(world: DiscountScenario, reseller: str, body: dict[str, object]) -> tuple[int, str]:
    answer = world.api.call(f"POST /v1/resellers/{reseller}/orders", body, key=world.key)
    return answer.status_code, answer.json()["code"]


def test_order_uses_the_tier_percentage_and_suppresses_promotions(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-05"))
    reseller = world.reseller()
    world.pay(reseller, "52000", "2026-01-05")
    placed = order(world, reseller, "vps-small", "O-1", promo_code="welcome10", quantity=3)
    assert placed["status"] == 201
    assert (placed["list"], placed["percent"], placed["net"]) == (roubles("1170.00"), 19, roubles("947.70"))
    shut_out = [
        {"code": "WELCOME10", "percent": 10, "by": "turnover"},
        {"code": "new-year-2027", "percent": 15, "by": "turnover"},
    ]
    assert placed["suppressed"] == shut_out[:1]
    assert placed["discount_as_of"] == "2026-01-05"
    world.reach(moscow("2027-01-05"))
    world.pay(reseller, "52000", "2027-01-05")
    assert order(world, reseller, "vps-small", "O-2", promo_code="WELCOME10")["suppressed"] == shut_out
    suppressed = world.discount(reseller)["suppressed"]
    assert {promotion["code"] for promotion in suppressed} == {"WELCOME10", "new-year-2027"}


def test_suspended_reseller_places_no_order(world: DiscountScenario) -> None:
    reseller = world.reseller()
    world.top_up(reseller)
    first = order(world, reseller, "vps-small", "O-1")
    world.api.ok(f"POST /v1/accounts/{reseller}/suspend", {"reason": "abuse"}, key=world.key)
    assert code(world, reseller, {"product": "vps-small", "order_ref": "O-2"}) == (409, "account_suspended")
    assert {**order(world, reseller, "vps-small", "O-1"), "status": 201} == first
    world.api.ok(f"POST /v1/accounts/{reseller}/resume", {"reason": "paid"}, key=world.key)
    assert order(world, reseller, "vps-small", "O-2")["status"] == 201


def test_best_promotion_applies_without_a_tier_and_the_other_is_recorded(world: DiscountScenario) -> None:
    world.reach(moscow("2026-12-28"))
    reseller = world.reseller()
    world.top_up(reseller)
    placed = order(world, reseller, "vps-small", "O-1", promo_code="Welcome10")
    assert (placed["percent"], placed["net"], placed["promotion"]) == (15, roubles("331.50"), "new-year-2027")
    assert placed["suppressed"] == [{"code": "WELCOME10", "percent": 10, "by": "better"}]
    second = order(world, reseller, "vps-small", "O-2", promo_code="SSL2026")
    assert (second["percent"], second["promo_code"], second["promotion"]) == (15, "SSL2026", "new-year-2027")


def test_price_of_a_placed_order_is_fixed_and_computed_from_the_ledger(
    world: DiscountScenario,
) -> None:
    world.reach(moscow("2026-01-05"))
    reseller = world.reseller()
    world.top_up(reseller)
    first = order(world, reseller, "dedicated-e3", "O-1")
    world.pay(reseller, "100000", "2026-01-05")
    again = order(world, reseller, "dedicated-e3", "O-1", quantity=7)
    assert (first["status"], again["status"]) == (201, 200)
    assert first["percent"] == 0
    assert again["differs"] == ["quantity"]
    assert {**again, "status": 201, "differs": []} == first
    assert world.discount(reseller)["recorded"] is None, "no job ran yet"
    assert order(world, reseller, "dedicated-e3", "O-2")["percent"] == 8
    listed = world.api.ok(f"GET /v1/resellers/{reseller}/orders?limit=1", key=world.key)
    assert [item["order_ref"] for item in listed["items"]] == ["O-2"]
    rest = world.api.ok(f"GET /v1/resellers/{reseller}/orders?cursor={listed['next']}", key=world.key)
    assert ([item["order_ref"] for item in rest["items"]], rest["next"]) == (["O-1"], None)


def test_dry_run_prices_an_order_and_stores_nothing(world: DiscountScenario) -> None:
    reseller = world.reseller()
    world.top_up(reseller)
    priced = order(world, reseller, "ssl-domain", "O-1", dry_run=True, promo_code="WELCOME10")
    assert (priced["status"], priced["id"], priced["net"]) == (200, None, roubles("891.00"))
    assert world.api.ok(f"GET /v1/resellers/{reseller}/orders", key=world.key)["items"] == []
    assert order(world, reseller, "ssl-domain", "O-1")["percent"] == 0


def test_invalid_order_is_refused_with_a_code(world: DiscountScenario) -> None:
    reseller = world.reseller()
    good = {"product": "vps-small", "order_ref": "O-1"}
    assert code(world, reseller, {**good, "product": "moon"}) == (422, "unknown_product")
    assert code(world, reseller, {**good, "promo_code": "NOPE"}) == (422, "unknown_promo_code")
    assert code(world, reseller, {**good, "quantity": 0}) == (422, "invalid")
    assert code(world, reseller, {**good, "order_ref": " "}) == (422, "invalid")
    world.apply("telephony")
    caller = world.reseller("Hudson", "telephony")
    assert code(world, caller, {**good, "product": "call-recording"}) == (422, "not_for_sale")


def test_flat_discount_applies_to_every_product(world: DiscountScenario) -> None:
    world.apply("booking")
    reseller = world.reseller("Figaro", "booking")
    discount = world.discount(reseller)
    assert (discount["percent"], discount["tier"], discount["next_tier"], discount["recorded"]) == (
        {"*": 20},
        None,
        None,
        None,
    )
    with world.transaction() as session:
        products = world.api.deps.programmes.current(session, "booking").products.values()
    sold = next(product.code for product in products if product.price is not None)
    assert order(world, reseller, sold, "O-1")["percent"] == 20


def test_reseller_orders_with_its_own_key_and_its_clients_cannot(world: DiscountScenario) -> None:
    reseller = world.reseller()
    world.top_up(reseller)
    new_client = {"name": "Client", "admin_email": "c@client.example"}
    client = world.api.ok(f"POST /v1/resellers/{reseller}/clients", new_client, key=world.key)["id"]
    body = {"product": "vps-small", "order_ref": "O-1"}
    own = world.api.call(f"POST /v1/resellers/{reseller}/orders", body, key=world.api.key(reseller_id=UUID(reseller)))
    assert own.status_code == 201
    theirs = world.api.key(account_id=UUID(client))
    assert world.api.call(f"POST /v1/resellers/{reseller}/orders", body, key=theirs).status_code == 404
    at_itself = world.api.call(f"POST /v1/resellers/{client}/orders", body, key=theirs)
    assert at_itself.status_code == 403
    assert world.api.call(f"POST /v1/resellers/{client}/orders", body, key=world.key).status_code == 409
