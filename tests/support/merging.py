"""Two resellers with data in every table, behind the API, with a worker in the test's thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.fees import FeeScenario, fee_scenario, money

LINE = {"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}
OWNED_TABLES = (
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
class MergeScenario:
    """`old` will be merged into `new`; both belong to the same programme."""

    fees: FeeScenario
    old: str = ""
    new: str = ""

    def call(self, line: str, body: Any = None) -> httpx.Response:
        """Send any request with the unbound key."""
        return self.fees.call(line, body)

    def ok(self, line: str, body: Any = None) -> Any:
        """Send a request that must succeed; returns the parsed body."""
        return self.fees.api.ok(line, body, key=self.fees.key)

    def open(self, programme: str) -> None:
        """Create the resellers Elbe and Weser of a programme."""
        if programme not in {"booking", "telephony", "house"}:
            self.fees.apply(programme)
        self.old, self.new = self.fees.reseller(programme, "Elbe"), self.fees.reseller(programme, "Weser")

    def template(self, reseller: str, name: str) -> str:
        """Create an offer template; returns its id."""
        body = {"reseller_id": reseller, "name": name, "lines": [LINE]}
        return str(self.ok("POST /v1/offer-templates", body)["id"])

    def offer(self, reseller: str, client: str) -> str:
        """Set the client's instance and send an offer; returns its id."""
        self.ok(f"PUT /v1/accounts/{client}/instance", {"url": "https://customer.example/hook"})
        body = {"reseller_id": reseller, "account_id": client, "lines": [LINE]}
        return str(self.ok("POST /v1/offers", body)["id"])

    def pay(self, reseller: str, amount: str, reference: str, currency: str = "RUB") -> httpx.Response:
        """Post a payment dated now."""
        payment = {"amount": money(amount, currency), "paid_at": self.fees.clock.now().isoformat()}
        return self.call(
            f"POST /v1/resellers/{reseller}/payments", {**payment, "reference": reference, "kind": "payment"}
        )

    def dry_run(self) -> Any:
        """Dry-run the merge."""
        return self.ok(f"POST /v1/resellers/{self.old}/merge", {"into": self.new, "dry_run": True})

    def merge(self) -> Any:
        """Request the merge and run it; returns the job."""
        response = self.request()
        assert response.status_code == 202, response.text
        self.fees.worker.inline.drain()
        return self.ok(f"GET /v1/jobs/{response.json()['job_id']}")

    def request(self) -> httpx.Response:
        """Request the merge."""
        return self.call(f"POST /v1/resellers/{self.old}/merge", {"into": self.new})

    def owned(self, reseller: str) -> dict[str, int]:
        """Count the rows of each table that belong to a reseller."""
        return {
            table: self.fees.rows(f"SELECT count(*) FROM {table} WHERE reseller_id = :id", id=reseller)[0][0]
            for table in OWNED_TABLES
        }


@contextmanager
def merge_scenario(api: Api, clock: ManualClock) -> Iterator[MergeScenario]:
    """The scenario without resellers; `open` creates them."""
    with fee_scenario(api, clock) as fees:
        yield MergeScenario(fees)
