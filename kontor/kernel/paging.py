"""Cursor pagination: one page of a query, or of rows already read; all pages as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.serialization import BYTE_ORDER_MARK, csv_line

T = TypeVar("T")
U = TypeVar("U")
CSV_MEDIA: Final = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items and the cursor of the next page; None on the last page."""

    items: tuple[T, ...]
    next: str | None = None


def page_of(
    session: Session,
    query: Select[T],
    key: InstrumentedAttribute[Any],
    cursor: str | None,
    limit: int,
    *,
    ascending: bool = False,
    parse: Callable[[str], object] = UUID,
) -> Page[T]:
    """Return one page of a query, by descending `key`, which is unique and whose text is the cursor.

    `parse` reads the cursor and raises ValueError. Raises Invalid for a malformed cursor.
    """
    after = parsed_cursor(cursor, parse)
    if after is not None:
        query = query.where(key > after if ascending else key < after)
    ordered = query.order_by(key if ascending else key.desc()).limit(limit + 1)
    return paginate(session.scalars(ordered).all(), limit, lambda row: str(getattr(row, key.key)))


def paginate(rows: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page[T]:
    """Return a page of `limit` items; `rows` holds one more if there is a next page."""
    items = tuple(rows[:limit])
    return Page(items, cursor_of(items[-1]) if len(rows) > limit else None)


def csv_of_pages(columns: Sequence[str], read: Callable[[str | None], Page[Sequence[str]]]) -> Iterator[str]:
    """Yield a CSV file of every page of a list, page by page; `read` returns the cells after a cursor.

    It opens a transaction of its own each time, so that a long file keeps none open.
    """
    yield BYTE_ORDER_MARK + csv_line(columns)
    cursor: str | None = None
    while True:
        page = read(cursor)
        yield "".join(csv_line(cells) for cells in page.items)
        if page.next is None:
            return
        cursor = page.next


def cursor_id(cursor: str | None) -> UUID | None:
    """Parse the cursor of an id-ordered list. Raises Invalid."""
    return parsed_cursor(cursor, UUID)


def parsed_cursor(cursor: str | None, parse: Callable[[str], U]) -> U | None:
    """Parse a cursor. Raises Invalid if `parse` raises ValueError."""
    try:
        return None if cursor is None else parse(cursor)
    except ValueError:
        raise invalid_cursor() from None


def invalid_cursor() -> Invalid:
    """Build the error for a malformed cursor."""
    message = "Use the `next` value of the previous page as `cursor`."
    return Invalid("invalid", message, errors=[FieldError("cursor", message)])
