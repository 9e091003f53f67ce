"""The actors of a simulation and the scenario's own record of their state, kept without the database."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from devtools.simulation.log import Action
from kontor.kernel.zones import localize
from kontor.programme.model import Programme, TurnoverDiscount

LOCALES = ("en", "de", "fr", "ru", "ja")
ZONES = ("", "", "", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe")


@dataclass(slots=True)
class Reseller:
    """A reseller; `size` is the usual amount of its payments."""

    label: str
    email: str
    locale: str
    zone: str
    size: Decimal
    payments: list[tuple[str, Decimal, datetime]] = field(default_factory=list)
    deleted: datetime | None = None


@dataclass(slots=True)
class Client:
    """A client, or a regular account (`reseller` None)."""

    label: str
    email: str
    reseller: str | None
    password: str = ""
    instance: bool = False
    down: bool = False
    trial_ends: datetime | None = None
    plan: str | None = None
    products: set[str] = field(default_factory=set)
    levels: dict[str, int] = field(default_factory=dict)
    reports: list[dict[str, object]] = field(default_factory=list)
    deleted: datetime | None = None


@dataclass(slots=True)
class Actors:
    """All resellers, clients and offers so far, by label."""

    programme: Programme
    random: Random
    resellers: dict[str, Reseller] = field(default_factory=dict)
    merged: list[Reseller] = field(default_factory=list)
    former: dict[str, Reseller] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    offers: dict[str, str] = field(default_factory=dict)
    services: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    file_waits_until: datetime | None = None

    def next_number(self, kind: str) -> int:
        """Return the next number of a kind, from 1."""
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return self.numbers[kind]

    def active_accounts(self) -> list[Client]:
        """Return the accounts that are not deleted."""
        return [client for client in self.clients.values() if client.deleted is None]

    def active_clients(self) -> list[Client]:
        """Return the clients of resellers that are not deleted."""
        return [client for client in self.active_accounts() if client.reseller is not None]

    @property
    def paid_plans(self) -> list[str]:
        """Plans with a price, cheapest first."""
        plans = [plan for plan in self.programme.plans.values() if plan.price is not None]
        return [plan.code for plan in sorted(plans, key=lambda plan: plan.price.amount if plan.price else 0)]

    @property
    def recurring_products(self) -> list[str]:
        """Products with a monthly fee that every reseller may assign."""
        products = self.programme.products.values()
        return sorted(product.code for product in products if product.recurring and product.reseller is None)

    @property
    def exclusive_products(self) -> list[str]:
        """Recurring products that a reseller may assign to one client only."""
        subscriptions = self.programme.reseller_subscriptions
        wholesale = [(code, self.programme.products[code].reseller_subscription) for code in self.recurring_products]
        return [code for code, name in wholesale if name and not subscriptions[name].multiple]

    @property
    def one_time_products(self) -> list[str]:
        """Products with a one-time price."""
        products = self.programme.products.values()
        return sorted(
            product.code for product in products if product.price is not None and not product.provisioning.tasks
        )

    @property
    def provisioned_products(self) -> list[str]:
        """Products that a handler makes for a term."""
        products = self.programme.products.values()
        return sorted(each.code for each in products if each.provisioning.tasks and each.provisioning.term)

    @property
    def tier_starts(self) -> list[Decimal]:
        """The turnover at which each tier starts; empty without a turnover discount."""
        discount = self.programme.discount
        return [tier.start for tier in discount.tiers] if isinstance(discount, TurnoverDiscount) else []


T = TypeVar("T")

QUIET_UNTIL = time(1, 30)
"""Before this local time the daily run may be unfinished, so the payer of a charge would not be determined."""


@dataclass(slots=True)
class Scenario:
    """The state of the scenario at `now` (aware) and the events planned for later."""

    actors: Actors
    random: Random
    now: datetime
    stopped: bool = False
    planned: list[tuple[datetime, int, RandomEvent]] = field(default_factory=list)
    _sequence: int = 0

    def new_action(self, actor: str, action: str, **values: Any) -> Action:
        """Return an action at the current instant."""
        return Action(self.now, actor, action, values)

    def schedule(self, at: datetime, event: RandomEvent) -> None:
        """Plan an event for a later instant."""
        self._sequence += 1
        heapq.heappush(self.planned, (at, self._sequence, event))

    def due(self, until: datetime) -> Iterator[tuple[datetime, RandomEvent]]:
        """Yield the events planned before `until` in order, including those planned meanwhile."""
        while self.planned and self.planned[0][0] < until:
            at, _, event = heapq.heappop(self.planned)
            yield at, event

    def choose(self, choices: Sequence[T]) -> T | None:
        """Return a random choice; None without choices."""
        return self.random.choice(choices) if choices else None

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.random.random() < probability

    def in_days(self, low: float, high: float) -> datetime:
        """Return a random instant between `low` and `high` days from now."""
        return self.now + timedelta(seconds=int(self.random.uniform(low, high) * 86_400))

    @property
    def defers_billing(self) -> bool:
        """Whether events that change a payer must wait: early on a local day, and while the deployment is stopped."""
        local = self.now.astimezone(self.actors.programme.zone)
        return self.stopped or local.time() < QUIET_UNTIL

    def local_time(self, day_offset: int, at: time) -> datetime:
        """Return a local time of the programme's zone, `day_offset` days from today."""
        day = self.now.astimezone(self.actors.programme.zone).date() + timedelta(days=day_offset)
        return localize(datetime.combine(day, at), self.actors.programme.zone)


RandomEvent = Callable[[Scenario], list[Action]]
"""Returns the actions that happen at the scenario's current instant; may plan further events."""
