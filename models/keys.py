"""API keys, and stored responses of idempotent requests."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts import Account
from models.base import Base


class Scope(StrEnum):
    """Permissions of a key. No scope includes another."""

    READ = "read"
    ENQUEUE = "enqueue"
    WORK = "work"
    DECIDE = "decide"
    OPERATE = "operate"
    ADMIN = "admin"
    KEYS = "keys"


SCOPE_PATTERN: Final = "(read|enqueue|work|decide|operate|admin|keys|(enqueue|work):[A-Za-z0-9_.*-]+)"


class ApiKey(Base):
    """An API key, bound to a reseller, an account or nothing. Only the SHA-256 of its secret is stored.

    `created_by`: actor; `may_decide`: whether that maker could give the scope `decide`. `ranges`: networks in CIDR
    form that it may be used from, none for all; `rate`: requests a second; `expires_at`, `last_used_at`: real time.
    """

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    reseller_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_by: Mapped[str | None]
    may_decide: Mapped[bool] = mapped_column(server_default=text("true"))
    ranges: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default=text("'{}'"))
    rate: Mapped[int | None]
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("reseller_id IS NULL OR account_id IS NULL", name="one_binding"),
        CheckConstraint(f"array_to_string(scopes, ' ') ~ '^{SCOPE_PATTERN}( {SCOPE_PATTERN})*$'", name="scopes"),
        CheckConstraint("rate > 0", name="rate"),
        Index("uq_api_keys_secret_hash", "secret_hash", unique=True),
        Index("ix_api_keys_reseller_id", "reseller_id"),
        Index("ix_api_keys_account_id", "account_id"),
    )


class IdempotentResponse(Base):
    """The first response to a key, secrets masked. `fingerprint`: HMAC of method, path, query and body.

    Before `busy_until` (real time) the response is a placeholder: the request still waits for its job.
    """

    __tablename__ = "idempotent_answers"

    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, str]]
    body: Mapped[str]
    busy_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_idempotent_answers_created_at", "created_at"),)
