"""Stories of cloud: services that a push handler and pull workers make, renewals, a billing system's calls."""

from dataclasses import dataclass
from typing import Final

from devtools.demo.deployment import LAST_OF_FEBRUARY, NEXT_DAY, THIRTY_DAYS_ON, check, check_equal
from devtools.demo.provisioning import pull_worker
from devtools.demo.stories.hosting import order, pay
from devtools.demo.stories.sales import states
from devtools.demo.story import DemoAccount, Steps, Story, StoryRun
from devtools.demo.world import Answer, World

PASSWORD: Final = "correct-horse-battery"  # noqa: S105 -- of a server that the demo makes up
EU: Final = {"region": "eu"}


def service_of(world: World, service_id: str, state: str) -> Answer:
    """Return a service and check its state. Raises DemoFailed."""
    service = world.get(f"/v1/services/{service_id}")
    check_equal("the service's state", service["state"], state)
    return service


def balance(world: World, reseller: DemoAccount) -> str:
    """Return the balance of a reseller's account book."""
    return str(world.get(f"/v1/resellers/{reseller.id}/account-book")["balance"]["amount"])


def pushed(world: World, run: StoryRun) -> Steps:
    """A server is ordered, made by a push handler and mailed."""
    provisioner = world.provisioner()
    reseller = run.create_reseller("Serverhaus")
    client = run.create_client(reseller, "Blumen")
    pay(world, reseller, "100.00", currency="EUR")
    config = {**EU, "root_password": PASSWORD}
    placed = order(world, reseller, "C-1", "server", account_id=client.id, config=config)
    check_equal("the order repeated", order(world, reseller, "C-1", "server")["id"], placed["id"])
    yield world.now
    service = service_of(world, placed["service_id"], "active")
    (call,) = provisioner.calls(service["id"])
    check_equal("the call's webhook-id", call["webhook-id"], service["jobs"][0]["job"])
    check_equal("the password that the handler got", call["data"]["args"]["config"]["root_password"], PASSWORD)
    check_equal("the password of the result", service["result"]["root_password"], "***")
    for path in (f"/v1/services/{service['id']}", f"/v1/jobs/{call['webhook-id']}", f"/v1/orders/{placed['id']}"):
        check(f"no password in {path}", PASSWORD not in str(world.get(path)))
    world.received_mail("service-active", reseller.id, reseller.address)
    heard = [call["data"]["service_id"] for call in world.listener.received.calls if call["type"] == "service.active"]
    check("the webhook arrived", service["id"] in heard)
    check_equal("the balance", balance(world, reseller), "70.00")
    return f"ordered for 30.00, made by one signed call ({service['result']['host']}), mailed; the password is masked"


def killed(world: World, run: StoryRun) -> Steps:
    """A pull worker is killed in the middle of a job; another gets the same job."""
    world.provisioner()
    reseller = run.create_reseller("Rechenhalle")
    pay(world, reseller, "100.00", currency="EUR")
    key = world.post("/v1/keys", {"name": "metal", "scopes": ["work:metal.*"]}, expect=201)["secret"]
    placed = order(world, reseller, "M-1", "metal")
    with pull_worker(world.deployment.url, key, "rack-1", hangs=True) as first:
        lost = first.read()
        service_of(world, placed["service_id"], "pending")
        first.kill()
    with pull_worker(world.deployment.url, key, "rack-2") as second:
        again, done = second.read(), second.read()
    check_equal("the job of the second worker", again["job"]["id"], lost["job"]["id"])
    check_equal("the job that was completed", done["completed"], lost["job"]["id"])
    with world.client(key) as worker:
        answer = worker.post(f"/v1/leases/{lost['lease']}/complete", json={"result": {}})
    check_equal("the first lease", (answer.status_code, answer.json()["code"]), (409, "lease_lost"))
    yield world.now
    service = service_of(world, placed["service_id"], "active")
    attempts = world.get(f"/v1/jobs/{lost['job']['id']}")["attempts"]
    check_equal("the attempts", [attempt["outcome"] for attempt in attempts], ["crashed", "succeeded"])
    check_equal("the balance", balance(world, reseller), "10.00")
    world.received_mail("service-active", reseller.id, reseller.address)
    return f"rack-1 was killed, rack-2 got the same job and made {service['result']['host']}; charged once"


def renewed(world: World, run: StoryRun) -> Steps:
    """A renewal at the lower discount of the next day."""
    world.provisioner()
    reseller = run.create_reseller("Wolkenwerk")
    pay(world, reseller, "600.00", "2025-12-20T12:00:00+01:00", currency="EUR")
    pay(world, reseller, "500.00", "2026-01-05T12:00:00+01:00", currency="EUR")
    placed = order(world, reseller, "C-1", "server", config=EU)
    check_equal("the order at 20 %", placed["net"]["amount"], "24.00")
    tomorrow = world.get(f"/v1/resellers/{reseller.id}/discount")["tomorrow"]
    check_equal("tomorrow", (tomorrow["tier"], tomorrow["keep_with"]["amount"]), ("Silver", "500.00"))
    yield NEXT_DAY
    service = placed["service_id"]
    world.post(f"/v1/services/{service}/renew", {"order_ref": "C-1-again"})
    world.post(f"/v1/services/{service}/renew", {"order_ref": "C-1-again"})
    yield world.now
    check_equal("paid until", service_of(world, service, "active")["paid_until"], "2026-03-20")
    check_equal("the balance after a renewal at 10 %", balance(world, reseller), "1049.00")
    world.post(f"/v1/services/{service}/terminate", {"reason": "moved"})
    yield world.now
    service_of(world, service, "ended")
    return "ordered at 20 % for 24.00, renewed a day later at 10 % for 27.00, once though asked twice"


def uncovered(world: World, run: StoryRun) -> Steps:
    """A renewal that the balance does not cover: mailed, suspended after the grace, resumed by a payment."""
    provisioner = world.provisioner()
    reseller = run.create_reseller("Nebelbank")
    pay(world, reseller, "40.00", currency="EUR")
    service = order(world, reseller, "C-1", "server", config=EU)["service_id"]
    yield THIRTY_DAYS_ON
    check("the service is unpaid", service_of(world, service, "active")["unpaid_since"])
    world.received_mail("balance-low", reseller.id, reseller.address)
    run.report("10.00 left for a renewal of 30.00: mailed, three days of grace")
    yield LAST_OF_FEBRUARY
    check_equal("suspended by", service_of(world, service, "suspended")["suspended_by"], ["unpaid"])
    world.received_mail("service-suspended", reseller.id, reseller.address)
    pay(world, reseller, "25.00", currency="EUR")
    yield world.now
    check_equal("paid until", service_of(world, service, "active")["paid_until"], "2026-03-28")
    check_equal("the balance", balance(world, reseller), "5.00")
    world.post(f"/v1/services/{service}/terminate", {})
    yield world.now
    document = service_of(world, service, "ended")
    asked = ["create", "suspend", "renew", "resume", "terminate"]
    check_equal("what the handler was asked", provisioner.verbs(service), asked)
    return f"{states(document)}; 25.00 more renewed it at once, for a term from that day"


@dataclass(frozen=True, slots=True)
class BillingModule:
    """What the module of a billing system does: plain calls with its reseller's key, the item's id as `external_id`."""

    world: World
    reseller: DemoAccount
    key: str

    def call(self, method: str, path: str, body: Answer = None) -> Answer:
        """Call the API. Raises DemoFailed on a refusal."""
        with self.world.client(self.key) as api:
            answer = api.request(method, path, json=body)
        check(f"{method} {path}: {answer.status_code} {answer.text[:200]}", answer.is_success)
        return answer.json()

    def open(self, item: str) -> Answer:
        """Order the item's service; the same item is the same order."""
        new = {"product": "server", "order_ref": f"item {item}", "external_id": item, "config": EU}
        return self.call("POST", f"/v1/resellers/{self.reseller.id}/orders", new)

    def service(self, item: str) -> Answer:
        """Return the item's service."""
        (service,) = self.call("GET", f"/v1/services?external_id={item}")["items"]
        return service

    def ask(self, item: str, verb: str) -> None:
        """Ask something of the item's service."""
        self.call("POST", f"/v1/services/{self.service(item)['id']}/{verb}", {"reason": "billing"})


def billed(world: World, run: StoryRun) -> Steps:
    """A billing system opens, suspends, resumes and closes a service by its own item's id."""
    provisioner = world.provisioner()
    reseller = run.create_reseller("Rechnungshof")
    pay(world, reseller, "30.00", currency="EUR")
    scopes = {"name": "billing", "scopes": ["read", "enqueue"], "reseller_id": reseller.id}
    billing = BillingModule(world, reseller, world.post("/v1/keys", scopes, expect=201)["secret"])
    check_equal("the item opened twice", billing.open("item-17")["id"], billing.open("item-17")["id"])
    for verb, state in (("suspend", "active"), ("resume", "suspended"), ("terminate", "active")):
        yield world.now
        check_equal(f"the state before {verb}", billing.service("item-17")["state"], state)
        billing.ask("item-17", verb)
    yield world.now
    service = service_of(world, billing.service("item-17")["id"], "ended")
    calls = provisioner.calls(service["id"])
    asked = [(call["data"]["task"], call["data"]["args"]["external_id"]) for call in calls]
    expected = [(f"cloud.{verb}", "item-17") for verb in ("create", "suspend", "resume", "terminate")]
    check_equal("what the handler was asked", asked, expected)
    check_equal("the balance", balance(world, reseller), "0.00")
    return f"{states(service)}, by plain calls with the item's id; opened twice is one order"


STORIES: Final = (
    Story("cloud", "server made by a push handler", pushed),
    Story("cloud", "pull worker killed", killed),
    Story("cloud", "renewal at tomorrow's discount", renewed),
    Story("cloud", "renewal without money", uncovered),
    Story("cloud", "a billing system's calls", billed),
)
