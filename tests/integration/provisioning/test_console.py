"""Console pages of services and orders."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.support.api import running_server
from tests.support.console import ConsoleClient, create_operator, known_device
from tests.support.services import ServiceScenario
from workers.web_app import build


@pytest.fixture
def page(world: ServiceScenario) -> Iterator[Callable[[str], str]]:
    """Open pages as a viewer."""
    deps = world.api.deps
    with running_server(build(deps)) as url, httpx.Client(base_url=url, timeout=30) as http:
        email = create_operator(deps, "viewer")
        http.cookies.set("console-device", known_device(deps, email))
        visitor = ConsoleClient(http)
        assert visitor.sign_in(email).status_code == 303

        def text(path: str) -> str:
            answer = visitor.get(path)
            assert answer.status_code == 200, answer.text
            return answer.text

        yield text


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
