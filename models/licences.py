"""Grants: licences of an account from accepted offers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.states import LineMode
from models.accounts import Account
from models.base import Base, enum_check
from models.offers import Offer


class Grant(Base):
    """`count` licences of a product from `starts_at` to before `ends_at`, or until replaced."""

    __tablename__ = "grants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    product: Mapped[str]
    offer_id: Mapped[UUID] = mapped_column(ForeignKey(Offer.id))
    line_no: Mapped[int]
    count: Mapped[int]
    mode: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("offer_id", "line_no"),
        enum_check("mode", LineMode),
        CheckConstraint("count >= 0", name="count"),
        CheckConstraint("ends_at >= starts_at", name="ends_later"),
        Index("ix_grants_account_id", "account_id", "product"),
        Index(
            "ix_grants_running",
            "account_id",
            "product",
            "ends_at",
            postgresql_where=text("replaced_at IS NULL"),
        ),
    )
