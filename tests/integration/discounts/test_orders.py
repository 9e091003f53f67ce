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


def test_an_order_takes_the_percentage_of_its_family_and_shuts_promotions_out(world: DiscountScenario) -> None:
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
    told = world.discount(reseller)["suppressed"]
    assert {one["code"] for one in told} == {"WELCOME10", "new-year-2027"}


def test_without_a_tier_the_best_promotion_counts_and_the_other_is_recorded(world: DiscountScenario) -> None:
    world.reach(moscow("2026-12-28"))
    reseller = world.reseller()
    placed = order(world, reseller, "vps-small", "O-1", promo_code="Welcome10")
    assert (placed["percent"], placed["net"], placed["promotion"]) == (15, roubles("331.50"), "new-year-2027")
    assert placed["suppressed"] == [{"code": "WELCOME10", "percent": 10, "by": "better"}]
    late = order(world, reseller, "vps-small", "O-2", promo_code="SSL2026")
    assert (late["percent"], late["promo_code"], late["promotion"]) == (15, "SSL2026", "new-year-2027")


def test_a_price_is_fixed_when_it_is_placed_and_comes_from_the_ledger_not_from_a_record(
    world: DiscountScenario,
) -> None:
    world.reach(moscow("2026-01-05"))
    reseller = world.reseller()
    first = order(world, reseller, "dedicated-e3", "O-1")
    world.pay(reseller, "100000", "2026-01-05")
    again = order(world, reseller, "dedicated-e3", "O-1", quantity=7)
    assert (first["status"], again["status"]) == (201, 200)
    assert first["percent"] == 0
    assert {**again, "status": 201} == first
    assert world.discount(reseller)["recorded"] is None, "no job ran yet"
    assert order(world, reseller, "dedicated-e3", "O-2")["percent"] == 8
    listed = world.api.ok(f"GET /v1/resellers/{reseller}/orders?limit=1", key=world.key)
    assert [one["order_ref"] for one in listed["items"]] == ["O-2"]
    rest = world.api.ok(f"GET /v1/resellers/{reseller}/orders?cursor={listed['next']}", key=world.key)
    assert ([one["order_ref"] for one in rest["items"]], rest["next"]) == (["O-1"], None)


def test_a_dry_run_prices_and_keeps_nothing(world: DiscountScenario) -> None:
    reseller = world.reseller()
    priced = order(world, reseller, "ssl-domain", "O-1", dry_run=True, promo_code="WELCOME10")
    assert (priced["status"], priced["id"], priced["net"]) == (200, None, roubles("891.00"))
    assert world.api.ok(f"GET /v1/resellers/{reseller}/orders", key=world.key)["items"] == []
    assert order(world, reseller, "ssl-domain", "O-1")["percent"] == 0


def test_what_cannot_be_ordered_is_named(world: DiscountScenario) -> None:
    reseller = world.reseller()
    good = {"product": "vps-small", "order_ref": "O-1"}
    assert code(world, reseller, {**good, "product": "moon"}) == (422, "unknown_product")
    assert code(world, reseller, {**good, "promo_code": "NOPE"}) == (422, "unknown_promo_code")
    assert code(world, reseller, {**good, "quantity": 0}) == (422, "invalid")
    assert code(world, reseller, {**good, "order_ref": " "}) == (422, "invalid")
    world.apply("telephony")
    caller = world.reseller("Hudson", "telephony")
    assert code(world, caller, {**good, "product": "call-recording"}) == (422, "not_for_sale")


def test_a_flat_discount_is_off_every_product(world: DiscountScenario) -> None:
    world.apply("booking")
    reseller = world.reseller("Figaro", "booking")
    told = world.discount(reseller)
    assert (told["percent"], told["tier"], told["next_tier"], told["recorded"]) == ({"*": 20}, None, None, None)
    with world.transaction() as session:
        products = world.api.deps.programmes.current(session, "booking").products.values()
    sold = next(product.code for product in products if product.price is not None)
    assert order(world, reseller, sold, "O-1")["percent"] == 20


def test_a_reseller_orders_with_its_own_key_and_its_clients_do_not(world: DiscountScenario) -> None:
    reseller = world.reseller()
    told = {"name": "Client", "admin_email": "c@client.example"}
    client = world.api.ok(f"POST /v1/resellers/{reseller}/clients", told, key=world.key)["id"]
    body = {"product": "vps-small", "order_ref": "O-1"}
    own = world.api.call(f"POST /v1/resellers/{reseller}/orders", body, key=world.api.key(reseller_id=UUID(reseller)))
    assert own.status_code == 201
    theirs = world.api.key(account_id=UUID(client))
    assert world.api.call(f"POST /v1/resellers/{reseller}/orders", body, key=theirs).status_code == 404
    at_itself = world.api.call(f"POST /v1/resellers/{client}/orders", body, key=theirs)
    assert at_itself.status_code == 403
    assert world.api.call(f"POST /v1/resellers/{client}/orders", body, key=world.key).status_code == 409
