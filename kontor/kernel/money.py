"""Money: a decimal amount with its currency, never finer than the currency's minor unit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from types import MappingProxyType
from typing import Final

from kontor.kernel.errors import FieldError, Invalid

_AMOUNT = re.compile(r"-?\d{1,15}(?:\.\d+)?", re.ASCII)
HUNDRED: Final = Decimal(100)


class AllowedSign(Enum):
    """Allowed signs of an amount."""

    POSITIVE = "above zero"
    NOT_NEGATIVE = "zero or above"
    ANY = "of either sign"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole minor units of an ISO 4217 currency."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if self.amount != round_half_up(self.amount, self.currency):
            raise ValueError(f"{self.amount} {self.currency} has more decimals than the currency")
        object.__setattr__(self, "amount", round_half_up(self.amount, self.currency))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.amount * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def to_document(self) -> dict[str, str]:
        """Return the contract's form: `{"amount": "10.00", "currency": "USD"}`."""
        return {"amount": f"{self.amount:f}", "currency": self.currency}

    def _same(self, other: "Money") -> Decimal:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} and {other.currency}")
        return other.amount


def minor_unit(currency: str) -> Decimal:
    """Return one minor unit: 0.01, 1 or 0.001."""
    return Decimal(1).scaleb(-minor_units(currency))


def round_half_up(amount: Decimal, currency: str) -> Decimal:
    """Round to the currency's minor unit, halves away from zero."""
    rounded = amount.quantize(minor_unit(currency), ROUND_HALF_UP)
    return rounded or abs(rounded)


def parse_amount(text: str, currency: str, sign: AllowedSign = AllowedSign.POSITIVE, loc: str = "amount") -> Decimal:
    """Parse a decimal string of the contract; raises `Invalid` with code `invalid_amount`.

    Refuses exponents, NaN, spaces, more decimals than the currency has, more than 15 digits
    before the point, and a minus sign unless `sign` is `ANY`.
    """
    problem = _problem(text, minor_units(currency), sign)
    if problem:
        raise Invalid("invalid_amount", f"The amount {problem}.", errors=[FieldError(loc, problem)])
    return round_half_up(Decimal(text), currency)


def parse_money(text: str, currency: str, sign: AllowedSign = AllowedSign.POSITIVE, loc: str = "amount") -> Money:
    """Parse as `parse_amount` does, with the currency."""
    return Money(parse_amount(text, currency, sign, loc), currency)


def percent_off(price: Money, percent: Decimal) -> Money:
    """Return the price minus 0-100 percent, rounded half up."""
    return Money(round_half_up(price.amount * (HUNDRED - percent) / HUNDRED, price.currency), price.currency)


def _problem(text: str, decimals: int, sign: AllowedSign) -> str | None:
    if not _AMOUNT.fullmatch(text):
        return "is not a plain decimal number"
    if len(text.partition(".")[2]) > decimals:
        return f"has more than {decimals} decimals"
    if sign is not AllowedSign.ANY and text.startswith("-"):
        return "is negative"
    if sign is AllowedSign.POSITIVE and not Decimal(text):
        return "is zero"
    return None


_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB "
    "BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP "
    "DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL "
    "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO "
    "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG "
    "SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD "
    "TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG "  # codespell:ignore zar
)
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

MINOR_UNITS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(_TWO.split(), 2) | dict.fromkeys(_NONE.split(), 0) | dict.fromkeys(_THREE.split(), 3)
)


class UnknownCurrency(ValueError):
    """The code is not an ISO 4217 currency."""


def minor_units(currency: str) -> int:
    """Return the number of decimals of a currency; raises `UnknownCurrency`."""
    try:
        return MINOR_UNITS[currency]
    except KeyError:
        raise UnknownCurrency(f"unknown currency {currency!r}") from None
