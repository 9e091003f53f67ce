"""Services behind the HTTP API: products that pull workers provision, played by the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from kontor.adapters.fakes import ManualClock
from tests.support.account_book import BookScenario, book_scenario
from tests.support.api import Api
from tests.support.fees import HOUSE

VERBS = ("create", "renew", "suspend", "resume", "change", "terminate")
SERVER = """
  server:
    name: Server
    family: voice
    price: "30.00"
    provisioning: {create: srv.create, renew: srv.renew, suspend: srv.suspend, resume: srv.resume, change: srv.change,
      terminate: srv.terminate}
    config: {type: object, properties: {region: {enum: [eu, us]}, password: {type: string, writeOnly: true},
      pin: {type: string, writeOnly: true}}}
    term: P1M
    renewal: auto
    grace: P3D
  certificate:
    name: Certificate
    price: "12.00"
    term: P1Y
    renewal: none
"""
PREPAID = "billing: {mode: prepaid}\n"
SOURCE = HOUSE.replace("plans:\n", PREPAID + "plans:\n", 1).replace("products:\n", "products:\n" + SERVER[1:], 1)
TYPE: dict[str, Any] = {
    "args": {"type": "object", "properties": {"config": {"properties": {"password": {"writeOnly": True}}}}},
    "handler": "pull",
    "lane": "none",
    "crash": "rerun",
    "retry": {"max_attempts": 1},
}


@dataclass
class ServiceScenario:
    """A reseller with money, its client, and a pull worker that does what it is asked to."""

    books: BookScenario
    reseller: str
    client: str
    work_key: str
    orders: int = 0

    @property
    def api(self) -> Api:
        """The API."""
        return self.books.fees.api

    def call(self, line: str, body: Any = None, key: str | None = None) -> httpx.Response:
        """Send any request, with the unbound key unless another is named."""
        return self.api.call(line, body, key=key or self.books.fees.key)

    def ok(self, line: str, body: Any = None, key: str | None = None) -> Any:
        """Send a request that must succeed."""
        answer = self.call(line, body, key)
        assert answer.is_success, answer.text
        return answer.json()

    def refused(self, line: str, body: Any = None, key: str | None = None) -> tuple[int, str]:
        """Send a request that must be refused; return status and code."""
        answer = self.call(line, body, key)
        assert not answer.is_success, answer.text
        return answer.status_code, answer.json()["code"]

    def order(self, **more: Any) -> dict[str, Any]:
        """Order a server for the client; return the order."""
        self.orders += 1
        body = {"product": "server", "order_ref": f"O-{self.orders}", "account_id": self.client} | more
        order: dict[str, Any] = self.ok(f"POST /v1/resellers/{self.reseller}/orders", body)
        return order

    def service(self, service_id: str, key: str | None = None) -> dict[str, Any]:
        """Return a service."""
        document: dict[str, Any] = self.ok(f"GET /v1/services/{service_id}", key=key)
        return document

    def ask(self, service_id: str, verb: str, **body: Any) -> dict[str, Any]:
        """Ask something of a service that must be taken."""
        document: dict[str, Any] = self.ok(f"POST /v1/services/{service_id}/{verb}", body)
        return document

    def lease(self) -> dict[str, Any] | None:
        """Lease the next job of a service; None when there is none."""
        self.books.work()
        asked = {"tasks": ["srv.*"], "max": 1, "wait": 0, "worker": "puller"}
        items = self.ok("POST /v1/leases", asked, key=self.work_key)["items"]
        return items[0] if items else None

    def finish(self, verb: str, **end: Any) -> dict[str, Any]:
        """Do the next job, which is of a verb, with a result; or fail it for good with an `error`. Return its args."""
        item = self.lease()
        assert item is not None, f"no job of {verb} waits"
        assert item["job"]["task"] == f"srv.{verb}"
        if "error" in end:
            self.ok(f"POST /v1/leases/{item['lease']}/fail", {"permanent": True, **end}, key=self.work_key)
        else:
            self.ok(f"POST /v1/leases/{item['lease']}/complete", {"result": end.get("result")}, key=self.work_key)
        args: dict[str, Any] = item["job"]["args"]
        return args

    def active(self, **more: Any) -> str:
        """Order a server and make it; return the service's id."""
        service_id = str(self.order(**more)["service_id"])
        self.finish("create", result={"host": "a.example"})
        return service_id

    def state(self, service_id: str) -> str:
        """Return the state of a service."""
        return str(self.service(service_id)["state"])

    def balance(self) -> str:
        """Return the balance of the reseller's account book."""
        return str(self.books.account_book(self.reseller)["balance"]["amount"])

    def go(self, day: str) -> None:
        """Move to noon of a day and run everything due."""
        self.books.fees.go(day)

    def events(self, prefix: str) -> list[str]:
        """Return the types of domain events with a prefix, in order."""
        rows = self.books.fees.rows(
            "SELECT type FROM domain_events WHERE type LIKE :like ORDER BY seq", like=f"{prefix}%"
        )
        return [row[0] for row in rows]


@contextmanager
def service_scenario(
    api: Api, clock: ManualClock, push: str | None = None, **options: Any
) -> Iterator[ServiceScenario]:
    """A reseller with 100 EUR and a client, on 1 December 2025. `push`: the address of a handler, instead of pullers.

    `options` are those of the worker.
    """
    handler = {} if push is None else {"handler": {"push": push}, "lane": "handler"}
    with book_scenario(api, clock, **options) as books:
        fees = books.fees
        fees.apply("house", SOURCE)
        for verb in VERBS:
            api.ok(f"PUT /v1/task-types/srv.{verb}", TYPE | handler)
        reseller = fees.reseller("house", "Weser")
        books.pay(reseller, "100.00", "P-1")
        yield ServiceScenario(books, reseller, fees.client(reseller), api.key("work"))
