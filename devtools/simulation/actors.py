"""Who takes part in a simulation, and the state the scenario keeps of them without asking the database."""

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
from kontor.programme import Programme
from kontor.programme.model import TurnoverDiscount

LOCALES = ("en", "de", "fr", "ru", "ja")
ZONES = ("", "", "", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe")


@dataclass(slots=True)
class Reseller:
    """A reseller; `size` is about what it pays at once."""

    label: str
    email: str
    locale: str
    zone: str
    size: Decimal
    payments: list[tuple[str, Decimal, datetime]] = field(default_factory=list)


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
class Cast:
    """Everybody, and what is left to do with offers."""

    programme: Programme
    random: Random
    resellers: dict[str, Reseller] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    offers: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, kind: str) -> int:
        """Count on."""
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return self.numbers[kind]

    def living(self) -> list[Client]:
        """Accounts that are not deleted."""
        return [one for one in self.clients.values() if one.deleted is None]

    def attached(self) -> list[Client]:
        """Living clients of a reseller."""
        return [one for one in self.living() if one.reseller is not None]

    @property
    def paid_plans(self) -> list[str]:
        """Plans with a price, cheapest first."""
        plans = [plan for plan in self.programme.plans.values() if plan.price is not None]
        return [plan.code for plan in sorted(plans, key=lambda plan: plan.price.amount if plan.price else 0)]

    @property
    def recurring(self) -> list[str]:
        """Products with a monthly fee that anybody may assign."""
        products = self.programme.products.values()
        return sorted(one.code for one in products if one.recurring and one.reseller is None)

    @property
    def single(self) -> list[str]:
        """Those of them that a reseller may have for one client only."""
        subscriptions = self.programme.reseller_subscriptions
        found = [(code, self.programme.products[code].reseller_subscription) for code in self.recurring]
        return [code for code, wholesale in found if wholesale and not subscriptions[wholesale].multiple]

    @property
    def sold(self) -> list[str]:
        """Products that are sold once."""
        return sorted(one.code for one in self.programme.products.values() if one.price is not None)

    @property
    def bounds(self) -> list[Decimal]:
        """Where tiers begin."""
        discount = self.programme.discount
        return [tier.start for tier in discount.tiers] if isinstance(discount, TurnoverDiscount) else []


T = TypeVar("T")

QUIET_UNTIL = time(1, 30)
"""Until then the daily work of a local day may not be over: who pays what of that day would be anybody's guess."""


@dataclass(slots=True)
class Plot:
    """The story up to `now` (aware). Ideas return the actions that happen at this very instant."""

    cast: Cast
    random: Random
    now: datetime
    stopped: bool = False
    later: list[tuple[datetime, int, Idea]] = field(default_factory=list)
    _sequence: int = 0

    def act(self, actor: str, action: str, **values: Any) -> Action:
        """An action of this instant."""
        return Action(self.now, actor, action, values)

    def plan(self, at: datetime, idea: Idea) -> None:
        """Come back to something at a later instant."""
        self._sequence += 1
        heapq.heappush(self.later, (at, self._sequence, idea))

    def due(self, until: datetime) -> Iterator[tuple[datetime, Idea]]:
        """What was planned for before `until`, in order; what it plans in turn included."""
        while self.later and self.later[0][0] < until:
            at, _, idea = heapq.heappop(self.later)
            yield at, idea

    def pick(self, choices: Sequence[T]) -> T | None:
        """Any of them, or None when there is none."""
        return self.random.choice(choices) if choices else None

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return self.random.random() < probability

    def in_days(self, low: float, high: float) -> datetime:
        """A second between so many days from now."""
        return self.now + timedelta(seconds=int(self.random.uniform(low, high) * 86_400))

    @property
    def quiet(self) -> bool:
        """Whether what changes who pays what has to wait: the first hours of a local day, and while nothing runs."""
        local = self.now.astimezone(self.cast.programme.zone)
        return self.stopped or local.time() < QUIET_UNTIL

    def wall(self, day_offset: int, at: time) -> datetime:
        """A time on the programme's wall, so many days from today."""
        day = self.now.astimezone(self.cast.programme.zone).date() + timedelta(days=day_offset)
        return localize(datetime.combine(day, at), self.cast.programme.zone)


Idea = Callable[[Plot], list[Action]]
