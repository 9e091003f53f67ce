"""Types on the wire: instants, ids, money, pages, bodies that refuse unknown fields."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
)
from pydantic_core import PydanticCustomError

from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.money import AllowedSign, Money, parse_money
from kontor.kernel.time_spans import TimeSpan
from kontor.kernel.zones import YEARS, parse_day


def uuid_of(text: str) -> UUID:
    """Parse a path parameter as a UUID. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


T = TypeVar("T")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
PAGE = 100
PAGE_LIMIT = 1_000


def _check_year(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"the year must be {YEARS.start} to {YEARS.stop - 1}")
    return value.astimezone(UTC)


def _require_day(value: object) -> object:
    """Reject numbers, times and other forms of a date."""
    return parse_day(value) if isinstance(value, str) else value


def _check_day(value: date) -> date:
    if value.year not in YEARS:
        raise ValueError(f"the year must be {YEARS.start} to {YEARS.stop - 1}")
    return value


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _require_rfc3339(value: object) -> object:
    """Reject numbers and bare dates."""
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("a time must be in RFC 3339 form, such as 2026-03-01T09:00:00Z")
    return value


UtcIn = Annotated[AwareDatetime, Strict(False), BeforeValidator(_require_rfc3339), AfterValidator(_check_year)]
"""A time in a request, with any offset; naive times are rejected."""

DayIn = Annotated[date, Strict(), BeforeValidator(_require_day), AfterValidator(_check_day)]
"""A calendar day in a request."""

UtcOut = Annotated[datetime, PlainSerializer(_utc, return_type=str), Field(json_schema_extra={"format": "date-time"})]
"""A time in a response: RFC 3339, UTC with Z."""


class RequestModel(BaseModel):
    """A request body: strict, no unknown fields. `any_text` allows NUL characters."""

    any_text: ClassVar[bool] = False

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class QueryModel(BaseModel):
    """A query string. Parameters that begin with `open_prefix` are left to the endpoint."""

    open_prefix: ClassVar[str | None] = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ResponseModel(BaseModel):
    """A response body; `model_validate` also reads rows and dataclasses with the same fields."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class PageQuery(QueryModel):
    """Paging parameters of every list."""

    limit: int = Field(PAGE, ge=1, le=PAGE_LIMIT)
    cursor: str | None = Field(None, max_length=500, description="`next` of the previous page.")


class CreatedQuery(PageQuery):
    """Filter by when something was made: from `created_after`, included, to before `created_before`."""

    created_after: UtcIn | None = None
    created_before: UtcIn | None = None

    @property
    def created(self) -> TimeSpan:
        """The time between both."""
        return TimeSpan(self.created_after, self.created_before)


class PageOut(ResponseModel, Generic[T]):
    """One page of a list; `next` is null on the last one."""

    items: list[T]
    next: str | None = None


class FieldProblemOut(ResponseModel):
    """One error of one field, by its dotted path."""

    loc: str
    msg: str


class ProblemOut(BaseModel):
    """RFC 9457 problem. `code` is stable; further members depend on it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    trace_id: str
    errors: list[FieldProblemOut] | None = None
    state: str | None = None


Json = Any
"""Any JSON value."""


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

    def money(self, currency: str, sign: AllowedSign = AllowedSign.POSITIVE, loc: str = "amount") -> Money:
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

    def to_money(self) -> Money:
        """Return the amount."""
        return Money(Decimal(self.amount), self.currency)
