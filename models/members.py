"""People of accounts: members and the passwords of their addresses."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts import Account
from models.base import Base, enum_check


class MemberRole(StrEnum):
    """What a person may do for an account: staff all but members, keys, security, merge, deletion; a viewer reads."""

    OWNER = "owner"
    STAFF = "staff"
    VIEWER = "viewer"


class Member(Base):
    """A person of an account by address; the owner is the account's admin and has no row.

    `invitation_serial`: number of the newest invitation link, the only one that works. `confirmed_at`: its owner used
    a link sent to the address. `by_reseller`: the account's reseller made it, so that it decides nothing.
    """

    __tablename__ = "members"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    email: Mapped[str]
    email_key: Mapped[str]
    name: Mapped[str]
    locale: Mapped[str]
    role: Mapped[str]
    invitation_serial: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    by_reseller: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]

    __table_args__ = (
        enum_check("role", (MemberRole.STAFF, MemberRole.VIEWER)),
        Index("uq_members_account_id_email_key", "account_id", "email_key", unique=True),
        Index("ix_members_email_key", "email_key"),
    )


class MemberPassword(Base):
    """The one password of an address as member, for all its memberships; never that of an account (portal.md 2)."""

    __tablename__ = "member_passwords"

    email_key: Mapped[str] = mapped_column(primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime]
