"""Identifiers: UUIDv7, ordered by the real time of creation."""

from uuid import UUID

from uuid_utils import uuid7 as _uuid7


def new_id() -> UUID:
    """Return a new UUIDv7. Real time, never the test clock."""
    return UUID(int=_uuid7().int)
