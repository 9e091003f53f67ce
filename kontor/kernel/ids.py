"""Identifiers: UUIDv7, ordered by the real time of creation; public tokens of badges."""

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

from uuid_utils import uuid7 as _uuid7

SQL_NEW_ID: Final = (
    "encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send("
    "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"
)
"""A new UUIDv7 as an expression of SQL: 48 bits of milliseconds, then the version, then chance."""


def new_id() -> UUID:
    """Return a new UUIDv7. Real time, never the test clock."""
    return UUID(int=_uuid7().int)


def lowest_id(instant: datetime) -> UUID:
    """Return the lowest UUIDv7 of an instant of real time."""
    return UUID(int=(max(0, int(instant.timestamp() * 1000)) << 80) | (0x7 << 76) | (0x8 << 60))


def new_badge_token() -> str:
    """Return a new public, read-only token of an account's badge."""
    return f"badge_{secrets.token_hex(16)}"
