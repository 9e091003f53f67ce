"""Resellers with plans and products behind the HTTP API, a worker and a scheduler in the test's own thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from adapters.clock_fakes import ManualClock
from engine.schedules import declare, fire_due
from models.events import DomainEvent
from models.mails import Mail
from services import programme_files
from store.schema import ROOT
from tasks.timetable import timetable
from tests.api_world import Api
from tests.console_engine import Works, works

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
class FeeWorld:
    """Everything goes through the API; `go` moves the clock and runs what is due."""

    api: Api
    works: Works
    clock: ManualClock
    key: str
    made: int = 0

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One committed transaction."""
        with self.api.deps.sessions() as session:
            yield session
            session.commit()

    def apply(self, code: str, source: str | None = None) -> None:
        """Apply an example programme, or a text under its code; the scheduler hears of it."""
        text = source or (ROOT / "examples" / "programmes" / f"{code}.yaml").read_text()
        with self.transaction() as session:
            programme_files.apply(session, code, text, now=self.clock.now(), actor="test")
        self.fire()

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
        self.clock.advance(wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - self.clock.now())
        self.settle()

    def fire(self) -> None:
        """What the scheduler does, once."""
        with self.transaction() as session:
            declare(session, timetable(session), self.clock.now())
            fire_due(session, self.works.inline.jobs, self.clock.now())

    def settle(self) -> None:
        """Fire what is due and run it."""
        self.fire()
        self.works.inline.drain()

    def mails(self, template: str) -> list[Mail]:
        """The mails of that kind, oldest first."""
        with self.transaction() as session:
            return list(session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))

    def events(self, event_type: str = "charge.created") -> list[DomainEvent]:
        """The events of that type, in order."""
        with self.transaction() as session:
            found = select(DomainEvent).where(DomainEvent.type == event_type).order_by(DomainEvent.seq)
            return list(session.scalars(found))

    def run(self, statement: str, **values: Any) -> list[Any]:
        """What a statement finds or does."""
        with self.transaction() as session:
            result = session.execute(sql(statement), values)
            return list(result.all()) if result.returns_rows else []  # type: ignore[attr-defined]  # of a cursor


@contextmanager
def fee_world(api: Api, clock: ManualClock) -> Iterator[FeeWorld]:
    """The world with `booking`, `telephony` and `house` applied."""
    with works(api.deps) as found:
        world = FeeWorld(api, found, clock, api.key())
        for code in ("booking", "telephony"):
            world.apply(code)
        world.apply("house", HOUSE)
        yield world
