"""After any sequence of orders, verbs, answers and payments, services, jobs, events and the account book agree."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from kontor.kernel.states import ServiceState, ServiceVerb
from kontor.provisioning.rules import ALLOWED, ARROWS
from tests.support.services import ServiceScenario

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
    """Two services at most, of a reseller with 100 EUR that is new each time, so that each run begins alike."""

    world: ServiceScenario

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.world.orders += 1
        self.reseller = self.world.books.fees.reseller("house", f"Reseller number {self.world.orders}")
        self.world.books.pay(self.reseller, "100.00", "P-1")

    def service(self, number: int) -> dict[str, Any]:
        return self.world.service(self.ids[number % len(self.ids)])

    @precondition(lambda self: len(self.ids) < 2)
    @rule(quantity=st.integers(1, 2))
    def order(self, quantity: int) -> None:
        body = {"product": "server", "order_ref": f"M-{self.world.orders}", "quantity": quantity}
        self.world.orders += 1
        answer = self.world.call(f"POST /v1/resellers/{self.reseller}/orders", body)
        assert answer.status_code in (201, 409)
        if answer.status_code == 201:
            self.ids.append(answer.json()["service_id"])

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 1), verb=st.sampled_from(["renew", "suspend", "resume", "terminate", "retry"]))
    def ask(self, number: int, verb: str) -> None:
        before = self.service(number)
        answer = self.world.call(f"POST /v1/services/{before['id']}/{verb}", {})
        if before["action"] is None and verb != "retry" and before["state"] not in ALLOWED[ServiceVerb(verb)]:
            assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
        assert answer.status_code in (200, 409)

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 1), quantity=st.integers(1, 3))
    def change(self, number: int, quantity: int) -> None:
        answer = self.world.call(f"PATCH /v1/services/{self.service(number)['id']}", {"quantity": quantity})
        assert answer.status_code in (200, 409)

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 1))
    def cancel(self, number: int) -> None:
        service = self.service(number)
        answer = self.world.call(f"POST /v1/orders/{service['order_id']}/cancel")
        assert answer.status_code == 409 or service["state"] == ServiceState.PENDING

    @rule(good=st.booleans())
    def work(self, good: bool) -> None:
        item = self.world.lease()
        if item is not None:
            verb, body = ("complete", {"result": {}}) if good else ("fail", {"error": "no", "permanent": True})
            self.world.ok(f"POST /v1/leases/{item['lease']}/{verb}", body, key=self.world.work_key)

    @rule(amount=st.sampled_from(["5.00", "40.00"]), kind=st.sampled_from(["payment", "refund"]))
    def pay(self, amount: str, kind: str) -> None:
        self.world.orders += 1
        self.world.books.pay(self.reseller, amount, f"M-{self.world.orders}-{kind}", kind)

    @rule(suspended=st.booleans())
    def suspend_account(self, suspended: bool) -> None:
        verb = "suspend" if suspended else "resume"
        self.world.ok(f"POST /v1/accounts/{self.reseller}/{verb}", {"reason": "test"})
        self.world.books.work()

    @invariant()
    def agrees(self) -> None:
        with self.world.books.fees.transaction() as session:
            broken = {name: session.execute(text(query)).all() for name, query in BROKEN.items()}
        assert {name: rows for name, rows in broken.items() if rows} == {}
        for service_id in self.ids:
            events = self.world.service(service_id)["events"]
            for event in events:
                start = None if event["from"] is None else ServiceState(event["from"])
                assert ServiceState(event["to"]) in ARROWS[start]

    def teardown(self) -> None:
        self.world.ok(f"POST /v1/accounts/{self.reseller}/resume", {"reason": "test"})
        while (item := self.world.lease()) is not None:
            self.world.ok(f"POST /v1/leases/{item['lease']}/complete", {"result": {}}, key=self.world.work_key)
        self.agrees()


@pytest.mark.timeout(300)
def test_services_jobs_and_money_agree_after_any_sequence(world: ServiceScenario) -> None:
    machine = type("WorldServices", (Services,), {"world": world})
    quiet = settings(
        max_examples=6, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(machine, settings=quiet)
