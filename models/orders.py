"""Orders, and what is paid back for them or charged again."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import OrderEntryKind, OrderKind, OrderState
from models.accounts import Account
from models.base import Base, enum_check


class OrderRow(Base):
    """One order; its price never changes. `as_of`: the local day whose turnover window determined the discount.

    `version`: of the programme that priced it. `service_id`: what it bought, renewed or enlarged; None for orders of
    before services. `notes`: metadata by whose it is, `operator` or `reseller`.
    """

    __tablename__ = "orders"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
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
    kind: Mapped[str] = mapped_column(server_default=OrderKind.NEW)
    state: Mapped[str] = mapped_column(server_default=OrderState.COMPLETED)
    version: Mapped[int | None] = mapped_column(Integer)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    service_id: Mapped[UUID | None]
    term: Mapped[str | None]
    config: Mapped[dict[str, JsonValue] | None]
    external_id: Mapped[str | None]
    notes: Mapped[dict[str, JsonValue] | None]
    error: Mapped[str | None]

    __table_args__ = (
        enum_check("kind", OrderKind),
        enum_check("state", OrderState),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        UniqueConstraint("reseller_id", "order_ref"),
        Index("ix_orders_reseller_id", "reseller_id", "id"),
        Index("ix_orders_service_id", "service_id"),
        Index(
            "uq_orders_external_id",
            "reseller_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
    )


class OrderEntry(Base):
    """A line that an order adds to the account book after its own; a trigger writes the line, nothing changes it.

    `amount`: positive; `action_id`: what failed, or is tried again.
    """

    __tablename__ = "order_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    kind: Mapped[str]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    action_id: Mapped[UUID]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        enum_check("kind", OrderEntryKind),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        UniqueConstraint("order_id", "kind", "action_id"),
        Index("ix_order_entries_reseller_id", "reseller_id"),
    )
