"""Who takes part in a simulation, as the script remembers them. It never asks the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random

from domain.programme import Programme
from domain.programme.model import TurnoverDiscount

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
