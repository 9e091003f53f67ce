"""A plan of orders, and what it must bring: the account books, services, jobs and events are compared with it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from tests.faults.deployment import HandlerFleet
from tests.faults.handler import HandlerCall

PAID = "2000000.00"
PRICES = {"server": Decimal("24.00"), "metal": Decimal("72.00")}
"""30.00 and 90.00 less 20 %: the resellers paid far more than 1,000 today."""
CRASHED = "SELECT count(*) FROM job_attempts WHERE outcome = 'crashed'"
ORDERS = "SELECT order_ref, reseller_id, service_id, product, state, net FROM orders"
SERVICES = "SELECT id, state, product FROM services"
ACTIONS = "SELECT service_id, verb, state, job_id FROM service_actions"
JOBS = """
SELECT id, state FROM (SELECT id, task, state FROM jobs UNION ALL SELECT id, task, state FROM jobs_archive) AS every
WHERE task IN ('cloud.create', 'metal.create')
"""
POISONED = """
SELECT o.order_ref FROM orders o JOIN service_actions w ON w.order_id = o.id JOIN jobs j ON j.id = w.job_id
WHERE j.state = 'dead' AND j.reason = 'poison' AND 3 <= (
    SELECT count(*) FROM job_attempts a WHERE a.job_id = j.id AND a.outcome = 'crashed')
"""
"""Orders whose job took three workers with it: dead by the engine's own promise, and credited as others that fail."""
LINES = "SELECT reseller_id, kind, ref, amount FROM account_book"
EVENTS = "SELECT type, count(*) FROM domain_events WHERE type ~ '^(order|service)' GROUP BY type"


@dataclass(frozen=True, slots=True)
class Wish:
    """An order that a driver places until it is acknowledged. The handler refuses those of `us`."""

    ref: str
    reseller: str
    product: str
    region: str

    @property
    def body(self) -> dict[str, Any]:
        """The request."""
        config = {} if self.product == "metal" else {"config": {"region": self.region}}
        return {"product": self.product, "order_ref": self.ref, **config}


def wishes(count: int, resellers: Sequence[str], seed: int) -> list[Wish]:
    """Plan the orders: one in five is pulled, one in twenty of the others is refused."""
    random = Random(f"{seed} orders")
    plan = []
    for number in range(count):
        product = "metal" if random.random() < 0.2 else "server"
        region = "us" if random.random() < 0.05 else "eu"
        plan.append(Wish(f"O-{number}", random.choice(resellers), product, region))
    return plan


@dataclass
class Tally:
    """What was done, and what does not agree."""

    figures: dict[str, object]
    faults: list[str]


def judge(deployment: HandlerFleet, plan: Sequence[Wish], placed: Sequence[str], calls: Sequence[HandlerCall]) -> Tally:
    """Reckon by the plan alone what must be there; compare orders, services, jobs, events and books with it.

    `placed`: acknowledged references; `calls`: of the handler.
    """
    ask, faults = deployment.made.ask, []
    refused = {wish.ref for wish in plan if wish.product == "server" and wish.region == "us"}
    poisoned = {ref for (ref,) in ask(POISONED)}
    failing = refused | poisoned
    orders = {row[0]: row[1:] for row in ask(ORDERS)}
    faults += [f"{ref} was placed and is gone" for ref in placed if ref not in orders]
    faults += [f"{ref} is an order of nobody" for ref in orders.keys() - {wish.ref for wish in plan}]
    services = {row[0]: row[1:] for row in ask(SERVICES)}
    actions, jobs = ask(ACTIONS), dict(ask(JOBS))
    for name, count in (("services", len(services)), ("actions", len(actions)), ("jobs", len(jobs))):
        if count != len(plan):
            faults.append(f"{len(plan)} orders, but {count} {name}")
    job_of = {service: (verb, state, jobs.get(job)) for service, verb, state, job in actions}
    for wish in plan:
        fails = wish.ref in failing
        due = ("failed", "dead", "failed") if fails else ("completed", "succeeded", "active")
        _, service, product, state, net = orders.get(wish.ref, (None, None, None, None, Decimal(0)))
        is_state = services.get(service, (None, None))[0]
        acted = ("create", "failed" if fails else "succeeded", due[1])
        if (state, is_state, product, net) != (due[0], due[2], wish.product, PRICES[wish.product]):
            faults.append(f"{wish.ref} is {state} for {net}, its service {is_state}")
        if job_of.get(service) != acted:
            faults.append(f"the job of {wish.ref} is {job_of.get(service)}, not {acted}")
    faults += wrong_books(deployment, plan, failing) + wrong_events(ask(EVENTS), len(plan), len(failing))
    keys: dict[str, set[str]] = defaultdict(set)
    for call in calls:
        keys[call.data["args"]["service_id"]].add(call.webhook_id)
    faults += [f"service {service} was made under {len(ids)} ids" for service, ids in keys.items() if len(ids) != 1]
    figures: dict[str, object] = {
        "orders": len(orders),
        "of them refused by the handler and credited": len(refused),
        "of them dead after three killed workers, and credited": len(poisoned - refused),
        "calls of the handler": len(calls),
        "repeated under the same webhook-id": len(calls) - len(keys),
        "attempts that died": ask(CRASHED)[0][0],
    }
    return Tally(figures, faults)


def wrong_books(deployment: HandlerFleet, plan: Sequence[Wish], failing: set[str]) -> list[str]:
    """Compare every line and balance of the account books with what the plan costs."""
    faults, lines = [], Counter(deployment.made.ask(LINES))
    for reseller in {wish.reseller for wish in plan}:
        mine = [wish for wish in plan if wish.reseller == reseller]
        due = Decimal(PAID) - sum(PRICES[wish.product] for wish in mine if wish.ref not in failing)
        shown = deployment.api.ok("GET", f"/v1/resellers/{reseller}/account-book?limit=1")["balance"]["amount"]
        total = sum(row[3] * count for row, count in lines.items() if str(row[0]) == reseller)
        if not due == total == Decimal(shown):
            faults.append(f"the balance of {reseller} is {shown}, its lines are {total}, due is {due}")
    kinds = Counter[tuple[str, str]]()
    for (_, kind, ref, _), count in lines.items():
        kinds[kind, ref] += count
    for wish in plan:
        expected = (1, int(wish.ref in failing))
        if (kinds["order", wish.ref], kinds["credit", wish.ref]) != expected:
            faults.append(f"{wish.ref} has {kinds['order', wish.ref]} charges, {kinds['credit', wish.ref]} credits")
    return faults


def wrong_events(rows: Sequence[tuple[Any, ...]], orders: int, failed: int) -> list[str]:
    """Compare the domain events with what the plan brings."""
    due = {"order.placed": orders, "order.failed": failed, "service.active": orders - failed, "service.failed": failed}
    events = dict(rows)
    names = sorted({*due, *events})
    counts = [(name, events.get(name, 0), due.get(name, 0)) for name in names]
    return [f"{count} events {name}, not {expected}" for name, count, expected in counts if count != expected]
