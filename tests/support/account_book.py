"""Resellers with money facts behind the API, and their account books."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.fees import FeeScenario, fee_scenario, money


@dataclass
class BookScenario:
    """Posts money facts and reads account books; the programme is `house` (EUR, UTC) unless a test says otherwise."""

    fees: FeeScenario
    currency: str = "EUR"

    def call(self, line: str, body: Any = None) -> httpx.Response:
        """Send any request with the unbound key."""
        return self.fees.call(line, body)

    def ok(self, line: str, body: Any = None) -> Any:
        """Send a request that must succeed; returns the parsed body."""
        return self.fees.api.ok(line, body, key=self.fees.key)

    def begin(self, at: datetime) -> None:
        """Set the clock; no schedule fires."""
        self.fees.clock.advance(at - self.fees.clock.now())

    def work(self) -> None:
        """Run every due job; no schedule fires."""
        self.fees.worker.inline.drain()

    def post(self, reseller: str, amount: str, reference: str, kind: str = "payment", **more: Any) -> httpx.Response:
        """Post a payment, dated now."""
        body = {"amount": money(amount, self.currency), "paid_at": self.fees.clock.now().isoformat()}
        return self.call(
            f"POST /v1/resellers/{reseller}/payments", body | {"reference": reference, "kind": kind} | more
        )

    def pay(self, reseller: str, amount: str, reference: str, kind: str = "payment", **more: Any) -> dict[str, Any]:
        """Post a payment that must be new."""
        response = self.post(reseller, amount, reference, kind, **more)
        assert response.status_code == 201, response.text
        payment: dict[str, Any] = response.json()
        return payment

    def order(self, reseller: str, reference: str, product: str = "handset", **more: Any) -> httpx.Response:
        """Place an order."""
        return self.call(f"POST /v1/resellers/{reseller}/orders", {"product": product, "order_ref": reference} | more)

    def merge(self, old: str, new: str) -> None:
        """Merge a reseller into another."""
        self.ok(f"POST /v1/resellers/{old}/merge", {"into": new})
        self.work()
        assert self.fees.shown(old)["kind"] == "regular"

    def turnover(self, reseller: str) -> str:
        """The turnover of today."""
        return str(self.ok(f"GET /v1/resellers/{reseller}/discount")["turnover"]["amount"])

    def account_book(self, reseller: str, query: str = "") -> Any:
        """The account book."""
        return self.ok(f"GET /v1/resellers/{reseller}/account-book?{query}")

    def lines(self, reseller: str, query: str = "") -> list[str]:
        """Format lines as `day kind amount = balance`, in order."""
        return [
            f"{line['day']} {line['kind']} {line['amount']['amount']} = {line['balance']['amount']}"
            for line in self.account_book(reseller, query)["items"]
        ]


@contextmanager
def book_scenario(api: Api, clock: ManualClock, **options: Any) -> Iterator[BookScenario]:
    """The scenario without resellers; `options` are those of the worker."""
    with fee_scenario(api, clock, **options) as fees:
        yield BookScenario(fees)
