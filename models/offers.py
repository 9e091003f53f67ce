"""Offer templates, offers and the hash-chained log of their transitions."""

from datetime import datetime
from enum import StrEnum
from typing import TypedDict
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import CancelReason, OfferEvent, OfferState
from models.accounts import Account
from models.base import Base, enum_check


class GrantState(StrEnum):
    """State of delivering an accepted offer's licences to the customer's instance."""

    NONE = "none"
    PENDING = "pending"
    APPLIED = "applied"
    FAILED = "failed"


class LineJson(TypedDict):
    """One line as stored; `mode` is a LineMode, `term` an ISO 8601 duration or a last day."""

    product: str
    count: int
    mode: str
    term: str


class ChangeJson(TypedDict):
    """Change of a product's licence count as stored."""

    product: str
    now: int
    then: int


class HeldBy(StrEnum):
    """Why an open offer waits: nobody decides it, and it does not expire."""

    OBJECTION = "objection"


class OfferTemplate(Base):
    """A named, reusable list of lines with product, count, mode and term."""

    __tablename__ = "offer_templates"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    name: Mapped[str]
    lines: Mapped[list[LineJson]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("reseller_id", "name"),)


class Offer(Base):
    """An offer to one customer account. `lines` and `message` are a snapshot and never change.

    `changes`: the changes at the moment the offer was closed; computed until then.
    `delivery_attempts`: calls started; `delivery_doubts`: those that may have arrived.
    `message_digest`: what the hash chain has of the message, made with `message_salt`; None: the chain has its text.
    `held_by`, `held_at`: since when it waits and why; `open_until`: its end, later than `expires_at` by such a wait.
    `external_id`: what the reseller's own system calls it. `notes`: metadata, by whose it is.
    """

    __tablename__ = "offers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str]
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    template_id: Mapped[UUID | None] = mapped_column(ForeignKey("offer_templates.id", ondelete="SET NULL"))
    state: Mapped[str]
    reason: Mapped[str | None]
    message: Mapped[str | None]
    message_salt: Mapped[str | None]
    message_digest: Mapped[str | None]
    lines: Mapped[list[LineJson]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    changes: Mapped[list[ChangeJson] | None] = mapped_column(JSONB(none_as_null=True))
    delivery_job_id: Mapped[UUID | None]
    delivery_attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    delivery_doubts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    delivery_error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    grant_state: Mapped[str] = mapped_column(server_default=GrantState.NONE)
    grant_error: Mapped[str | None]
    held_by: Mapped[str | None]
    held_at: Mapped[datetime | None]
    open_until: Mapped[datetime | None]
    external_id: Mapped[str | None]
    notes: Mapped[dict[str, JsonValue] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        Index(
            "uq_offers_external_id",
            "reseller_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        enum_check("held_by", HeldBy),
        enum_check("state", OfferState),
        enum_check("reason", CancelReason),
        enum_check("grant_state", GrantState),
        CheckConstraint("(state = 'cancelled') = (reason IS NOT NULL)", name="cancelled_with_reason"),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        Index("ix_offers_reseller_id", "reseller_id", "id"),
        Index("ix_offers_account_id", "account_id", "id"),
        Index("ix_offers_template_id", "template_id", postgresql_where=text("template_id IS NOT NULL")),
        Index(
            "ix_offers_open",
            "account_id",
            "expires_at",
            postgresql_where=text("state IN ('waiting', 'waiting_for_confirmation')"),
        ),
    )


class OfferEventRow(Base):
    """One transition of an offer. `number` counts from 1 per offer; `hash` chains to the previous event.

    `evidence`: how a decision was made; `evidence_digest`: what the chain has of it, made with `evidence_salt`.
    """

    __tablename__ = "offer_events"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("offers.id"))
    number: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str]
    event: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    job_id: Mapped[UUID | None]
    hash: Mapped[str]
    evidence: Mapped[dict[str, JsonValue] | None] = mapped_column(JSONB(none_as_null=True))
    evidence_salt: Mapped[str | None]
    evidence_digest: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("offer_id", "number"),
        Index("ix_offer_events_job_id", "job_id", postgresql_where=text("job_id IS NOT NULL")),
        enum_check("event", OfferEvent),
        enum_check("from_state", OfferState),
        enum_check("to_state", OfferState),
    )
