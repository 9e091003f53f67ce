"""Totals of orders that the books could not hold."""

from dataclasses import replace
from decimal import Decimal

import pytest

from kontor.kernel.errors import Invalid
from kontor.kernel.money import Money
from kontor.orders import pricing
from kontor.programme.model import Programme
from kontor.programme.parse import parse
from tests.support.wiring import EXAMPLES


def test_total_is_refused_with_its_field_when_it_has_more_than_15_digits() -> None:
    programme = parse((EXAMPLES / "hosting.yaml").read_text())
    assert isinstance(programme, Programme)
    product = replace(programme.products["vps-small"], price=Money(Decimal(10) ** 9, "RUB"))
    assert pricing.list_price(product, 999_999).amount == Decimal(999_999) * 10**9
    with pytest.raises(Invalid) as refused:
        pricing.list_price(product, 1_000_000)
    assert [error.loc for error in refused.value.errors] == ["quantity"]
