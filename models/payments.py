"""Payments, refunds, chargebacks, payment imports and orders."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import PaymentKind
from models.base import Base, enum_check

SIGNED_AMOUNT = "CASE WHEN kind = 'payment' THEN amount ELSE -amount END"


class PaymentRow(Base):
    """One entry of a reseller's payments; immutable except for `reseller_id`, which a merge changes.

    `origin_id`: the reseller that it was posted to; references are unique per `origin_id`.
    `signed`: contribution to turnover.
    """

    __tablename__ = "payments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    origin_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    reference: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    signed: Mapped[Decimal] = mapped_column(Numeric(20, 4), Computed(SIGNED_AMOUNT, persisted=True))
    paid_at: Mapped[datetime]
    created_at: Mapped[datetime]

    __table_args__ = (
        enum_check("kind", PaymentKind),
        CheckConstraint("amount > 0", name="amount_positive"),
        UniqueConstraint("origin_id", "reference"),
        # Index-only scans of turnover, for one reseller or for all.
        Index("ix_payments_window", "reseller_id", "paid_at", postgresql_include=["signed"]),
        Index("ix_payments_reseller_id", "reseller_id", "id"),
    )


class PaymentImport(Base):
    """An import of a payments file; `digest`: SHA-256 of its bytes, in hex.

    `lines`: rows staged so far; no row becomes a payment before `finished_at`.
    """

    __tablename__ = "payment_imports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    digest: Mapped[str]
    lines: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    summary: Mapped[dict[str, JsonValue] | None] = mapped_column(JSONB(none_as_null=True))
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("reseller_id", "digest"),)


class StagedPayment(Base):
    """A validated row of an import, by line number."""

    __tablename__ = "payment_import_rows"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("payment_imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[UUID]
    reference: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[Decimal]
    paid_at: Mapped[datetime]

    __table_args__ = (Index("ix_payment_import_rows_reference", "import_id", "reference"),)


class OrderRow(Base):
    """One order; immutable. `as_of`: the local day whose turnover window determined the discount."""

    __tablename__ = "orders"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    programme: Mapped[str]
    order_ref: Mapped[str]
    product: Mapped[str]
    quantity: Mapped[int] = mapped_column(Integer)
    promo_code: Mapped[str | None]
    promotion: Mapped[str | None]
    currency: Mapped[str]
    list_price: Mapped[Decimal]
    percent: Mapped[Decimal]
    net: Mapped[Decimal]
    suppressed: Mapped[list[dict[str, JsonValue]]]
    as_of: Mapped[date]
    turnover: Mapped[Decimal | None]
    tier: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        UniqueConstraint("reseller_id", "order_ref"),
        Index("ix_orders_reseller_id", "reseller_id", "id"),
    )
