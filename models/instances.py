"""Customers' systems, to which offers and grants are delivered."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Instance(Base):
    """The instance of an account. Secrets are encrypted; until `old_until` calls are also signed with the old one."""

    __tablename__ = "instances"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    url: Mapped[str]
    secret_sealed: Mapped[str]
    old_secret_sealed: Mapped[str | None]
    old_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
