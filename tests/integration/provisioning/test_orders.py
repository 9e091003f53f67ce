"""An order writes its book line, its service and its job at once; what fails is paid back (provisioning.md 3)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.services import ServiceScenario


def test_service_is_active_when_its_job_has_succeeded(world: ServiceScenario) -> None:
    order = world.order(config={"region": "eu", "password": "hunter2"}, external_id="item-7", metadata={"shelf": "3"})
    assert (order["state"], order["version"], order["term"], order["net"]["amount"]) == ("pending", 2, "P1M", "27.00")
    assert (order["metadata"], order["config"]["password"]) == ({"shelf": "3"}, "***")
    service = world.service(order["service_id"])
    assert (service["state"], service["action"]["verb"], service["since"]) == ("pending", "create", None)
    args = world.finish("create", result={"host": "a.example", "password": "hunter3", "pin": "4711"})
    assert args == {
        "service_id": service["id"],
        "order_id": order["id"],
        "product": "server",
        "quantity": 1,
        "config": {"region": "eu", "password": "hunter2"},
        "paid_until": "2026-01-01",
        "external_id": "item-7",
    }
    after = world.service(service["id"])
    assert (after["state"], after["action"], after["paid_until"]) == ("active", None, "2026-01-01")
    assert after["result"] == {"host": "a.example", "password": "***", "pin": "***"}
    assert [(event["from"], event["to"]) for event in after["events"]] == [(None, "pending"), ("pending", "active")]
    assert world.ok(f"GET /v1/orders/{order['id']}")["state"] == "completed"
    assert world.balance() == "73.00"
    assert world.events("order.") + world.events("service.") == ["order.placed", "service.active"]
    assert len(world.books.fees.mails("service-active")) == 1
    assert world.events("job.") == ["job.succeeded"]


def test_service_without_task_type_is_active_at_once(world: ServiceScenario) -> None:
    order = world.order(product="handset")
    service = world.service(order["service_id"])
    assert (order["state"], service["state"], service["paid_until"]) == ("completed", "active", None)


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({}, []),
        ({"quantity": 2}, ["quantity"]),
        ({"product": "handset"}, ["product"]),
        ({"term": "P1M"}, []),
        ({"term": "P2M", "promo_code": "NOPE"}, ["term", "promo_code"]),
        ({"dry_run": True, "account_id": None}, ["account_id"]),
        ({"external_id": " item-7 "}, []),
        ({"external_id": "item-8"}, ["external_id"]),
        ({"config": {"region": "us", "password": "hunter2"}}, ["config"]),
        ({"config": {"region": "eu", "password": "another"}}, []),
        ({"config": None}, ["config"]),
    ],
)
def test_used_reference_says_what_a_repeat_has_otherwise(
    world: ServiceScenario, other: dict[str, object], differs: list[str]
) -> None:
    config = {"region": "eu", "password": "hunter2"}
    order = world.order(order_ref="same", config=config, external_id="item-7")
    assert order["differs"] == []
    body = {"product": "server", "account_id": world.client, "order_ref": "same", "config": config, **other}
    answer = world.call(f"POST /v1/resellers/{world.reseller}/orders", body)

    assert (answer.status_code, answer.json()["id"], answer.json()["differs"]) == (200, order["id"], differs)
    assert world.ok(f"GET /v1/orders/{order['id']}")["differs"] == []


def test_failed_order_is_credited_and_charged_again_when_tried_again(world: ServiceScenario) -> None:
    order = world.order()
    world.finish("create", error="no capacity")
    service = world.service(order["service_id"])
    assert (service["state"], service["action"], world.balance()) == ("failed", None, "100.00")
    failed = world.ok(f"GET /v1/orders/{order['id']}")
    assert (failed["state"], failed["error"]) == ("failed", "no capacity")
    world.go("2025-12-05")
    again = world.ask(service["id"], "retry", reason="more servers")
    assert (again["state"], world.balance(), again["paid_until"]) == ("pending", "73.00", "2026-01-05")
    world.finish("create", error="still none")
    assert world.balance() == "100.00"
    kinds = [line.split()[1] for line in world.books.lines(world.reseller)]
    assert kinds == ["payment", "order", "credit", "order", "credit"]
    world.books.post(world.reseller, "90.00", "R-1", "refund")
    answer = world.call(f"POST /v1/services/{service['id']}/retry", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_balance")
    assert answer.json()["missing"] == {"amount": "17.00", "currency": "EUR"}
    assert world.ask(service["id"], "terminate")["state"] == "failed"
    world.finish("terminate")
    assert world.state(service["id"]) == "ended"
    assert world.refused(f"POST /v1/services/{service['id']}/retry", {}) == (409, "illegal_transition")
    assert world.events("order.")[:2] == ["order.placed", "order.failed"]
    assert len(world.books.fees.mails("service-failed")) == 2


def test_dead_job_does_not_run_again_beside_its_credit(world: ServiceScenario) -> None:
    order = world.order()
    job = world.service(order["service_id"])["action"]["job"]
    world.finish("create", error="no capacity")
    assert world.refused(f"POST /v1/jobs/{job}/retry", {}) == (409, "not_retryable")


def test_cancelled_order_is_credited_and_its_service_ends(world: ServiceScenario) -> None:
    order = world.order()
    cancelled = world.ok(f"POST /v1/orders/{order['id']}/cancel", {"reason": "typo"})
    service = world.service(order["service_id"])
    assert (cancelled["state"], service["state"], world.balance()) == ("cancelled", "ended", "100.00")
    assert world.lease() is None
    assert world.refused(f"POST /v1/orders/{order['id']}/cancel") == (409, "illegal_transition")
    assert world.events("order.") + world.events("service.") == ["order.placed", "order.cancelled", "service.ended"]


def test_order_cancelled_while_its_job_runs_is_removed_after_it(world: ServiceScenario) -> None:
    order = world.order()
    item = world.lease()
    assert item is not None
    assert world.ok(f"POST /v1/orders/{order['id']}/cancel")["state"] == "cancelled"
    assert (world.state(order["service_id"]), world.balance()) == ("pending", "100.00")
    world.ok(f"POST /v1/leases/{item['lease']}/complete", {"result": {}}, key=world.work_key)
    assert world.service(order["service_id"])["action"]["verb"] == "terminate"
    world.finish("terminate")
    assert (world.state(order["service_id"]), world.balance()) == ("ended", "100.00")


def test_prepaid_order_is_refused_when_the_balance_does_not_cover_it(world: ServiceScenario) -> None:
    body = {"product": "server", "order_ref": "big", "quantity": 4}
    answer = world.call(f"POST /v1/resellers/{world.reseller}/orders", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_balance")
    assert answer.json()["missing"] == {"amount": "8.00", "currency": "EUR"}
    assert world.ok("GET /v1/services")["items"] == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"config": {"region": "mars"}}, "invalid_config"),
        ({"term": "P13M"}, "invalid"),
        ({"term": "soon"}, "invalid"),
        ({"product": "handset", "config": {"region": "eu"}}, "invalid_config"),
        ({"metadata": {"k": "x" * 501}}, "invalid"),
    ],
)
def test_bad_order_is_refused(world: ServiceScenario, more: dict[str, object], code: str) -> None:
    body = {"product": "server", "order_ref": "bad"} | more
    assert world.refused(f"POST /v1/resellers/{world.reseller}/orders", body) == (422, code)


def test_one_order_when_fifty_race_with_one_reference(world: ServiceScenario) -> None:
    body = {"product": "server", "order_ref": "race", "account_id": world.client}

    def place(_: int) -> tuple[int, str]:
        answer = world.call(f"POST /v1/resellers/{world.reseller}/orders", body)
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(place, range(50)))
    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert len({order_id for _, order_id in answers}) == 1
    assert len(world.ok("GET /v1/services")["items"]) == 1
    assert world.balance() == "73.00"
    assert world.lease() is not None
    assert world.lease() is None


def test_services_and_unfinished_orders_move_when_their_reseller_is_merged(world: ServiceScenario) -> None:
    active, order = world.active(external_id="item-1"), world.order()
    into = world.books.fees.reseller("house", "Saale")
    world.books.pay(into, "50.00", "P-1")
    world.ok(f"POST /v1/resellers/{into}/orders", {"product": "handset", "order_ref": "S-1", "external_id": "item-1"})
    world.books.merge(world.reseller, into)
    moved = world.service(active)
    assert (moved["reseller_id"], moved["external_id"]) == (into, f"item-1 ({world.reseller})")
    assert world.ok(f"GET /v1/orders/{order['id']}")["reseller_id"] == into
    before = world.books.account_book(into)["balance"]["amount"]
    world.finish("create", error="no capacity")
    after = world.books.account_book(into)["balance"]["amount"]
    assert (before, after) == ("76.00", "103.00")
    kinds = [gap["kind"] for gap in world.ok("GET /v1/reconciliation")["items"] if gap["kind"].startswith("book")]
    assert kinds == []
    world.ask(active, "renew")
    world.finish("renew")
    assert world.service(active)["paid_until"] == "2026-02-01"
