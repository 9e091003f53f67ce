import threading
from datetime import timedelta
from uuid import UUID

from tests.support.discounts import DiscountScenario, moscow, roubles


def test_reference_counts_once_and_the_first_payment_is_kept(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    first = world.pay(reseller, "1000", "2026-01-05", reference="R-1")
    again = world.post(reseller, "9000", moscow("2026-01-06"), reference=" R-1 ", kind="refund")
    assert (again.status_code, again.json()) == (200, first | {"differs": ["kind", "amount", "paid_at"]})
    assert world.post(reseller, "1000", moscow("2026-01-05"), reference="R-1").json() == first | {"differs": []}
    assert first["amount"] == roubles("1000.00")
    assert (first["paid_at"], first["day"]) == ("2026-01-05T09:00:00Z", "2026-01-05")
    assert world.discount(reseller)["turnover"] == roubles("1000.00")
    other = world.reseller("Oka")
    assert world.pay(other, "1", "2026-01-05", reference="R-1")["reseller_id"] == other


def test_refunds_and_chargebacks_count_on_their_own_day_and_turnover_may_be_negative(world: DiscountScenario) -> None:
    world.reach(moscow("2026-02-10"))
    reseller = world.reseller()
    world.pay(reseller, "5000", "2026-01-05")
    world.pay(reseller, "600.50", "2026-02-01", kind="refund")
    world.pay(reseller, "0.50", "2026-02-02", kind="chargeback")
    assert world.discount(reseller, "as_of=2026-02-05")["turnover"] == roubles("4399.00")
    discount = world.discount(reseller)
    assert discount["turnover"] == roubles("-601.00")
    assert (discount["tier"], discount["next_tier"]) == (None, {"name": "Starter", "missing": roubles("1101.00")})


def test_invalid_payment_is_refused_with_a_code(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    now = moscow("2026-01-20")

    def refusal(**changes: object) -> tuple[int, str]:
        good = {"amount": roubles("1.00"), "paid_at": now.isoformat(), "reference": "R", "kind": "payment"}
        answer = world.api.call(f"POST /v1/resellers/{reseller}/payments", good | changes, key=world.key)
        return answer.status_code, answer.json()["code"]

    assert refusal(amount={"amount": "1.00", "currency": "EUR"}) == (422, "currency_mismatch")
    for amount in ("1.001", "1e3", "-1", "+1", "0", "NaN", "", " 1", "1,00"):
        assert refusal(amount=roubles(amount)) == (422, "invalid_amount"), amount
    assert refusal(amount={"amount": 1, "currency": "RUB"}) == (422, "invalid_amount")
    assert refusal(paid_at=(now + timedelta(seconds=1)).isoformat()) == (422, "in_future")
    assert refusal(paid_at="2026-01-05T12:00:00") == (422, "invalid")
    assert refusal(kind="gift") == (422, "invalid")
    assert refusal(reference="") == (422, "invalid")
    assert refusal(note="?") == (422, "invalid")
    assert world.api.ok(f"GET /v1/resellers/{reseller}/payments", key=world.key)["items"] == []


def test_only_unbound_keys_post_payments_and_a_reseller_reads_its_own(world: DiscountScenario) -> None:
    reseller, other = world.reseller(), world.reseller("Oka")
    own = world.api.key(reseller_id=UUID(reseller))
    path = f"/v1/resellers/{reseller}/payments"
    assert world.api.call(f"POST {path}", {}, key=own).status_code == 403
    assert world.api.call(f"GET {path}", key=own).status_code == 200
    assert world.api.call(f"POST /v1/resellers/{other}/payments", {}, key=own).status_code == 404
    assert world.api.call(f"GET /v1/resellers/{other}/payments", key=own).status_code == 404
    assert world.api.call(f"GET /v1/resellers/{other}/discount", key=own).status_code == 404
    assert world.api.call(f"POST {path}", {}, key=world.api.key("read")).status_code == 403


def test_payments_are_listed_newest_first_and_filtered(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    world.pay(reseller, "1", "2026-01-19T23:59:59", reference="late")
    world.pay(reseller, "2", "2026-01-05T00:00:00", reference="early")
    world.pay(reseller, "3", "2026-01-06", reference="back", kind="refund")

    def references(query: str) -> list[str]:
        items = world.api.ok(f"GET /v1/resellers/{reseller}/payments?{query}", key=world.key)["items"]
        return [item["reference"] for item in items]

    assert references("") == ["back", "early", "late"]
    assert references("limit=1") == ["back"]
    assert references("kind=refund") == ["back"]
    assert references("from=2026-01-05&to=2026-01-05") == ["early"]
    assert references("from=2026-01-06") == ["back", "late"]
    assert references("reference=early") == ["early"]


def test_payment_records_the_discount_and_a_burst_makes_one_job(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    for _ in range(20):
        world.pay(reseller, "5000", "2026-01-20")
    waiting = world.rows("SELECT 1 FROM jobs WHERE task = 'discounts.recompute'")
    assert len(waiting) == 1
    world.settle()
    changed = world.events()
    assert [(event["from"], event["to"], event["turnover"]["amount"]) for event in changed] == [
        (None, "Partner #9", "100000.00")
    ]
    assert [mail.facts["now"] for mail in world.mails("tier-changed")] == ["Partner #9"]
    world.pay(reseller, "1", "2026-01-20")
    world.settle()
    assert len(world.events()) == 1
    assert world.discount(reseller)["recorded"]["turnover"] == roubles("100001.00")


def test_no_payment_is_missed_while_the_discount_is_computed(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()

    def pay(name: str) -> None:
        for number in range(25):
            body = {
                "amount": roubles("100.00"),
                "paid_at": moscow("2026-01-20").isoformat(),
                "reference": f"{name}-{number}",
                "kind": "payment",
            }
            answer = world.api.call(f"POST /v1/resellers/{reseller}/payments", body, key=world.key)
            assert answer.status_code == 201, answer.text

    payers = [threading.Thread(target=pay, args=(name,)) for name in "abcd"]
    for payer in payers:
        payer.start()
    while any(payer.is_alive() for payer in payers):
        world.worker.inline.drain()
    world.worker.inline.drain()
    assert world.discount(reseller)["recorded"]["turnover"] == roubles("10000.00")
    assert world.events()[-1]["to"] == "Partner #3"


def test_account_that_never_was_a_reseller_has_no_payments_and_no_discount(world: DiscountScenario) -> None:
    regular = world.api.ok(
        "POST /v1/accounts", {"programme": "hosting", "name": "N", "admin_email": "n@n.example"}, key=world.key
    )["id"]
    answer = world.post(regular, "1", world.clock.now())
    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_reseller")
    response = world.api.call(f"GET /v1/resellers/{regular}/discount", key=world.key)
    assert (response.status_code, response.json()["code"]) == (409, "not_a_reseller")
