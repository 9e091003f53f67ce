"""Overrides of limits, what windowed limits counted, and addresses that confirmed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class LimitOverride(Base):
    """A value that replaces a limit's default: for a reseller or key by its id, for all with an empty `subject`."""

    __tablename__ = "limit_overrides"

    name: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(Integer)
    set_by: Mapped[str]
    set_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("value >= 0", name="value"),)


class LimitUse(Base):
    """One use of a windowed limit, business time. `subject`: an id, or the digest of an address."""

    __tablename__ = "limit_uses"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (Index("ix_limit_uses_name_subject_at", "name", "subject", "at"), Index("ix_limit_uses_at", "at"))


class ConfirmedAddress(Base):
    """An address whose owner used a link or signed in, as the reseller `owner_id` (or account without one) reaches it.

    `address`: the digest of the address.
    """

    __tablename__ = "confirmed_addresses"

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
