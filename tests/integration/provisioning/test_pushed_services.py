"""Services that a push handler makes over real HTTP: from the order to the record, whatever it answers."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.adapters.http import PinnedHttp
from kontor.alerts.incidents import current
from kontor.http.context import Deps
from kontor.kernel.addresses import AddressGuard
from kontor.kernel.states import AlertKind
from tests.faults.handler import HandlerCall, ScriptedHandler, serving
from tests.support.api import Api
from tests.support.services import ServiceScenario, service_scenario
from workers.up import free_port

REFUSED = (422, {"error": "no such plan"})


async def resolve_here(host: str, port: int, tenant: str) -> list[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


@pytest.fixture
def deps(deps: Deps) -> Deps:
    """A web process that takes handlers on this machine."""
    return replace(deps, handler_guard=AddressGuard(resolve_here, networks=("127.0.0.0/8",), field="handler.push"))


@pytest.fixture
def port() -> int:
    """The handler's."""
    return free_port()


@pytest.fixture
def handler() -> ScriptedHandler:
    """What the handler answers, and what it was called for."""
    return ScriptedHandler()


@pytest.fixture
def world(api: Api, clock: ManualClock, port: int) -> Iterator[ServiceScenario]:
    """A reseller whose services the handler makes."""
    url = f"http://127.0.0.1:{port}/kontor"
    with (
        closing(PinnedHttp(lambda address: address == "127.0.0.1", plain_http=True)) as network,
        service_scenario(api, clock, url, handlers=network) as scenario,
    ):
        yield scenario


@pytest.fixture
def served(handler: ScriptedHandler, port: int) -> Iterator[ScriptedHandler]:
    """The handler while it is up."""
    with serving(handler, port):
        yield handler


def about(handler: ScriptedHandler, service_id: str) -> list[HandlerCall]:
    """Return the calls about a service."""
    return [call for call in handler.calls if call.data["args"]["service_id"] == service_id]


def made(world: ServiceScenario, **more: Any) -> str:
    """Order a server and let the handler make it."""
    service_id = str(world.order(**more)["service_id"])
    world.books.work()
    assert world.state(service_id) == "active"
    return service_id


def test_service_is_active_when_the_handler_answered(world: ServiceScenario, served: ScriptedHandler) -> None:
    served.script("srv.create", (200, {"result": {"host": "a.example", "password": "hunter2", "pin": "4711"}}))
    service = made(world, config={"region": "eu", "password": "hunter2"})
    (call,) = about(served, service)
    after = world.service(service)
    assert (call.type, call.webhook_id) == ("job.run", after["jobs"][0]["job"])
    assert (call.data["args"]["config"]["password"], call.data["reseller"]) == ("hunter2", world.reseller)
    assert after["result"] == {"host": "a.example", "password": "***", "pin": "***"}
    assert world.ok(f"GET /v1/jobs/{call.webhook_id}")["result"]["password"] == "***"
    assert (world.balance(), world.events("service.")) == ("73.00", ["service.active"])


def test_service_is_active_when_the_handler_worked_on_and_completed(
    world: ServiceScenario, served: ScriptedHandler
) -> None:
    served.script("srv.create", (202, None))
    service = str(world.order()["service_id"])
    world.books.work()
    (call,) = about(served, service)
    lease, token = call.data["lease"], call.data["token"]
    assert (world.state(service), world.service(service)["action"]["verb"]) == ("pending", "create")
    world.ok(f"POST /v1/leases/{lease}/heartbeat", key=token)
    world.ok(f"POST /v1/leases/{lease}/complete", {"result": {"host": "b.example", "password": "hunter2"}}, key=token)
    after = world.service(service)
    assert (after["state"], after["result"]) == ("active", {"host": "b.example", "password": "***"})
    assert world.refused(f"POST /v1/leases/{lease}/heartbeat", key=token) == (409, "lease_lost")
    assert len(about(served, service)) == 1


def test_old_values_stand_and_are_credited_when_the_handler_refuses_a_change(
    world: ServiceScenario, served: ScriptedHandler
) -> None:
    service = made(world, config={"region": "eu"})
    served.script("srv.change", REFUSED)
    world.ok(f"PATCH /v1/services/{service}", {"quantity": 2, "config": {"region": "us"}})
    assert world.balance() == "46.00"
    world.books.work()
    after = world.service(service)
    assert (after["quantity"], after["config"], after["action"]) == (1, {"region": "eu"}, None)
    assert (after["jobs"][0]["state"], world.balance()) == ("failed", "73.00")
    assert len(world.books.fees.mails("service-failed")) == 1
    world.ok(f"PATCH /v1/services/{service}", {"quantity": 2})
    world.books.work()
    assert (world.service(service)["quantity"], world.balance()) == (2, "46.00")


def test_operators_are_alerted_when_the_handler_refuses_to_terminate(
    world: ServiceScenario, served: ScriptedHandler
) -> None:
    service = made(world)
    served.script("srv.terminate", REFUSED)
    job = world.ask(service, "terminate")["action"]["job"]
    world.books.work()
    after = world.service(service)
    assert (after["state"], after["action"]["job"]) == ("active", job)
    with world.api.deps.sessions() as session:
        incidents = current(session, world.api.deps.jobs.catalogue, world.api.deps.clock.now())
    assert any("srv.terminate" in each.detail for each in incidents if each.kind is AlertKind.DEAD_JOBS)
    world.ask(service, "retry")
    world.books.work()
    assert (world.state(service), {call.webhook_id for call in about(served, service)[1:]}) == ("ended", {job})


def test_orders_wait_in_their_lane_unharmed_when_the_handler_is_down_for_a_day(
    world: ServiceScenario, handler: ScriptedHandler, port: int, clock: ManualClock
) -> None:
    orders = [world.order() for _ in range(3)]
    services = [str(order["service_id"]) for order in orders]
    world.books.work()
    for _ in range(23):
        clock.advance(timedelta(hours=1))
        world.books.work()
    assert [world.state(each) for each in services] == ["pending"] * 3
    jobs = [world.service(each)["action"]["job"] for each in services]
    assert {world.ok(f"GET /v1/jobs/{job}")["attempt"] for job in jobs} == {0}
    (lane,) = [each for each in world.ok("GET /v1/lanes")["items"] if each["name"].startswith("handler:")]
    assert (lane["state"], lane["waiting"], world.balance()) == ("open", 3, "19.00")
    with serving(handler, port):
        clock.advance(timedelta(hours=1))
        world.books.work()
    assert [world.state(each) for each in services] == ["active"] * 3
    assert [call.data["args"]["service_id"] for call in handler.calls] == services
    assert {world.ok(f"GET /v1/jobs/{job}")["attempt"] for job in jobs} == {1}
    assert world.balance() == "19.00"
