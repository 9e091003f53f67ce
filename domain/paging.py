"""Pages of lists that go on where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from domain.errors import FieldError, Invalid

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items, and the cursor of the next page; None on the last one."""

    items: tuple[T, ...]
    next: str | None = None


def cut(found: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page[T]:
    """A page of `limit` from one row more than that, so that the last page knows it is the last."""
    items = tuple(found[:limit])
    return Page(items, cursor_of(items[-1]) if len(found) > limit else None)


def cursor_id(cursor: str | None) -> UUID | None:
    """The id that a cursor of an id-ordered list stands for. Raises Invalid."""
    try:
        return None if cursor is None else UUID(cursor)
    except ValueError:
        raise bad_cursor() from None


def bad_cursor() -> Invalid:
    """What is said of a cursor that no list gave."""
    message = "Take `cursor` from `next` of the page before."
    return Invalid("invalid", message, errors=[FieldError("cursor", message)])
