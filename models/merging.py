"""Merges of resellers, and requests by mail that another one agrees to its merge."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts import Account
from models.base import Base, enum_check


class ResellerMerge(Base):
    """A merge of one reseller into another."""

    __tablename__ = "reseller_merges"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    old_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    new_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    at: Mapped[datetime]

    __table_args__ = (Index("ix_reseller_merges_new_id", "new_id", "old_id"),)


class MergeRequestState(StrEnum):
    """State of a request; one whose time is over counts as expired while it is asked or agreed. begun: merged."""

    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    BEGUN = "begun"


class MergeRequest(Base):
    """A reseller's request, by mail, that the owner of another one agrees to its merge into the reseller.

    `identifier`: the name or address as typed, whether there is such a reseller or not. `other_id`: the reseller whose
    owner decided, `other_version` the version of its admin address then.
    """

    __tablename__ = "merge_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    identifier: Mapped[str]
    state: Mapped[str]
    other_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    other_version: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        enum_check("state", MergeRequestState),
        Index("ix_merge_requests_reseller_id", "reseller_id", "id"),
        Index("ix_merge_requests_other_id", "other_id"),
        Index("ix_merge_requests_expires_at", "expires_at"),
    )
