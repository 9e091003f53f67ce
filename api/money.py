"""Money on the wire: a decimal string and its currency, in and out."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from api.schema import Incoming, Outgoing
from domain.errors import FieldError, Invalid
from domain.money import Money, Sign, parse_money


def _written(value: object) -> object:
    """Numbers lose digits on their way; only text is an amount."""
    if not isinstance(value, str):
        raise PydanticCustomError("invalid_amount", 'is not a decimal string such as "10.00"')
    return value


Amount = Annotated[str, BeforeValidator(_written), Field(max_length=40)]
"""A decimal string, judged when its currency is known."""


class MoneyBody(Incoming):
    """An amount that came in."""

    amount: Amount
    currency: str

    def money(self, currency: str, sign: Sign = Sign.POSITIVE, loc: str = "amount") -> Money:
        """In the currency that is asked for. Raises Invalid (`currency_mismatch`, `invalid_amount`)."""
        if self.currency != currency:
            message = f"Amounts here are in {currency}; nothing is converted."
            raise Invalid("currency_mismatch", message, errors=[FieldError(f"{loc}.currency", message)])
        return parse_money(self.amount, currency, sign, f"{loc}.amount")


class MoneyDoc(Outgoing):
    """An amount that goes out."""

    amount: str
    currency: str

    @classmethod
    def of(cls, money: Money) -> "MoneyDoc":
        """The contract's form."""
        return cls(**money.to_document())
