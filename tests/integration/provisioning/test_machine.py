"""After any sequence of orders, verbs, answers and payments, services, jobs, events and the account book agree."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from devtools.simulation.log import Entry
from kontor.kernel.states import ServiceState
from kontor.provisioning.rules import ARROWS
from tests.oracle.account_book import balance
from tests.oracle.oracle import Oracle
from tests.oracle.rules import rules_of
from tests.oracle.service_failures import fail, follow
from tests.oracle.services import Service, finish, go_on
from tests.support.services import SOURCE, ServiceScenario

UNFINISHED = "state IN ('scheduled', 'queued', 'running', 'retrying')"
BROKEN = {
    "a service has more than one job": f"""
        SELECT w.service_id FROM service_actions w JOIN jobs j ON j.id = w.job_id AND j.{UNFINISHED}
        GROUP BY 1 HAVING count(*) > 1""",
    "a job works for an action that is over": f"""
        SELECT w.id FROM service_actions w JOIN jobs j ON j.id = w.job_id AND j.{UNFINISHED}
        WHERE w.state IN ('succeeded', 'failed')""",
    "an action is under way without a job": """
        SELECT id FROM service_actions WHERE state = 'running' AND job_id IS NULL""",
    "something waits behind nothing": """
        SELECT id FROM service_actions a WHERE state = 'waiting' AND NOT EXISTS (
            SELECT FROM service_actions r WHERE r.service_id = a.service_id AND r.state = 'running')""",
    "a state is not that of the last event": """
        SELECT id FROM services s WHERE state <> (
            SELECT to_state FROM service_events e WHERE e.service_id = s.id ORDER BY number DESC LIMIT 1)""",
    "causes and state differ": """
        SELECT id FROM services WHERE (state = 'suspended') <> (causes <> '{}')""",
    "an order's money is not what its state says": """
        SELECT o.id FROM orders o LEFT JOIN account_book b ON b.ref = o.order_ref AND b.reseller_id = o.reseller_id
        GROUP BY o.id HAVING sum(b.amount) <> CASE WHEN o.state IN ('failed', 'cancelled') THEN 0 ELSE -o.net END""",
    "an order is pending without its action": """
        SELECT id FROM orders o WHERE state = 'pending' AND NOT EXISTS (SELECT FROM service_actions w
            WHERE w.order_id = o.id AND w.state IN ('waiting', 'running'))""",
}


class Services(RuleBasedStateMachine):
    """Two services at most, of a reseller with 100 EUR that is new each time, so that each run begins alike.

    The oracle, which shares no code with the product, is fed with every answer, and says what must be there.
    """

    world: ServiceScenario

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.world.orders += 1
        self.name = f"Reseller number {self.world.orders}"
        self.reseller = self.world.books.fees.reseller("house", self.name)
        self.oracle = Oracle(rules_of(yaml.safe_load(SOURCE)))
        self.oracle.stopped = self.now  # jobs end when the machine says so
        self.tell("join", "ok", account=self.reseller, name=self.name, email="a@shop.example")
        self.payment("100.00", "payment")

    @property
    def now(self) -> datetime:
        """The time, which stands still."""
        return self.world.books.fees.clock.now()

    def tell(self, action: str, outcome: str, result: dict[str, Any] | None = None, **values: Any) -> None:
        """Feed the oracle."""
        self.oracle.read(Entry(self.now, "machine", action, values, outcome, result or {}))

    def payment(self, amount: str, kind: str) -> None:
        self.world.orders += 1
        reference = f"M-{self.world.orders}-{kind}"
        self.world.books.pay(self.reseller, amount, reference, kind)
        facts: dict[str, Any] = {"amount": amount, "kind": kind, "reference": reference, "paid_at": self.now}
        self.tell("pay", "ok", reseller=self.reseller, **facts)

    def chosen(self, number: int) -> Service:
        return self.oracle.memory.services[self.ids[number % len(self.ids)]]

    @precondition(lambda self: len(self.ids) < 2)
    @rule(quantity=st.integers(1, 2))
    def order(self, quantity: int) -> None:
        body = {"product": "server", "order_ref": f"M-{self.world.orders}", "quantity": quantity}
        self.world.orders += 1
        answer = self.world.call(f"POST /v1/resellers/{self.reseller}/orders", body)
        said = answer.json()
        result = {"net": said["net"]["amount"]} if answer.is_success else {}
        service = said.get("service_id", "refused")
        self.tell("service", outcome_of(answer), result, service=service, reseller=self.reseller, **body)
        if answer.is_success:
            self.ids.append(service)

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 1), verb=st.sampled_from(["renew", "suspend", "resume", "terminate", "retry"]))
    def ask(self, number: int, verb: str) -> None:
        service = self.chosen(number).label
        answer = self.world.call(f"POST /v1/services/{service}/{verb}", {})
        self.tell("ask", outcome_of(answer), service=service, verb=verb)

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 1), quantity=st.integers(1, 3))
    def change(self, number: int, quantity: int) -> None:
        service = self.chosen(number).label
        answer = self.world.call(f"PATCH /v1/services/{service}", {"quantity": quantity})
        self.tell("change", outcome_of(answer), service=service, quantity=quantity)

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 1))
    def cancel(self, number: int) -> None:
        service = self.chosen(number).label
        order = self.world.service(service)["order_id"]
        answer = self.world.call(f"POST /v1/orders/{order}/cancel")
        self.tell("cancel_order", outcome_of(answer), service=service)

    @rule(good=st.booleans())
    def work(self, good: bool) -> None:
        item = self.world.lease()
        if item is None:
            assert not [service.label for service in self.waiting()]
            return
        verb, body = ("complete", {"result": {}}) if good else ("fail", {"error": "no", "permanent": True})
        self.world.ok(f"POST /v1/leases/{item['lease']}/{verb}", body, key=self.world.work_key)
        service = self.oracle.memory.services[item["job"]["args"]["service_id"]]
        assert item["job"]["task"] == f"srv.{service.asked[0].verb}"
        if good:
            finish(self.oracle, service)
            go_on(self.oracle, service)
        else:
            fail(self.oracle, service)

    def waiting(self) -> list[Service]:
        """The services for which a job waits."""
        return [each for each in self.oracle.memory.services.values() if each.busy and not each.asked[0].dead]

    @rule(amount=st.sampled_from(["5.00", "40.00"]), kind=st.sampled_from(["payment", "refund"]))
    def pay(self, amount: str, kind: str) -> None:
        self.payment(amount, kind)

    @rule(suspended=st.booleans())
    def suspend_account(self, suspended: bool) -> None:
        verb = "suspend" if suspended else "resume"
        self.world.ok(f"POST /v1/accounts/{self.reseller}/{verb}", {"reason": "test"})
        self.world.books.work()
        self.oracle.memory.people[self.reseller].suspended = suspended
        follow(self.oracle, self.reseller)

    @invariant()
    def agrees(self) -> None:
        with self.world.books.fees.transaction() as session:
            broken = {name: session.execute(text(query)).all() for name, query in BROKEN.items()}
        assert {name: rows for name, rows in broken.items() if rows} == {}
        assert self.oracle.memory.complaints == []
        for service_id in self.ids:
            document, service = self.world.service(service_id), self.oracle.memory.services[service_id]
            waiting = [job["verb"] for job in reversed(document["jobs"]) if job["state"] in ("running", "waiting")]
            assert shown(document, waiting) == expected_of(service)
            for event in document["events"]:
                start = None if event["from"] is None else ServiceState(event["from"])
                assert ServiceState(event["to"]) in ARROWS[start]
        ledger = self.world.books.account_book(self.reseller)
        assert Decimal(ledger["balance"]["amount"]) == balance(self.oracle.memory.lines, self.reseller)

    def teardown(self) -> None:
        self.suspend_account(suspended=False)
        while self.waiting():
            self.work(good=True)
        self.agrees()


def outcome_of(answer: httpx.Response) -> str:
    """`ok`, or the code of the refusal."""
    return "ok" if answer.is_success else str(answer.json()["code"])


def shown(document: dict[str, Any], waiting: list[str]) -> tuple[Any, ...]:
    """What the API says of a service."""
    arrows = [event["to"] for event in document["events"]]
    quantities = (document["quantity"], document["next_quantity"])
    return document["state"], set(document["suspended_by"]), document["paid_until"], quantities, arrows, waiting


def expected_of(service: Service) -> tuple[Any, ...]:
    """What the oracle says of it."""
    quantities = (service.quantity, service.next_quantity)
    asked = [asked.verb for asked in service.asked]
    return service.state, service.causes, service.paid[1].isoformat(), quantities, service.arrows, asked


@pytest.mark.timeout(300)
def test_services_jobs_and_money_agree_after_any_sequence(world: ServiceScenario) -> None:
    machine = type("WorldServices", (Services,), {"world": world})
    quiet = settings(
        max_examples=6, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(machine, settings=quiet)
