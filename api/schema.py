"""Words of the wire: instants, ids, pages, problems, bodies that refuse unknown fields."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar

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

T = TypeVar("T")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
YEARS = range(1900, 9000)
PAGE = 100
PAGE_LIMIT = 1_000


def _sane(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"the year is {YEARS.start} to {YEARS.stop - 1}")
    return value.astimezone(UTC)


def _sane_day(value: date) -> date:
    if value.year not in YEARS:
        raise ValueError(f"the year is {YEARS.start} to {YEARS.stop - 1}")
    return value


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _written(value: object) -> object:
    """Numbers are no instants, nor are days."""
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise ValueError("an instant is written as RFC 3339, such as 2026-03-01T09:00:00Z")
    return value


Instant = Annotated[AwareDatetime, Strict(False), BeforeValidator(_written), AfterValidator(_sane)]
"""An instant that came in: any offset, naive refused."""

Day = Annotated[date, Strict(False), AfterValidator(_sane_day)]
"""A calendar day that came in."""

Moment = Annotated[datetime, PlainSerializer(_utc, return_type=str), Field(json_schema_extra={"format": "date-time"})]
"""An instant that goes out: RFC 3339 in UTC with Z."""


class Incoming(BaseModel):
    """A body as it may come in: strict, nothing unknown. `any_text` lets NUL characters through."""

    any_text: ClassVar[bool] = False

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Query(BaseModel):
    """A query string: everything is text. Parameters that begin with `open_prefix` are the endpoint's."""

    open_prefix: ClassVar[str | None] = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Outgoing(BaseModel):
    """A document that goes out."""

    model_config = ConfigDict(frozen=True)


class Paging(Query):
    """The part every list has."""

    limit: int = Field(PAGE, ge=1, le=PAGE_LIMIT)
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before.")


class Page(Outgoing, Generic[T]):
    """One page of a list; `next` is null on the last one."""

    items: list[T]
    next: str | None = None


class FieldProblem(Outgoing):
    """One complaint about one field, by its dotted path."""

    loc: str
    msg: str


class Problem(BaseModel):
    """RFC 9457. `code` is stable; further members depend on it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    trace_id: str
    errors: list[FieldProblem] | None = None
    state: str | None = None


Json = Any
"""Whatever JSON holds."""
