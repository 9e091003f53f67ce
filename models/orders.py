"""Orders of resellers, with the price fixed when placed."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


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
    suppressed: Mapped[list[Any]]
    as_of: Mapped[date]
    turnover: Mapped[Decimal | None]
    tier: Mapped[str | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        UniqueConstraint("reseller_id", "order_ref"),
        Index("ix_orders_reseller_id", "reseller_id", "id"),
    )
