"""Digests and keyed hashes of audit rows."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

if TYPE_CHECKING:
    from pydantic import JsonValue
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from models.control import AuditEntry

ChainKey = Callable[[], bytes]
OPTION: Final = "kontor_chain_key"
START: Final = "0" * 64
"""What the first entry of the chain follows."""


def lend_key(engine: Engine, key: ChainKey) -> None:
    """Give every session of an engine the key that signs audit rows."""
    engine.update_execution_options(**{OPTION: key})


def key_of(session: Session) -> bytes | None:
    """Return the key of the session's engine; None in a process without one."""
    key = cast("ChainKey | None", session.get_bind().get_execution_options().get(OPTION))
    return None if key is None else key()


@dataclass(frozen=True, slots=True)
class RowContent:
    """What the digest of an audit row covers."""

    at: datetime
    actor: str
    action: str
    target: str
    reason: str | None
    origin: str | None
    detail: Mapping[str, JsonValue]
    subjects: tuple[UUID, ...]

    @classmethod
    def of(cls, entry: AuditEntry) -> RowContent:
        """Return the content of a stored row."""
        return cls(
            entry.at, entry.actor, entry.action, entry.target, entry.reason, entry.origin, entry.detail,
            tuple(entry.subjects),
        )  # fmt: skip

    def digest(self, salt: str | None) -> str:
        """Return the SHA-256 of the salted content; what was erased has no salt."""
        values = {
            "at": self.at.astimezone(UTC).isoformat(),
            "actor": self.actor,
            "action": self.action,
            "target": self.target,
            "reason": self.reason,
            "origin": self.origin,
            "detail": self.detail,
            "subjects": [str(subject) for subject in self.subjects],
            "salt": salt,
        }
        return hashlib.sha256(canonical(values).encode()).hexdigest()


def canonical(value: object) -> str:
    """Return JSON that is equal for equal values."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def signature(key: bytes, digest: str) -> str:
    """Return the keyed hash that marks a row as written by Kontor."""
    return _keyed(key, "row", digest)


def link(key: bytes, number: int, seq: int, digest: str, previous: str) -> str:
    """Return the keyed hash of one entry of the chain over the one before."""
    return _keyed(key, "link", str(number), str(seq), digest, previous)


def head_signature(key: bytes, number: int, seq: int, hash_: str, adopted_to: int) -> str:
    """Return the keyed hash of the chain's head."""
    return _keyed(key, "head", str(number), str(seq), hash_, str(adopted_to))


def _keyed(key: bytes, *parts: str) -> str:
    return hmac.new(key, "|".join(parts).encode(), hashlib.sha256).hexdigest()
