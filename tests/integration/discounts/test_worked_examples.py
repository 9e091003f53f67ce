"""The binding examples of programme.md section 6, through the public API, to the kopeck."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kontor.programme.model import Programme, Tier, TurnoverDiscount
from kontor.programme.parse import parse
from tests.support.discounts import FAMILIES, DiscountScenario, moscow
from workers.migrations import ROOT

EXAMPLES = [
    ("52000 2026-01-05", "2026-01-20", "52000.00: 19 / 7 / 3"),
    ("52000 2026-01-05, 50000 2026-01-21", "2026-01-21", "102000.00: 21 / 8 / 5"),
    ("3000 2025-12-20, 49000 2026-01-05", "2026-01-20", "52000.00: 19 / 7 / 3"),
    ("3000 2025-12-20, 49000 2026-01-05", "2026-01-21", "49000.00: 17 / 6 / 3"),
    ("3000 2025-12-20, 49000 2026-01-05, 50000 2026-01-21", "2026-01-21", "99000.00: 19 / 7 / 3"),
    ("3000 2025-12-20, 49000 2026-01-05, 51000 2026-01-21", "2026-01-21", "100000.00: 21 / 8 / 5"),
    ("2999.99 2026-01-21", "2026-01-21", "2999.99: 3 / 1 / 1"),
    ("149500 2026-01-21", "2026-01-21", "149500.00: 21 / 8 / 5"),
    ("499.99 2026-01-21", "2026-01-21", "499.99: none"),
]
SECOND = timedelta(seconds=1)
WINDOWS = {
    "2026-01-01": "2025-12-01",
    "2026-03-28": "2026-02-28",
    "2026-03-29": "2026-02-28",
    "2026-03-30": "2026-02-28",
    "2026-03-31": "2026-02-28",
    "2028-02-29": "2028-01-29",
    "2028-03-31": "2028-02-29",
}
CLAMPED = {"2026-03-28", "2026-03-29", "2026-03-30"}
"""Days after which the window does not move on."""


def tiers() -> tuple[Tier, ...]:
    """The tiers of the example programme."""
    programme = parse((ROOT / "examples" / "programmes" / "hosting.yaml").read_text())
    assert isinstance(programme, Programme)
    assert isinstance(programme.discount, TurnoverDiscount)
    return programme.discount.tiers


def shares(tier: Tier | None) -> str:
    """Format percentages as the examples print them."""
    return " / ".join(str(tier.percent[family]) for family in FAMILIES) if tier else "none"


def enter(world: DiscountScenario, ledger: str) -> str:
    """Create a reseller with these payments."""
    reseller = world.reseller()
    for payment in ledger.split(", "):
        amount, day = payment.split()
        world.pay(reseller, amount, day)
    return reseller


@pytest.mark.parametrize(("ledger", "day", "expected"), EXAMPLES)
def test_worked_example_holds_on_its_day_and_in_retrospect(
    world: DiscountScenario, ledger: str, day: str, expected: str
) -> None:
    world.reach(moscow(f"{day}T18:00:00"))
    reseller = enter(world, ledger)
    assert world.shares(reseller) == expected
    world.settle()
    assert world.discount(reseller)["recorded"]["tier"] == world.discount(reseller)["tier"]
    world.reach(moscow("2026-06-01"))
    assert world.shares(reseller, f"as_of={day}") == expected


def test_window_opens_and_closes_at_midnight_in_moscow(world: DiscountScenario) -> None:
    world.reach(moscow("2028-04-30"))
    for day, first in WINDOWS.items():
        reseller = world.reseller(f"R{day}")
        for wall in (f"{first}T00:00:00", f"{first}T23:59:59", f"{day}T00:00:00", f"{day}T23:59:59.999999"):
            world.pay(reseller, "1000.01", wall)
        for outside in (moscow(f"{first}T00:00:00") - SECOND, moscow(f"{day}T23:59:59") + SECOND):
            assert world.post(reseller, "7000.00", outside).status_code == 201
        discount = world.discount(reseller, f"as_of={day}")
        assert discount["window"] == {"from": first, "to": day}
        assert (discount["turnover"]["amount"], len(discount["payments"])) == ("4000.04", 4)
        assert world.shares(reseller, f"as_of={day}") == "4000.04: 5 / 1 / 1"


def test_discount_lasts_to_the_last_second_of_its_day_in_moscow(world: DiscountScenario) -> None:
    for day, first in WINDOWS.items():
        world.reach(moscow(f"{day}T00:00:00"))
        reseller = world.reseller(f"R{day}")
        world.pay(reseller, "500", f"{first}T00:00:00")
        assert world.shares(reseller) == "500.00: 3 / 1 / 1"
        world.reach(moscow(f"{day}T23:59:59"))
        assert world.shares(reseller) == "500.00: 3 / 1 / 1"
        tomorrow = world.discount(reseller)["tomorrow"]
        stays = day in CLAMPED
        assert (tomorrow["tier"], len(tomorrow["leaving"])) == (("Starter", 0) if stays else (None, 1))
        world.reach(moscow(f"{day}T23:59:59") + SECOND)
        assert world.shares(reseller) == ("500.00: 3 / 1 / 1" if stays else "0.00: none")


def test_every_tier_begins_exactly_at_its_bound(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-21"))
    table = (None, *tiers(), None)
    assert len(table) == 19
    for below, tier, above in zip(table, table[1:-1], table[2:], strict=False):
        assert tier is not None
        for kopecks, reached, following in ((-1, below, tier), (0, tier, above), (1, tier, above)):
            amount = f"{tier.start + Decimal(kopecks) / 100:.2f}"
            reseller = world.reseller(f"{tier.start}{kopecks:+}")
            world.pay(reseller, amount, "2026-01-20")
            assert world.shares(reseller) == f"{amount}: {shares(reached)}"
            coming = world.discount(reseller)["next_tier"]
            missing = f"{following.start - Decimal(amount):.2f}" if following else None
            assert (coming and coming["missing"]["amount"]) == missing
