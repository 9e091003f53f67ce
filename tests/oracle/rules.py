"""The oracle's view of a programme file: plain YAML, no checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

NO_DECIMALS = ("JPY", "KRW")


@dataclass(frozen=True)
class TierRow:
    """A row of the tier table."""

    name: str
    start: Decimal
    percent: dict[str, Decimal]


@dataclass(frozen=True)
class Sold:
    """A product: bought once, or assigned monthly for a wholesale fee. `verbs`: those with a task of their own."""

    code: str
    family: str | None
    price: Decimal | None
    fee: Decimal | None
    multiple: bool
    term: str = ""
    grace: int = 0
    renewal: str = "manual"
    verbs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Code:
    """A promo code or campaign; both days included."""

    name: str
    percent: Decimal
    products: tuple[str, ...]
    first: date | None
    last: date | None


@dataclass(frozen=True)
class Rules:
    """The part of a programme that the oracle needs."""

    document: Mapping[str, Any]
    zone: ZoneInfo
    currency: str
    prices: dict[str, Decimal | None]
    limits: dict[str, dict[str, int | None]]
    trial_days: int | None
    reminders: tuple[int, ...]
    warning: Decimal
    paid_periods: bool
    discount: str
    flat: Decimal
    families: tuple[str, ...]
    tiers: tuple[TierRow, ...]
    products: dict[str, Sold]
    codes: dict[str, Code]
    campaigns: dict[str, Code]
    offer_days: int
    credit: Decimal | None

    @property
    def free(self) -> str:
        """The plan without a price."""
        return next(name for name, price in self.prices.items() if price is None)

    def metrics(self) -> list[str]:
        """Every metric that any plan limits."""
        return sorted({metric for limits in self.limits.values() for metric in limits})

    def rounded(self, amount: Decimal) -> Decimal:
        """Round half up to the currency's minor unit."""
        unit = Decimal(1) if self.currency in NO_DECIMALS else Decimal("0.01")
        return amount.quantize(unit, ROUND_HALF_UP)


def decimal(value: object) -> Decimal:
    """A number in the file."""
    return Decimal(str(value))


def code_of(name: str, values: dict[str, Any]) -> Code:
    """A promotion in the file."""
    return Code(
        name, decimal(values["percent"]), tuple(values.get("products", ())), values.get("from"), values.get("until")
    )  # fmt: skip


def sold(code: str, values: dict[str, Any], wholesale: dict[str, Any]) -> Sold:
    """A product in the file."""
    subscription = wholesale.get(values.get("reseller_subscription", ""))
    return Sold(
        code,
        values.get("family"),
        decimal(values["price"]) if "price" in values else None,
        decimal(subscription["fee"]) if subscription else None,
        bool(subscription.get("multiple", False)) if subscription else False,
        values.get("term", ""),
        int(values.get("grace", "P0D")[1:-1]),
        values.get("renewal", "manual"),
        frozenset(values.get("provisioning", {})),
    )


def limits_of(plan: dict[str, Any]) -> dict[str, int | None]:
    """`unlimited` is None."""
    return {metric: None if limit == "unlimited" else int(limit) for metric, limit in plan.get("limits", {}).items()}


def credit_of(billing: dict[str, Any]) -> Decimal | None:
    """How far below zero an order may take a balance; None: no limit."""
    if "credit_limit" in billing:
        return decimal(billing["credit_limit"])
    return Decimal(0) if billing.get("mode") == "prepaid" else None


def read_rules(path: Path) -> Rules:
    """Read a programme file."""
    return rules_of(yaml.safe_load(path.read_text("utf-8")))


def rules_of(values: Mapping[str, Any]) -> Rules:
    """The rules of a file's document."""
    discount = values.get("discount", {"kind": "none"})
    wholesale = values.get("subscriptions", {}).get("reseller", {})
    trial, quota = values.get("trial"), values.get("quota", {})
    plans = values["plans"]
    return Rules(
        document=values,
        zone=ZoneInfo(values["timezone"]),
        currency=values["currency"],
        prices={code: decimal(plan["price"]) if "price" in plan else None for code, plan in plans.items()},
        limits={code: limits_of(plan) for code, plan in plans.items()},
        trial_days=int(trial["days"]) if trial else None,
        reminders=tuple(trial.get("reminders", ())) if trial else (),
        warning=decimal(quota.get("warning", 80)),
        paid_periods=quota.get("period") == "paid_period",
        discount=discount["kind"],
        flat=decimal(discount.get("percent", 0)),
        families=tuple(discount.get("families", ())),
        tiers=tuple(
            TierRow(row["name"], decimal(row["from"]), {f: decimal(p) for f, p in row["percent"].items()})
            for row in discount.get("tiers", ())
        ),
        products={code: sold(code, product, wholesale) for code, product in values.get("products", {}).items()},
        codes={name: code_of(name, product) for name, product in values.get("promo_codes", {}).items()},
        campaigns={name: code_of(name, product) for name, product in values.get("campaigns", {}).items()},
        credit=credit_of(values.get("billing", {})),
        offer_days=int(values.get("offers", {}).get("expire_after_days", 30)),
    )
