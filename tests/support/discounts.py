"""Resellers of `hosting` behind the HTTP API, with a worker and a scheduler in the test's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from subprocess import CompletedProcess
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.api_scenario import ApiScenario
from tests.support.worker import running_worker

MOSCOW = ZoneInfo("Europe/Moscow")
FAMILIES = ("vps", "dedicated", "ssl")
Import = Callable[..., CompletedProcess[str]]
OPENING = datetime(2025, 12, 1, tzinfo=UTC)


def moscow(text: str) -> datetime:
    """Parse an instant in Moscow time; a bare date means its noon."""
    wall = datetime.fromisoformat(text if len(text) > 10 else f"{text}T12:00:00")
    return wall.replace(tzinfo=MOSCOW)


def roubles(amount: str) -> dict[str, str]:
    """Build an amount in RUB as the API takes it."""
    return {"amount": amount, "currency": "RUB"}


INSERT_RESELLERS = """
WITH made AS (
    INSERT INTO accounts (id, programme, name, name_key, kind, admin_email, email_key, locale, timezone, created_at)
    SELECT gen_random_uuid(), 'hosting', name, lower(name), 'reseller', name || '@shop.example',
        lower(name) || '@shop.example', 'ru', 'Europe/Moscow', :now
    FROM (SELECT 'R' || to_char(:paid_at, 'MMDD') || '-' || lpad(n::text, 4, '0') AS name
        FROM generate_series(1, :count) AS n) AS named
    RETURNING id
)
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
SELECT gen_random_uuid(), id, id, 'first', 'payment', :amount, 'RUB', :paid_at, :now FROM made
RETURNING id
"""


@dataclass
class DiscountScenario(ApiScenario):
    """Resellers and their payments."""

    def reseller(self, name: str = "Volga", programme: str = "hosting") -> str:
        """Create a reseller; returns its id."""
        new = {"programme": programme, "name": name, "admin_email": f"{name}@shop.example"}
        account = self.api.ok("POST /v1/accounts", new, key=self.key)
        return str(self.api.ok(f"POST /v1/accounts/{account['id']}/become-reseller", key=self.key)["id"])

    def post(self, reseller: str, amount: str, paid_at: datetime, **more: Any) -> httpx.Response:
        """Post a payment with a unique reference."""
        self.made += 1
        body = {
            "amount": roubles(amount),
            "paid_at": paid_at.isoformat(),
            "reference": f"P-{self.made}",
            "kind": "payment",
        }
        return self.api.call(f"POST /v1/resellers/{reseller}/payments", body | more, key=self.key)

    def pay(self, reseller: str, amount: str, day: str, **more: Any) -> dict[str, Any]:
        """Post a payment that must be accepted."""
        response = self.post(reseller, amount, moscow(day), **more)
        assert response.status_code == 201, response.text
        payment: dict[str, Any] = response.json()
        return payment

    def top_up(self, reseller: str, amount: str = "100000") -> None:
        """Pay long ago: it covers orders and is in no turnover window."""
        self.pay(reseller, amount, "2025-01-10")

    def discount(self, reseller: str, query: str = "") -> Any:
        """The discount as the API shows it; `query` such as `as_of=2026-01-20`."""
        return self.api.ok(f"GET /v1/resellers/{reseller}/discount?{query}", key=self.key)

    def shares(self, reseller: str, query: str = "") -> str:
        """Format turnover and percentages as the worked examples print them."""
        discount = self.discount(reseller, query)
        percent = " / ".join(str(discount["percent"][family]) for family in FAMILIES)
        return f"{discount['turnover']['amount']}: {percent if discount['tier'] else 'none'}"

    def many(self, count: int, paid_on: str, amount: str = "500.00") -> None:
        """Insert `count` resellers that each paid an amount on a Moscow day."""
        self.rows(INSERT_RESELLERS, count=count, paid_at=moscow(paid_on), amount=Decimal(amount), now=self.clock.now())

    def recorded(self) -> list[Any]:
        """(name, tier, turnover) of every reseller with a record, by name."""
        rows = self.rows("SELECT a.name, d.tier, d.turnover FROM discounts d JOIN accounts a ON a.id = d.reseller_id")
        return sorted(tuple(row) for row in rows)

    def runs(self) -> list[dict[str, Any]]:
        """Runs, newest first."""
        return list(self.api.ok("GET /v1/discount-runs", key=self.key)["items"])

    def events(self, event_type: str = "discount.changed") -> list[dict[str, Any]]:
        """The data of all events of a type, in order."""
        return [event.data for event in self.domain_events(event_type)]


@contextmanager
def discount_scenario(api: Api, clock: ManualClock) -> Iterator[DiscountScenario]:
    """The scenario with `hosting` applied."""
    with running_worker(api.deps) as worker:
        world = DiscountScenario(api, worker, clock, api.key())
        world.apply("hosting")
        yield world
