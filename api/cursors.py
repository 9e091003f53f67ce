"""Cursors: where a page ended, opaque to whoever holds them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from domain.errors import FieldError, Invalid


def cursor_of(last: UUID | int | str) -> str:
    """The cursor of the page that ended with this key."""
    return urlsafe_b64encode(str(last).encode()).decode().rstrip("=")


def key_in(cursor: str | None) -> str | None:
    """The key a cursor holds. Raises Invalid."""
    if cursor is None:
        return None
    try:
        return urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        raise bad_cursor() from None


def id_in(cursor: str | None) -> UUID | None:
    """The id a cursor holds. Raises Invalid."""
    key = key_in(cursor)
    try:
        return None if key is None else UUID(key)
    except ValueError:
        raise bad_cursor() from None


def number_in(cursor: str | None) -> int | None:
    """The number, below 2**63, that a cursor holds. Raises Invalid."""
    key = key_in(cursor)
    if key is None:
        return None
    if key.isdecimal() and len(key) < 19:
        return int(key)
    raise bad_cursor()


def bad_cursor() -> Invalid:
    """The complaint about a cursor that no page gave."""
    message = "That is not a cursor of this list."
    return Invalid("invalid", message, errors=[FieldError("cursor", message)])
