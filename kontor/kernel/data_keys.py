"""Data keys: random keys, kept in the database sealed by SECRET_KEY, one for each purpose.

A new SECRET_KEY seals them again and leaves them as they are, so chains, sealed secrets and fingerprints hold.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

DATA_KEY_BYTES: Final = 32


class KeyPurpose(StrEnum):
    """The use of a data key; each has a key of its own.

    secrets: secrets at rest. offers: the hash chain of offer events. requests: fingerprints of idempotent requests.
    audit: the hash chain of the audit log.
    """

    SECRETS = "secrets"
    OFFERS = "offers"
    REQUESTS = "requests"
    AUDIT = "audit"


class DataKeys(Protocol):
    """The data keys of a deployment. Thread-safe."""

    def key(self, purpose: KeyPurpose) -> bytes:
        """Return the 32 bytes of a purpose, the same for as long as the database lives."""


class DecryptionError(ValueError):
    """The text was encrypted with a key that is not listed, or was modified."""
