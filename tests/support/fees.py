"""Resellers with plans and products behind the HTTP API, with a worker and a scheduler in the test's thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from kontor.adapters.fakes import ManualClock
from models.webhooks import DomainEvent
from tests.support.api import Api
from tests.support.api_scenario import ApiScenario
from tests.support.worker import running_worker

OPENING = datetime(2025, 12, 1, tzinfo=UTC)
ZONES = {"booking": "Europe/Paris", "telephony": "America/New_York", "hosting": "Europe/Moscow", "house": "UTC"}
HOUSE = """
name: House
locale: en
currency: EUR
timezone: UTC
terms: {version: "1"}
sender: {name: House, address: noreply@house.example}
plans:
  free: {name: Free}
discount:
  kind: turnover
  families: [voice, video]
  tiers:
    - {name: "100", from: 100, percent: {voice: 10, video: 0}}
    - {name: "200", from: 200, percent: {voice: 25.5, video: 5}}
subscriptions:
  account:
    line-retail: {name: Line, fee: "9.99", shared: true}
    house-retail: {name: House line, fee: "4.00", shared: false}
  reseller:
    line-wholesale: {name: Line, wholesale, fee: "3.33", multiple: true}
    house-wholesale: {name: House line, wholesale, fee: "2.00", multiple: true}
products:
  line:
    name: Line
    family: voice
    shared: true
    account_subscription: line-retail
    reseller_subscription: line-wholesale
  handset:
    name: Handset
    price: "20.00"
""".replace("Line, wholesale", '"Line, wholesale"').replace("House line, wholesale", '"House line, wholesale"')
HOUSE_LINE = """
  house-line:
    name: House line
    family: video
    managed_by: reseller
    reseller: {reseller}
    account_subscription: house-retail
    reseller_subscription: house-wholesale
"""
"""The product of the reseller Elbe, once it exists."""


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    """Build an amount as the API takes it."""
    return {"amount": amount, "currency": currency}


@dataclass
class FeeScenario(ApiScenario):
    """Accounts with plans and products."""

    def account(self, programme: str, name: str | None = None) -> str:
        """Create a regular account; returns its id."""
        self.made += 1
        name = name or f"Account {self.made}"
        new = {"programme": programme, "name": name, "admin_email": f"a{self.made}@shop.example", "password": "a" * 12}
        return str(self.api.ok("POST /v1/accounts", new, key=self.key)["id"])

    def reseller(self, programme: str, name: str = "Elbe") -> str:
        """Create a reseller; returns its id."""
        account = self.account(programme, name)
        self.api.ok(f"POST /v1/accounts/{account}/become-reseller", key=self.key)
        if (programme, name) == ("house", "Elbe"):
            self.apply("house", HOUSE + HOUSE_LINE.format(reseller=account))
        return account

    def client(self, reseller: str, name: str | None = None) -> str:
        """Create a client; returns its id."""
        self.made += 1
        new = {"name": name or f"Client {self.made}", "admin_email": f"c{self.made}@client.example"}
        return str(self.api.ok(f"POST /v1/resellers/{reseller}/clients", new, key=self.key)["id"])

    def call(self, line: str, body: Any = None) -> httpx.Response:
        """Send any request with the unbound key."""
        return self.api.call(line, body, key=self.key)

    def take(self, account: str, plan: str) -> dict[str, Any]:
        """Put an account on a plan."""
        subscription: dict[str, Any] = self.api.ok(
            f"PUT /v1/accounts/{account}/subscription", {"plan": plan}, key=self.key
        )
        return subscription

    def cancel(self, account: str) -> dict[str, Any]:
        """Cancel a plan."""
        subscription: dict[str, Any] = self.api.ok(f"DELETE /v1/accounts/{account}/subscription", key=self.key)
        return subscription

    def assign(self, account: str, product: str, **more: Any) -> httpx.Response:
        """Assign a product."""
        return self.call(f"POST /v1/accounts/{account}/products", {"product": product} | more)

    def unassign(self, account: str, product: str) -> dict[str, Any]:
        """End an assignment."""
        assignment: dict[str, Any] = self.api.ok(f"DELETE /v1/accounts/{account}/products/{product}", key=self.key)
        return assignment

    def assigned(self, account: str) -> list[str]:
        """The products assigned to an account."""
        return [row["product"] for row in self.api.ok(f"GET /v1/accounts/{account}/products", key=self.key)["items"]]

    def charges(self, who: str, query: str = "") -> list[dict[str, Any]]:
        """The charges of `resellers/ID` or `accounts/ID`."""
        charges: list[dict[str, Any]] = self.api.ok(f"GET /v1/{who}/charges?{query}", key=self.key)["items"]
        return charges

    def bill(self, who: str, query: str = "") -> list[str]:
        """Format charges as `first day - end: product fee - discount = total`, credits as their total, in order."""
        return [
            f"{row['period_start']} - {row['period_end']}: "
            + (
                f"credit {row['product']} {row['total']['amount']}"
                if row["kind"] == "credit"
                else f"{row['product']} {row['fee']['amount']} - {row['discount']['amount']} = {row['total']['amount']}"
            )
            for row in self.charges(who, query)
        ]

    def quote(self, account: str, plan: str) -> tuple[str, str, str]:
        """Ask what a change of plan would charge and credit, and when."""
        body = {"plan": plan, "dry_run": True}
        said = self.api.ok(f"PUT /v1/accounts/{account}/subscription", body, key=self.key)
        return said["charge"]["amount"], said["credit"]["amount"], said["at"]

    def void(self, charge: str) -> httpx.Response:
        """Void a charge."""
        return self.call(f"POST /v1/charges/{charge}/void", {"reason": "mistake"})

    def starts(self, who: str, query: str = "") -> list[str]:
        """The first days of charged periods."""
        return [row["period_start"] for row in self.charges(who, query)]

    def shown(self, account: str) -> dict[str, Any]:
        """The account."""
        document: dict[str, Any] = self.api.ok(f"GET /v1/accounts/{account}", key=self.key)
        return document

    def go(self, day: str, zone: str = "UTC") -> None:
        """Move the clock to noon of a day, or to an instant, in local time of a zone; then run everything due."""
        wall = datetime.fromisoformat(day if len(day) > 10 else f"{day}T12:00:00")
        self.reach(wall.replace(tzinfo=ZoneInfo(zone)))

    def events(self, event_type: str = "charge.created") -> list[DomainEvent]:
        """All events of a type, in order."""
        return self.domain_events(event_type)


@contextmanager
def fee_scenario(api: Api, clock: ManualClock, **options: Any) -> Iterator[FeeScenario]:
    """The scenario with `booking`, `telephony` and `house` applied."""
    with running_worker(api.deps, **options) as worker:
        world = FeeScenario(api, worker, clock, api.key())
        for code in ("booking", "telephony"):
            world.apply(code)
        world.apply("house", HOUSE)
        yield world
