"""Random events about the programme file: a price, a percentage, a limit or the tier table changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from typing import Final

from devtools.simulation.actors import Scenario
from devtools.simulation.log import Action
from kontor.kernel.money import Money, round_half_up
from kontor.programme.model import FlatDiscount, Programme, TurnoverDiscount

Changes = dict[str, object]
FACTORS: Final = [Decimal(factor) for factor in ("0.40", "0.75", "0.90", "1.07", "1.20", "1.333", "2.50")]
LIMIT_FACTORS: Final = [Decimal(factor) for factor in ("0.60", "0.90", "1.10", "1.50")]


def apply(scenario: Scenario) -> list[Action]:
    """Apply a changed file that begins now, with a day to come, or at any later instant."""
    programme = scenario.actors.programme
    kind = scenario.choose([each for each in KINDS if each(scenario, programme)])
    if kind is None:
        return []
    changes, effective = kind(scenario, programme), None if kind is limit else _effective(scenario)
    if effective is not None:
        scenario.actors.file_waits_until = max(effective, scenario.actors.file_waits_until or effective)
    return [scenario.new_action("operator", "apply", changes=changes, effective=effective)]


def _effective(scenario: Scenario) -> datetime | None:
    roll = scenario.random.random()
    if roll < 0.5:
        return None
    if roll < 0.8:
        return scenario.local_time(scenario.random.randint(1, 25), time(0))
    return scenario.in_days(0.5, 25)


def plan_price(scenario: Scenario, programme: Programme) -> Changes:
    """Change the price of a paid plan."""
    code = scenario.choose(scenario.actors.paid_plans)
    price = programme.plans[code].price if code else None
    return {f"plans/{code}/price": _scaled(scenario, price)} if price is not None else {}


def wholesale_fee(scenario: Scenario, programme: Programme) -> Changes:
    """Change what a reseller pays for a product each month, perhaps above what its clients pay."""
    code = scenario.choose(sorted(programme.reseller_subscriptions))
    if code is None:
        return {}
    fee = programme.reseller_subscriptions[code].fee
    return {f"subscriptions/reseller/{code}/fee": _scaled(scenario, fee)}


def product_price(scenario: Scenario, programme: Programme) -> Changes:
    """Change the price of a product that is ordered."""
    code = scenario.choose(scenario.actors.one_time_products)
    price = programme.products[code].price if code else None
    return {f"products/{code}/price": _scaled(scenario, price)} if price is not None else {}


def percentage(scenario: Scenario, programme: Programme) -> Changes:
    """Change the flat discount, or the percentages of one row of the tier table."""
    match programme.discount:
        case FlatDiscount():
            return {"discount/percent": scenario.random.randint(5, 60)}
        case TurnoverDiscount(tiers=tiers):
            row = scenario.random.randrange(len(tiers))
            shares = {family: scenario.random.randint(0, 120) / 2 for family in sorted(tiers[row].percent)}
            return {f"discount/tiers/{row}/percent": shares}
        case _:
            return {}


def tier_table(scenario: Scenario, programme: Programme) -> Changes:
    """Move the starts of all rows of the tier table."""
    factor = scenario.random.choice(FACTORS)
    starts = [round_half_up(start * factor, programme.currency) for start in scenario.actors.tier_starts]
    return {f"discount/tiers/{row}/from": str(start) for row, start in enumerate(starts)}


def limit(scenario: Scenario, programme: Programme) -> Changes:
    """Change the limit of a plan, when it is plain which plan everybody is on; accounts above it are mailed at once."""
    waits_until = scenario.actors.file_waits_until
    if scenario.defers_billing or (waits_until is not None and waits_until > scenario.now):
        return {}
    code = scenario.random.choice(sorted(programme.plans))
    limits = {metric: allowed for metric, allowed in sorted(programme.plans[code].limits.items()) if allowed}
    metric = scenario.choose(list(limits))
    if metric is None:
        return {}
    return {f"plans/{code}/limits/{metric}": int((limits[metric] or 0) * scenario.random.choice(LIMIT_FACTORS))}


def _scaled(scenario: Scenario, money: Money) -> str:
    amount = round_half_up(money.amount * scenario.random.choice(FACTORS), money.currency)
    return str(amount)


KINDS: Final[list[Callable[[Scenario, Programme], Changes]]] = [
    plan_price, wholesale_fee, product_price, percentage, tier_table, limit,
]  # fmt: skip
