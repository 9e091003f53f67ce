"""Data keys, sealed."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class DataKey(Base):
    """The key of one purpose (kontor.kernel.data_keys), sealed by a key of SECRET_KEY.

    `sealed_with`: that key's fingerprint, which every process compares with its own keys.
    """

    __tablename__ = "data_keys"

    purpose: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    sealed_with: Mapped[str]
    created_at: Mapped[datetime]
