"""Console pages of services and orders."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import select

from models.control import AuditEntry
from tests.support.api import running_server
from tests.support.console import ConsoleClient, create_operator, known_device
from tests.support.services import ServiceScenario
from workers.web_app import build


@pytest.fixture
def visitors(world: ServiceScenario) -> Iterator[Callable[[str], ConsoleClient]]:
    """Sign in with a role."""
    deps = world.api.deps
    with running_server(build(deps)) as url, ExitStack() as stack:

        def signed_in(role: str) -> ConsoleClient:
            http = stack.enter_context(httpx.Client(base_url=url, timeout=30, verify=False))
            email = create_operator(deps, role)
            http.cookies.set("console-device", known_device(deps, email))
            visitor = ConsoleClient(http)
            assert visitor.sign_in(email).status_code == 303
            return visitor

        yield signed_in


@pytest.fixture
def page(visitors: Callable[[str], ConsoleClient]) -> Callable[[str], str]:
    """Open pages as a viewer."""
    visitor = visitors("viewer")

    def text(path: str) -> str:
        answer = visitor.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    return text


def test_operator_finds_a_service_with_its_events_jobs_and_orders(
    world: ServiceScenario, page: Callable[[str], str]
) -> None:
    service = world.active(external_id="item-7", config={"region": "eu", "password": "hunter2"})
    failed = world.order()
    world.finish("create", error="no capacity")
    assert "item-7" in page("/console/services?state=active")
    assert "item-7" not in page("/console/services?state=failed")
    assert f"/console/services/{service}" in page(f"/console/services?reseller={world.reseller}&product=server")
    assert "No service matches." in page("/console/services?reseller=nobody")
    shown = page(f"/console/services/{service}")
    assert "pending → active" in shown
    assert "O-1" in shown
    assert "hunter2" not in shown
    orders = page(f"/console/resellers/{world.reseller}/orders?state=failed")
    assert (failed["order_ref"] in orders, "O-1" in orders) == (True, False)


def test_operator_suspends_resumes_and_ends_a_service_with_a_reason(
    world: ServiceScenario, visitors: Callable[[str], ConsoleClient]
) -> None:
    someone, place = visitors("operator"), f"/console/services/{world.active()}"
    service = place.rpartition("/")[2]

    def buttons() -> set[str]:
        return set(re.findall(rf'href="{place}/(\w+)"', someone.get(place).text))

    assert buttons() == {"renew", "suspend", "terminate"}
    assert someone.post(f"{place}/suspend").status_code == 422
    for verb, left in (("suspend", {"resume", "renew", "terminate"}), ("resume", {"renew", "suspend", "terminate"})):
        assert someone.post(f"{place}/{verb}", {"reason": "asked by phone"}).status_code == 303
        world.finish(verb)
        assert buttons() == left
    assert someone.post(f"{place}/resume", {"reason": "again"}).status_code == 409
    assert someone.post(f"{place}/terminate", {"reason": "gone"}).status_code == 303
    world.finish("terminate")

    assert (world.state(service), buttons()) == ("ended", set())
    with world.api.deps.sessions() as session:
        rows = session.execute(
            select(AuditEntry.action, AuditEntry.reason)
            .where(AuditEntry.target == f"service:{service}")
            .order_by(AuditEntry.seq)
        ).all()
    by_operator = [(action, reason) for action, reason in rows if reason is not None]
    assert by_operator == [
        ("service.suspend", "asked by phone"),
        ("service.resume", "asked by phone"),
        ("service.terminate", "gone"),
    ]


def test_failed_service_is_tried_again_from_the_console_and_viewers_have_no_buttons(
    world: ServiceScenario, visitors: Callable[[str], ConsoleClient]
) -> None:
    service = str(world.order()["service_id"])
    world.finish("create", error="no capacity")
    place = f"/console/services/{service}"
    viewer, someone = visitors("viewer"), visitors("operator")
    assert f"{place}/retry" not in viewer.get(place).text
    assert viewer.http.get(f"{place}/retry").status_code == 403
    assert someone.post(f"{place}/retry", {"reason": "capacity is back"}).status_code == 303
    world.finish("create", result={"host": "b.example"})
    assert world.state(service) == "active"


def test_order_that_is_being_made_is_cancelled_with_a_reason_and_paid_back(
    world: ServiceScenario, visitors: Callable[[str], ConsoleClient]
) -> None:
    order, someone = world.order(), visitors("operator")
    place = f"/console/orders/{order['id']}"
    net = Decimal(order["net"]["amount"])

    def balance() -> Decimal:
        return Decimal(world.ok(f"GET /v1/resellers/{world.reseller}/account-book")["balance"]["amount"])

    before = balance()
    assert f"{net} {order['net']['currency']} is paid back" in someone.get(f"{place}/cancel").text
    assert someone.post(f"{place}/cancel").status_code == 422
    assert (balance(), someone.post(f"{place}/cancel", {"reason": "ordered twice"}).status_code) == (before, 303)
    assert someone.post(f"{place}/cancel", {"reason": "again"}).status_code == 409
    assert balance() == before + net
    page = someone.get(place).text
    assert ("ordered twice" in page, f"{place}/cancel" in page) == (True, False)
