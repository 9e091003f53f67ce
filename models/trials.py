"""Permanent record of identities that have had a trial."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class TrialClaim(Base):
    """Digest of an identity (domain.trials.trial_identity) that has had its trial in a programme."""

    __tablename__ = "trial_claims"

    programme: Mapped[str] = mapped_column(primary_key=True)
    identity: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    at: Mapped[datetime]
