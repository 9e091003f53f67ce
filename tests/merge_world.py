"""Two resellers with something of everything, behind the API, and a worker in the test's own thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from adapters.clock_fakes import ManualClock
from tests.api_world import Api
from tests.fee_world import FeeWorld, fee_world, money

LINE = {"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}
OWNED = (
    "accounts",
    "offers",
    "offer_templates",
    "payments",
    "charges",
    "webhook_endpoints",
    "orders",
    "discounts",
    "product_edits",
)


@dataclass
class MergeWorld:
    """`old` is to be merged into `new`; both are of the same programme."""

    fees: FeeWorld
    old: str = ""
    new: str = ""

    def call(self, line: str, body: Any = None) -> httpx.Response:
        """Any call with the unbound key."""
        return self.fees.call(line, body)

    def ok(self, line: str, body: Any = None) -> Any:
        """The document of an answer that must be good."""
        return self.fees.api.ok(line, body, key=self.fees.key)

    def open(self, programme: str) -> None:
        """Elbe and Weser, resellers of a programme."""
        if programme not in {"booking", "telephony", "house"}:
            self.fees.apply(programme)
        self.old, self.new = self.fees.reseller(programme, "Elbe"), self.fees.reseller(programme, "Weser")

    def template(self, reseller: str, name: str) -> str:
        """A new template's id."""
        body = {"reseller_id": reseller, "name": name, "lines": [LINE]}
        return str(self.ok("POST /v1/offer-templates", body)["id"])

    def offer(self, reseller: str, client: str) -> str:
        """A new offer's id, its customer's instance set."""
        self.ok(f"PUT /v1/accounts/{client}/instance", {"url": "https://customer.example/hook"})
        body = {"reseller_id": reseller, "account_id": client, "lines": [LINE]}
        return str(self.ok("POST /v1/offers", body)["id"])

    def pay(self, reseller: str, amount: str, reference: str, currency: str = "RUB") -> httpx.Response:
        """Enter a payment of now."""
        paid = {"amount": money(amount, currency), "paid_at": self.fees.clock.now().isoformat()}
        return self.call(f"POST /v1/resellers/{reseller}/payments", {**paid, "reference": reference, "kind": "payment"})

    def dry_run(self) -> Any:
        """What the merge would do."""
        return self.ok(f"POST /v1/resellers/{self.old}/merge", {"into": self.new, "dry_run": True})

    def merge(self) -> Any:
        """Ask for it, let the worker do it; returns the job."""
        asked = self.ask()
        assert asked.status_code == 202, asked.text
        self.fees.works.inline.drain()
        return self.ok(f"GET /v1/jobs/{asked.json()['job_id']}")

    def ask(self) -> httpx.Response:
        """Ask for it."""
        return self.call(f"POST /v1/resellers/{self.old}/merge", {"into": self.new})

    def owned(self, reseller: str) -> dict[str, int]:
        """How many rows of each table name a reseller."""
        return {
            table: self.fees.rows(f"SELECT count(*) FROM {table} WHERE reseller_id = :id", id=reseller)[0][0]
            for table in OWNED
        }


@contextmanager
def merge_world(api: Api, clock: ManualClock) -> Iterator[MergeWorld]:
    """The API and a worker."""
    with fee_world(api, clock) as fees:
        yield MergeWorld(fees)
