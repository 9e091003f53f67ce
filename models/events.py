"""Feed of domain events, for polling and webhooks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class DomainEvent(Base):
    """A domain event, ordered by `seq`; store.events says how to read the feed."""

    __tablename__ = "domain_events"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    id: Mapped[UUID]
    type: Mapped[str]
    account_id: Mapped[UUID | None]
    reseller_id: Mapped[UUID | None]
    programme: Mapped[str | None]
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime]

    __table_args__ = (
        Index("uq_domain_events_id", "id", unique=True),
        Index("ix_domain_events_account_id", "account_id", "seq"),
        Index("ix_domain_events_reseller_id", "reseller_id", "seq"),
    )
