"""Request and response models of money: a decimal string and its currency."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from api.schema import RequestModel, ResponseModel
from domain.errors import FieldError, Invalid
from domain.money import Money, Sign, parse_money


def _require_text(value: object) -> object:
    """Reject JSON numbers, which lose digits."""
    if not isinstance(value, str):
        raise PydanticCustomError("invalid_amount", 'is not a decimal string such as "10.00"')
    return value


AmountText = Annotated[str, BeforeValidator(_require_text), Field(max_length=40)]
"""A decimal string, validated once its currency is known."""


class MoneyIn(RequestModel):
    """An amount in a request."""

    amount: AmountText
    currency: str

    def money(self, currency: str, sign: Sign = Sign.POSITIVE, loc: str = "amount") -> Money:
        """Parse the amount in the given currency. Raises Invalid (`currency_mismatch`, `invalid_amount`)."""
        if self.currency != currency:
            message = f"Amounts must be in {currency}; there is no conversion."
            raise Invalid("currency_mismatch", message, errors=[FieldError(f"{loc}.currency", message)])
        return parse_money(self.amount, currency, sign, f"{loc}.amount")


class MoneyOut(ResponseModel):
    """An amount in a response."""

    amount: str
    currency: str

    @classmethod
    def of(cls, money: Money) -> "MoneyOut":
        """Build the response for an amount."""
        return cls(**money.to_document())
