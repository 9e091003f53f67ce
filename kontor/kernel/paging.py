"""Cursor pagination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from kontor.kernel.errors import FieldError, Invalid

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items and the cursor of the next page; None on the last page."""

    items: tuple[T, ...]
    next: str | None = None


def paginate(rows: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page[T]:
    """Return a page of `limit` items; `rows` holds one more if there is a next page."""
    items = tuple(rows[:limit])
    return Page(items, cursor_of(items[-1]) if len(rows) > limit else None)


def cursor_id(cursor: str | None) -> UUID | None:
    """Parse the cursor of an id-ordered list. Raises Invalid."""
    try:
        return None if cursor is None else UUID(cursor)
    except ValueError:
        raise invalid_cursor() from None


def invalid_cursor() -> Invalid:
    """Build the error for a malformed cursor."""
    message = "Use the `next` value of the previous page as `cursor`."
    return Invalid("invalid", message, errors=[FieldError("cursor", message)])
