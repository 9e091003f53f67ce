"""What is killed, hangs or is down while others run jobs; each row checks that nothing was lost, doubled or burnt."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from bench.rows.api import free_port
from devtools.demo.provisioning import PROGRAMME, pull_worker
from tests.faults.deployment import OUTCOMES, STALE, HandlerFleet
from tests.faults.handler import HandlerCall, ScriptedHandler, serving
from tests.support.polling import WaitTimeout, wait_for

RACERS = 50
HOURS = 24
TRIES = "SELECT count(*) FROM job_attempts WHERE job_id = %s AND outcome = 'down'"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the matrix. `clock`: it moves the test clock, which stands still from then on."""

    name: str
    play: Callable[[HandlerFleet], None]
    clock: bool = False

    def problem(self, deployment: HandlerFleet) -> str | None:
        """Play it; return what does not hold."""
        try:
            self.play(deployment)
        except (AssertionError, WaitTimeout) as error:
            return str(error)[:200] or "does not hold"
        return None


@dataclass(frozen=True, slots=True)
class Killed:
    """The worker is killed between a handler's 200 and its record. `second`: what the handler is asked then."""

    name: str
    crash: str
    second: tuple[int, Any]
    state: str
    asked: Sequence[str]

    def __call__(self, deployment: HandlerFleet) -> None:
        task = f"killed.{self.name.replace(' ', '-')}"
        deployment.declare_push(task, crash=self.crash)
        deployment.handler.script(task, (200, {"result": 1}), self.second)
        deployment.made.trap.set("effect.after")
        job_id = deployment.api.enqueue(task, task)
        wait_for(lambda: any(member.dead for member in deployment.made.members), "the kill")
        deployment.replace_dead()
        job, calls = deployment.ended(job_id), deployment.handler.of(job_id)
        assert (job["state"], [call.type for call in calls]) == (self.state, self.asked), (job["state"], calls)
        assert {call.webhook_id for call in calls} == {job_id}
        assert deployment.made.ask(OUTCOMES, [job_id]) == [("crashed",)] or job["state"] == "dead"


NOT_DONE = (200, {"state": "not_done"})
KILLED = (
    Killed("rerun", "rerun", (200, {"result": 2}), "succeeded", ["job.run", "job.run"]),
    Killed("verify done", "verify", (200, {"state": "done", "result": 2}), "succeeded", ["job.run", "job.verify"]),
    Killed("verify not done", "verify", NOT_DONE, "succeeded", ["job.run", "job.verify", "job.run"]),
    Killed("verify unknown", "verify", (200, {"state": "unknown"}), "dead", ["job.run", "job.verify"]),
    Killed("park", "park", (200, None), "dead", ["job.run"]),
)


def killed_puller(deployment: HandlerFleet, *, hurried: bool = False) -> None:
    """A pull worker is killed in the middle: another gets the job within 60 s of its last heartbeat."""
    deployment.api.declare("metal.create", handler="pull")
    args = {"service_id": "s", "config": {}}
    job_id = str(deployment.api.ok("POST", "/v1/jobs", {"task": "metal.create", "args": args})["id"])
    url, key = str(deployment.api.http.base_url), deployment.api.key
    with pull_worker(url, key, "killed", hangs=True) as first:
        lost = first.read()
        first.kill()
    if hurried:
        assert deployment.made.ask(STALE)
    asked = {"tasks": ["metal.*"], "max": 1, "wait": 30, "worker": "other"}
    items: list[dict[str, Any]] = []

    def leased() -> bool:
        items.extend(deployment.api.ok("POST", "/v1/leases", asked)["items"])
        return bool(items)

    wait_for(leased, "the lease of another", 75)
    (second,) = items
    assert (lost["job"]["id"], second["job"]["id"], second["job"]["attempt"]) == (job_id, job_id, 2)
    deployment.api.ok("POST", f"/v1/leases/{second['lease']}/complete", {"result": "in time"})
    assert (deployment.api.job(job_id)["result"], deployment.made.ask(OUTCOMES, [job_id])) == (
        "in time",
        [("crashed",)],
    )


def hung_puller(deployment: HandlerFleet) -> None:
    """A pull worker hangs, and is back after another got its job: 409 `lease_lost`, and its result counts nothing."""
    deployment.api.declare("pulled.hang", handler="pull")
    job_id = deployment.api.enqueue("pulled.hang", "x")
    first = deployment.api.lease("hung", "pulled.hang")
    assert deployment.made.ask(STALE)
    second = deployment.api.lease("other", "pulled.hang")
    assert (second["job"]["id"], second["job"]["attempt"]) == (job_id, 2)
    back = deployment.api.call("POST", f"/v1/leases/{first['lease']}/complete", {"result": "afterwards"})
    assert (back.status_code, back.json()["code"]) == (409, "lease_lost")
    deployment.api.ok("POST", f"/v1/leases/{second['lease']}/complete", {"result": "in time"})
    assert deployment.api.job(job_id)["result"] == "in time"


def killed_kontor(deployment: HandlerFleet) -> None:
    """All of Kontor is killed while a pull worker holds a lease: the worker goes on under it."""
    deployment.api.declare("pulled.kept", handler="pull")
    job_id = deployment.api.enqueue("pulled.kept", "x")
    leased = deployment.api.lease("steady", "pulled.kept")
    deployment.kill("web", "relay", "worker")
    deployment.until_served()
    deployment.api.ok("POST", f"/v1/leases/{leased['lease']}/heartbeat")
    deployment.api.ok("POST", f"/v1/leases/{leased['lease']}/complete", {"result": 1})
    job = deployment.api.job(job_id)
    assert (job["state"], job["attempt"], job["result"]) == ("succeeded", 1, 1)


def handler_down_for_a_day(deployment: HandlerFleet) -> None:
    """A handler is down for a day of the test clock: no attempt is burnt, and its lane goes on in order."""
    port, task = free_port(), "down.day"
    deployment.declare_push(task, handler={"push": f"http://127.0.0.1:{port}/kontor"}, lane="handler")
    ids = [deployment.api.enqueue(task, f"down-{number}") for number in range(5)]
    wait_for(lambda: deployment.made.ask(TRIES, [ids[0]])[0][0] > 0, "a call that nobody answers")
    start = datetime.fromisoformat(deployment.api.ok("GET", "/v1/clock")["now"])
    for hour in range(1, HOURS + 1):
        before = deployment.made.ask(TRIES, [ids[0]])[0][0]
        deployment.api.ok("POST", "/v1/clock", {"now": (start + timedelta(hours=hour)).isoformat()})
        wait_for(lambda tries=before: deployment.made.ask(TRIES, [ids[0]])[0][0] > tries, f"the probe of hour {hour}")  # type: ignore[misc]  # a default holds the loop's value
    assert {deployment.api.job(job_id)["attempt"] for job_id in ids} == {0}
    handler = ScriptedHandler()
    with serving(handler, port):
        up = start + timedelta(hours=HOURS + 1)
        deployment.api.ok("POST", "/v1/clock", {"now": up.isoformat(), "settle": True})
        jobs = [deployment.ended(job_id) for job_id in ids]
    assert {(job["state"], job["attempt"]) for job in jobs} == {("succeeded", 1)}
    assert [call.data["job_id"] for call in handler.calls] == ids


def trade(deployment: HandlerFleet, programme: str, paid: str) -> str:
    """Apply the cloud programme, its types pushed to the handler; return a reseller with money."""
    for verb in ("create", "renew", "suspend", "resume", "change", "terminate"):
        deployment.declare_push(f"cloud.{verb}")
    deployment.api.declare("metal.create", handler="pull", time_limit="1m")
    headers = {"Authorization": f"Bearer {deployment.api.key}", "Content-Type": "application/yaml"}
    body = PROGRAMME.read_bytes()
    deployment.api.http.post(f"/v1/programmes/{programme}", content=body, headers=headers).raise_for_status()
    return reseller_of(deployment, programme, paid)


def reseller_of(deployment: HandlerFleet, programme: str, paid: str) -> str:
    """Make a reseller of the programme with a payment of today."""
    api, number = deployment.api, uuid4().hex[:8]
    new = {"programme": programme, "name": f"Reseller {number}", "admin_email": f"r{number}@shop.example"}
    reseller = str(api.ok("POST", "/v1/accounts", new)["id"])
    api.ok("POST", f"/v1/accounts/{reseller}/become-reseller")
    paid_at = datetime.fromisoformat(api.ok("GET", f"/v1/accounts/{reseller}")["created_at"])
    payment = {
        "amount": {"amount": paid, "currency": "EUR"},
        "paid_at": paid_at.isoformat(),
        "reference": "P-1",
        "kind": "payment",
    }
    api.ok("POST", f"/v1/resellers/{reseller}/payments", payment)
    return reseller


def raced_orders(deployment: HandlerFleet) -> None:
    """Fifty orders at once with one `order_ref`: one order, one service, one job, charged once."""
    reseller, api = trade(deployment, "cloud", "100.00"), deployment.api
    body = {"product": "server", "order_ref": "raced", "config": {"region": "eu"}}
    path = f"/v1/resellers/{reseller}/orders"
    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(lambda _: api.call("POST", path, body), range(RACERS)))
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({(answer.json()["id"], answer.json()["service_id"]) for answer in answers}) == 1
    service = answers[0].json()["service_id"]
    wait_for(lambda: api.ok("GET", f"/v1/services/{service}")["state"] == "active", "the service")
    (line,) = [
        line for line in api.ok("GET", f"/v1/resellers/{reseller}/account-book")["items"] if line["kind"] == "order"
    ]
    assert line["amount"]["amount"] == "-30.00"
    assert len(_about(deployment.handler, service)) == 1


def _about(handler: ScriptedHandler, service: str) -> list[HandlerCall]:
    return [call for call in handler.calls if call.data.get("args", {}).get("service_id") == service]


ROWS = (
    *(Row(f"push handler answered, not recorded: {killed.name}", killed) for killed in KILLED),
    Row("pull worker killed", killed_puller),
    Row("pull worker hung and back", hung_puller),
    Row("all of Kontor killed while a lease is held", killed_kontor),
    Row(f"{RACERS} orders raced with one order_ref", raced_orders),
    Row("handler down for a day", handler_down_for_a_day, clock=True),
)
