"""Domain events, webhook endpoints and deliveries."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts import Account
from models.base import Base, JsonObject, enum_check


class DeliveryState(StrEnum):
    """State of a delivery. pending: a job is delivering. delivered: answered 2xx. failed: given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookEndpoint(Base):
    """A URL that receives events: those of a reseller and its clients, or (no reseller) all events."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    secret_sealed: Mapped[str]
    old_secret_sealed: Mapped[str | None]
    old_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    deleted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_webhook_endpoints_reseller_id", "reseller_id", postgresql_where=text("deleted_at IS NULL")),
    )


class WebhookDelivery(Base):
    """Delivery of one event to one endpoint, kept for 30 days. `webhook_id` is the same on every attempt and replay."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    webhook_id: Mapped[str]
    event_seq: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str]
    body: Mapped[JsonObject]
    state: Mapped[str] = mapped_column(server_default=DeliveryState.PENDING)
    tries: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    job_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]

    __table_args__ = (
        enum_check("state", DeliveryState),
        UniqueConstraint("endpoint_id", "event_seq"),
        Index("ix_webhook_deliveries_created_at", "created_at"),
        Index("ix_webhook_deliveries_endpoint_id", "endpoint_id", "id"),
        Index("ix_webhook_deliveries_event_seq", "event_seq", postgresql_where=text("event_seq IS NOT NULL")),
    )


class DomainEvent(Base):
    """A domain event, ordered by `seq`; kontor.webhooks.events says how to read the feed."""

    __tablename__ = "domain_events"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    id: Mapped[UUID]
    type: Mapped[str]
    account_id: Mapped[UUID | None]
    reseller_id: Mapped[UUID | None]
    programme: Mapped[str | None]
    data: Mapped[JsonObject]
    at: Mapped[datetime]

    __table_args__ = (
        Index("uq_domain_events_id", "id", unique=True),
        Index("ix_domain_events_account_id", "account_id", "seq"),
        Index("ix_domain_events_reseller_id", "reseller_id", "seq"),
    )
