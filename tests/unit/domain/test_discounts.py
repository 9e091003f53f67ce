from datetime import date
from decimal import Decimal

import pytest

from kontor.discounts.rules import (
    SuppressedBy,
    SuppressedPromotion,
    needs_approval,
    price_charge,
    price_order,
    promotion_applies,
    reseller_percent,
)
from kontor.kernel.money import Money
from kontor.programme.model import (
    Discount,
    FlatDiscount,
    ManagedBy,
    NoDiscount,
    Product,
    Promotion,
    Tier,
    TurnoverDiscount,
)

TODAY = date(2026, 5, 10)
TIER = Tier("Starter", Decimal(500), {"vps": Decimal(3), "ssl": Decimal(0)})
TURNOVER = TurnoverDiscount(("vps", "ssl"), (TIER,))
SPRING = Promotion("SPRING", Decimal(10), (), None, None)
SUMMER = Promotion("SUMMER", Decimal(25), (), None, None)


def product(family: str | None = "vps") -> Product:
    return Product("vps-small", "VPS", {}, family, None, None, None, ManagedBy.ADMIN, None, False)


def roubles(amount: str) -> Money:
    return Money(Decimal(amount), "RUB")


def ordered(rules: Discount, tier: Tier | None, *promotions: Promotion, family: str | None = "vps") -> tuple[str, ...]:
    priced = price_order(roubles("100"), product(family), rules, tier, promotions, TODAY)
    left_out = (f"{promotion.code} by {promotion.by.value}" for promotion in priced.suppressed)
    return f"{priced.net.amount}", f"{priced.percent}", *left_out


def test_turnover_discount_above_zero_suppresses_even_a_better_promotion() -> None:
    assert ordered(TURNOVER, TIER, SPRING, SUMMER) == ("97.00", "3", "SPRING by turnover", "SUMMER by turnover")


def test_turnover_discount_of_zero_suppresses_nothing() -> None:
    assert ordered(TURNOVER, TIER, SPRING, family="ssl") == ("90.00", "10")
    assert ordered(TURNOVER, None, SPRING) == ("90.00", "10")
    assert ordered(TURNOVER, TIER, SPRING, family=None) == ("90.00", "10")


def test_discounts_do_not_add_up_and_the_greatest_applies() -> None:
    assert ordered(FlatDiscount(Decimal(20)), None, SPRING, SUMMER) == ("75.00", "25", "SPRING by better")
    assert ordered(FlatDiscount(Decimal(20)), None, SPRING) == ("80.00", "20", "SPRING by better")
    assert ordered(NoDiscount(), None) == ("100.00", "0")


def test_resellers_discount_applies_when_discounts_are_equal() -> None:
    assert ordered(FlatDiscount(Decimal(10)), None, SPRING) == ("90.00", "10", "SPRING by better")


def test_turnover_discount_of_one_per_cent_suppresses_promotions() -> None:
    tier = Tier("One", Decimal(1), {"vps": Decimal("0.5"), "ssl": Decimal(1)})

    assert ordered(TURNOVER, tier, SPRING, family="ssl") == ("99.00", "1", "SPRING by turnover")
    assert ordered(TURNOVER, tier, SPRING) == ("99.50", "0.5", "SPRING by turnover")


def test_suppressed_promotion_is_recorded_with_its_percentage() -> None:
    priced = price_order(roubles("100"), product(), TURNOVER, TIER, [SPRING], TODAY)

    assert priced.suppressed == (SuppressedPromotion("SPRING", Decimal(10), SuppressedBy.TURNOVER),)


@pytest.mark.parametrize(
    ("first", "last", "products", "good"),
    [
        (None, None, (), True),
        (TODAY, TODAY, ("vps-small",), True),
        (date(2026, 5, 11), None, (), False),
        (None, date(2026, 5, 9), (), False),
        (None, None, ("vps-large",), False),
    ],
)
def test_promotion_applies_within_its_days_and_to_its_products(
    first: date | None, last: date | None, products: tuple[str, ...], good: bool
) -> None:
    assert promotion_applies(Promotion("X", Decimal(5), products, first, last), "vps-small", TODAY) is good


def test_flat_discount_applies_to_everything_and_turnover_discount_to_families() -> None:
    assert reseller_percent(FlatDiscount(Decimal(20)), None, None) == 20
    assert reseller_percent(TURNOVER, "vps", TIER) == 3
    assert reseller_percent(TURNOVER, None, TIER) == 0
    assert reseller_percent(NoDiscount(), "vps", TIER) == 0


def test_charge_is_rounded_once_and_list_less_discount_is_net() -> None:
    priced = price_charge(Money(Decimal("0.05"), "EUR"), Decimal(50))

    assert (str(priced.net), str(priced.discount)) == ("0.03 EUR", "0.02 EUR")


@pytest.mark.parametrize(
    ("resellers", "moved", "waits"),
    [(99, 99, False), (100, 30, False), (100, 31, True), (1000, 300, False), (1000, 301, True)],
)
def test_run_with_too_many_moves_needs_approval(resellers: int, moved: int, waits: bool) -> None:
    assert needs_approval(resellers, moved, Decimal(30)) is waits
