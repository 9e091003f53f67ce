"""Resellers with plans and products behind the HTTP API, a worker and a scheduler in the test's own thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from adapters.clock_fakes import ManualClock
from models.events import DomainEvent
from tests.api_world import Api
from tests.console_engine import works
from tests.live_world import LiveWorld

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
  house-line:
    name: House line
    family: video
    managed_by: reseller
    reseller: Elbe
    account_subscription: house-retail
    reseller_subscription: house-wholesale
  handset:
    name: Handset
    price: "20.00"
""".replace("Line, wholesale", '"Line, wholesale"').replace("House line, wholesale", '"House line, wholesale"')


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    """Money on the wire."""
    return {"amount": amount, "currency": currency}


@dataclass
class FeeWorld(LiveWorld):
    """Accounts with plans and products."""

    def account(self, programme: str, name: str | None = None) -> str:
        """A new regular account's id."""
        self.made += 1
        name = name or f"Account {self.made}"
        new = {"programme": programme, "name": name, "admin_email": f"a{self.made}@shop.example", "password": "a" * 12}
        return str(self.api.ok("POST /v1/accounts", new, key=self.key)["id"])

    def reseller(self, programme: str, name: str = "Elbe") -> str:
        """A new reseller's id."""
        return str(
            self.api.ok(f"POST /v1/accounts/{self.account(programme, name)}/become-reseller", key=self.key)["id"]
        )

    def client(self, reseller: str, name: str | None = None) -> str:
        """A new client's id."""
        self.made += 1
        new = {"name": name or f"Client {self.made}", "admin_email": f"c{self.made}@client.example"}
        return str(self.api.ok(f"POST /v1/resellers/{reseller}/clients", new, key=self.key)["id"])

    def call(self, line: str, body: Any = None) -> httpx.Response:
        """Any call with the unbound key."""
        return self.api.call(line, body, key=self.key)

    def take(self, account: str, plan: str) -> dict[str, Any]:
        """Put an account on a plan."""
        found: dict[str, Any] = self.api.ok(f"PUT /v1/accounts/{account}/subscription", {"plan": plan}, key=self.key)
        return found

    def cancel(self, account: str) -> dict[str, Any]:
        """Cancel a plan."""
        found: dict[str, Any] = self.api.ok(f"DELETE /v1/accounts/{account}/subscription", key=self.key)
        return found

    def assign(self, account: str, product: str, **more: Any) -> httpx.Response:
        """Assign a product."""
        return self.call(f"POST /v1/accounts/{account}/products", {"product": product} | more)

    def unassign(self, account: str, product: str) -> dict[str, Any]:
        """End an assignment."""
        found: dict[str, Any] = self.api.ok(f"DELETE /v1/accounts/{account}/products/{product}", key=self.key)
        return found

    def assigned(self, account: str) -> list[str]:
        """The products assigned to an account."""
        return [one["product"] for one in self.api.ok(f"GET /v1/accounts/{account}/products", key=self.key)["items"]]

    def charges(self, who: str, query: str = "") -> list[dict[str, Any]]:
        """The charges of `resellers/ID` or `accounts/ID`."""
        found: list[dict[str, Any]] = self.api.ok(f"GET /v1/{who}/charges?{query}", key=self.key)["items"]
        return found

    def bill(self, who: str, query: str = "") -> list[str]:
        """Charges as `first day - end: product fee - discount = total`, in order."""
        return [
            f"{one['period_start']} - {one['period_end']}: {one['product']} {one['fee']['amount']}"
            f" - {one['discount']['amount']} = {one['total']['amount']}"
            for one in self.charges(who, query)
        ]

    def starts(self, who: str, query: str = "") -> list[str]:
        """The first days of charged periods."""
        return [one["period_start"] for one in self.charges(who, query)]

    def shown(self, account: str) -> dict[str, Any]:
        """The account."""
        found: dict[str, Any] = self.api.ok(f"GET /v1/accounts/{account}", key=self.key)
        return found

    def go(self, day: str, zone: str = "UTC") -> None:
        """Let it be noon of a day, or the instant, on the wall clock of a zone; then what is due is done."""
        wall = datetime.fromisoformat(day if len(day) > 10 else f"{day}T12:00:00")
        self.reach(wall.replace(tzinfo=ZoneInfo(zone)))

    def events(self, event_type: str = "charge.created") -> list[DomainEvent]:
        """The events of that type, in order."""
        return self.told(event_type)


@contextmanager
def fee_world(api: Api, clock: ManualClock) -> Iterator[FeeWorld]:
    """The world with `booking`, `telephony` and `house` applied."""
    with works(api.deps) as found:
        world = FeeWorld(api, found, clock, api.key())
        for code in ("booking", "telephony"):
            world.apply(code)
        world.apply("house", HOUSE)
        yield world
