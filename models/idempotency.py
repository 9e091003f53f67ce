"""Stored responses to requests with an Idempotency-Key."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class IdempotentAnswer(Base):
    """The first response to a key, secrets masked. `fingerprint`: HMAC of method, path, query and body.

    Before `busy_until` (real time) the response is a placeholder: the request still waits for its job.
    """

    __tablename__ = "idempotent_answers"

    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any]]
    body: Mapped[str]
    busy_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_idempotent_answers_created_at", "created_at"),)
