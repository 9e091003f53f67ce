from decimal import Decimal

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.errors import Invalid
from kontor.kernel.money import (
    MINOR_UNITS,
    AllowedSign,
    Money,
    UnknownCurrency,
    minor_unit,
    minor_units,
    parse_amount,
    parse_money,
    percent_off,
    round_half_up,
)

currencies = st.sampled_from(["EUR", "RUB", "USD", "JPY", "KWD"])


@st.composite
def moneys(draw: st.DrawFn) -> Money:
    currency = draw(currencies)
    return Money(draw(st.integers(-(10**12), 10**12)) * minor_unit(currency), currency)


def euros(text: str) -> Money:
    return Money(Decimal(text), "EUR")


@pytest.mark.parametrize(("code", "decimals"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("ISK", 0), ("HUF", 2)])
def test_currency_has_the_decimals_of_iso_4217(code: str, decimals: int) -> None:
    assert minor_units(code) == decimals


@pytest.mark.parametrize("code", ["", "eur", "EURO", "XXX", "DEM"])
def test_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        minor_units(code)


def test_every_listed_currency_is_known_to_unicode() -> None:
    assert set(MINOR_UNITS) <= set(Locale("en").currencies)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("10.00", "USD", "10.00"),
        ("10", "USD", "10.00"),
        ("0.5", "USD", "0.50"),
        ("7", "JPY", "7"),
        ("007.10", "EUR", "7.10"),
    ],
)
def test_decimal_string_is_an_amount(text: str, currency: str, amount: str) -> None:
    assert f"{parse_amount(text, currency)}" == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        *((text, "USD") for text in ("", " ", "10.001", "10.000", "1e3", "1E3", "+1", "-1", "NaN", "Infinity", "10.")),
        *(
            (text, "USD")
            for text in (".5", "1,000.00", " 1", "1 ", "1_000", "0x10", "١٢", "--1", "0", "0.00", "9" * 16)
        ),
        ("10.0", "JPY"),
        ("0.0001", "KWD"),
        ("1\n", "USD"),
    ],
)
def test_any_other_text_is_an_invalid_amount(text: str, currency: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_amount(text, currency, loc="price.amount")

    assert caught.value.code == "invalid_amount"
    assert [error.loc for error in caught.value.errors] == ["price.amount"]


def test_zero_and_negative_amounts_are_accepted_only_where_allowed() -> None:
    assert parse_money("0", "EUR", AllowedSign.NOT_NEGATIVE) == Money(Decimal(0), "EUR")
    assert parse_amount("-3.10", "EUR", AllowedSign.ANY) == Decimal("-3.10")
    with pytest.raises(Invalid):
        parse_amount("-0.01", "EUR", AllowedSign.NOT_NEGATIVE)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.005", "0.01"), ("0.0049", "0.00"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("-0.001", "0.00")],
)
def test_rounding_is_half_up_to_the_minor_unit(amount: str, rounded: str) -> None:
    assert str(round_half_up(Decimal(amount), "EUR")) == rounded


def test_money_finer_than_its_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="more decimals"):
        euros("0.001")


def test_two_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot combine"):
        euros("1") + Money(Decimal(1), "USD")


@pytest.mark.parametrize(
    ("price", "percent", "net"),
    [
        ("10.00", "20", "8.00"),
        ("0.05", "50", "0.03"),
        ("99.99", "19", "80.99"),
        ("1.00", "0", "1.00"),
        ("1.00", "100", "0.00"),
        ("10.00", "33.3", "6.67"),
    ],
)
def test_discounted_price_is_rounded_half_up(price: str, percent: str, net: str) -> None:
    assert percent_off(euros(price), Decimal(percent)) == euros(net)


@given(moneys())
def test_money_is_unchanged_after_conversion_to_a_document(money: Money) -> None:
    document = money.to_document()

    assert parse_money(document["amount"], document["currency"], AllowedSign.ANY) == money


@given(moneys(), st.integers(-100, 100))
def test_multiplication_equals_repeated_addition(money: Money, times: int) -> None:
    step = money if times >= 0 else -money

    assert money * times == sum([step] * abs(times), Money(Decimal(0), money.currency))


@given(st.integers(0, 10**9), st.integers(0, 100), st.integers(0, 100))
def test_greater_discount_never_costs_more(cents: int, first: int, other: int) -> None:
    price = Money(cents * minor_unit("EUR"), "EUR")
    low, high = sorted((first, other))

    assert Money(Decimal(0), "EUR") <= percent_off(price, Decimal(high)) <= percent_off(price, Decimal(low)) <= price
