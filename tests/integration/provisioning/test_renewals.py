"""Renewals, and what follows when they are not paid (provisioning.md 3, programme.md 7.5)."""

from tests.support.services import SERVER, SOURCE, ServiceScenario


def paid(world: ServiceScenario, service: str) -> tuple[str, str]:
    """State and end of a service."""
    document = world.service(service)
    return document["state"], document["paid_until"]


def test_service_is_renewed_by_itself_a_day_before_its_end_at_the_discount_of_that_day(world: ServiceScenario) -> None:
    service = world.active()
    world.go("2025-12-30")
    assert world.lease() is None
    world.go("2025-12-31")
    assert world.finish("renew")["paid_until"] == "2026-02-01"
    assert paid(world, service) == ("active", "2026-02-01")
    assert world.balance() == "46.00"
    world.go("2026-01-31")
    assert world.finish("renew")["paid_until"] == "2026-03-01"
    # The payment of 1 December has left the window: no discount is left.
    assert world.balance() == "16.00"
    orders = world.ok(f"GET /v1/resellers/{world.reseller}/orders?state=completed")["items"]
    assert [(order["kind"], order["net"]["amount"]) for order in orders] == [
        ("renewal", "30.00"),
        ("renewal", "27.00"),
        ("new", "27.00"),
    ]
    assert world.events("service.")[-1] == "service.renewed"


def test_unpaid_service_is_suspended_after_the_grace_and_resumed_by_a_payment(world: ServiceScenario) -> None:
    service = world.active()
    world.books.post(world.reseller, "60.00", "R-1", "refund")
    world.go("2025-12-31")
    (mail,) = world.books.fees.mails("balance-low")
    assert mail.facts["missing"] == {"amount": "17.00", "currency": "EUR"}
    world.go("2026-01-03")
    assert (paid(world, service), world.lease()) == (("active", "2026-01-01"), None)
    world.go("2026-01-04")
    world.finish("suspend")
    assert world.service(service)["suspended_by"] == ["unpaid"]
    world.go("2026-01-10")
    assert world.refused(f"POST /v1/services/{service}/renew", {}) == (409, "insufficient_balance")
    assert world.refused(f"POST /v1/services/{service}/resume", {}) == (409, "illegal_transition")
    world.books.pay(world.reseller, "40.00", "P-2")
    # It counts from its own day, since it was suspended unpaid.
    assert world.finish("renew")["paid_until"] == "2026-02-10"
    world.finish("resume")
    assert paid(world, service) == ("active", "2026-02-10")
    assert len(world.books.fees.mails("balance-low")) == 1
    assert world.service(service)["unpaid_since"] is None


def test_payment_renews_a_service_in_its_grace_from_its_end(world: ServiceScenario) -> None:
    service = world.active()
    world.books.post(world.reseller, "60.00", "R-1", "refund")
    world.go("2026-01-02")
    world.books.pay(world.reseller, "40.00", "P-2")
    assert world.finish("renew")["paid_until"] == "2026-02-01"
    assert paid(world, service) == ("active", "2026-02-01")


def test_service_ends_when_it_is_unpaid_for_thirty_days(world: ServiceScenario) -> None:
    service = world.active()
    world.books.post(world.reseller, "60.00", "R-1", "refund")
    world.go("2026-01-05")
    world.finish("suspend")
    world.go("2026-01-30")
    assert world.lease() is None
    world.go("2026-01-31")
    world.finish("terminate")
    assert world.state(service) == "ended"


def test_service_of_a_product_that_is_not_renewed_ends_with_its_term(world: ServiceScenario) -> None:
    service = str(world.order(product="certificate")["service_id"])
    assert paid(world, service) == ("active", "2026-12-01")
    assert world.refused(f"POST /v1/services/{service}/renew", {}) == (409, "not_renewable")
    world.go("2026-11-30")
    assert world.state(service) == "active"
    world.go("2026-12-01")
    assert world.state(service) == "ended"


def test_early_renewal_counts_from_the_end_and_months_keep_their_anchor(world: ServiceScenario) -> None:
    world.go("2026-01-31")
    service = world.active()
    assert world.service(service)["paid_until"] == "2026-02-28"
    world.go("2026-02-03")
    world.ask(service, "renew", order_ref="early")
    assert world.ask(service, "renew", order_ref="early")["action"]["verb"] == "renew"
    world.finish("renew")
    assert (world.lease(), paid(world, service)) == (None, ("active", "2026-03-31"))
    assert world.refused(f"POST /v1/services/{service}/renew", {"order_ref": "O-1"}) == (409, "order_ref_taken")


def test_longer_term_costs_its_multiple_and_renews_for_the_same(world: ServiceScenario) -> None:
    order = world.order(term="P2M")
    assert (order["net"]["amount"], world.service(order["service_id"])["paid_until"]) == ("54.00", "2026-02-01")


def test_service_of_a_suspended_account_is_not_renewed(world: ServiceScenario) -> None:
    service = world.active()
    world.ok(f"POST /v1/accounts/{world.client}/suspend", {"reason": "abuse"})
    world.finish("suspend")
    world.go("2025-12-31")
    assert world.lease() is None
    assert world.refused(f"POST /v1/services/{service}/renew", {}) == (409, "account_suspended")
    world.go("2026-01-04")
    assert (world.lease(), world.service(service)["suspended_by"]) == (None, ["account", "unpaid"])
    world.ok(f"POST /v1/accounts/{world.client}/resume", {"reason": "cleared"})
    world.books.work()
    assert world.service(service)["suspended_by"] == ["unpaid"]
    world.finish("renew")
    world.finish("resume")
    assert paid(world, service) == ("active", "2026-02-04")


def test_price_of_a_renewal_is_that_of_its_moment(world: ServiceScenario) -> None:
    service = world.active()
    world.books.fees.apply("house", SOURCE.replace(SERVER, SERVER.replace("30.00", "40.00")))
    world.go("2025-12-31")
    assert world.lease() is not None
    assert (world.balance(), world.state(service)) == ("37.00", "active")
