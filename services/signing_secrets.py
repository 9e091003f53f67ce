"""Signing secrets of instances and webhook endpoints: encrypted at rest, two valid during rotation."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Protocol

from domain.ports import Sealer
from domain.webhooks import ROTATION, checked_secret, written_secret


class HasSecret(Protocol):
    """A row with an encrypted secret and, during rotation, the previous one."""

    secret_sealed: str
    old_secret_sealed: str | None
    old_until: datetime | None


def given_or_new(secret: str | None) -> str:
    """Return the given secret, validated, or a new one. Raises Invalid(`invalid_secret`)."""
    return checked_secret(secret) if secret is not None else written_secret(secrets.token_bytes(32))


def replace(sealer: Sealer, holder: HasSecret, secret: str, now: datetime) -> None:
    """Replace the secret; the previous one stays valid for 24 h."""
    if sealer.open(holder.secret_sealed) != secret:
        holder.old_secret_sealed, holder.old_until = holder.secret_sealed, now + ROTATION
        holder.secret_sealed = sealer.seal(secret)


def valid(sealer: Sealer, holder: HasSecret, now: datetime) -> tuple[str, ...]:
    """Return the secrets to sign with, newest first."""
    current = sealer.open(holder.secret_sealed)
    if holder.old_secret_sealed is None or holder.old_until is None or now >= holder.old_until:
        return (current,)
    return (current, sealer.open(holder.old_secret_sealed))
