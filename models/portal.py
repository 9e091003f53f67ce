"""Sign-in to the portal: sessions, the accounts they opened, devices, links that sign in, visits of others."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from models.accounts import Account
from models.base import Base, enum_check
from models.factors import FactorColumns, FactorKind, RecoveryColumns


class PortalSession(Base):
    """A signed-in browser; only the hash of its cookie's secret is stored. Every time is real time.

    `member_key`: the address whose memberships it opens; `account_id`: the account that its pages are about now.
    `by_link`: a link opened it, no password; `by_reseller`: one that a key of the account's reseller asked for;
    `by_operator`: the operator who entered the account.
    `proven_at`: the last proof by password, factor or link. `remembered`: the person asked to stay signed in on this
    device, for 30 days.
    """

    __tablename__ = "portal_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[str]
    csrf: Mapped[str]
    member_key: Mapped[str | None]
    member_credential: Mapped[str | None]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    by_link: Mapped[bool] = mapped_column(server_default=text("false"))
    by_reseller: Mapped[bool] = mapped_column(server_default=text("false"))
    by_operator: Mapped[UUID | None]
    remembered: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    proven_at: Mapped[datetime]
    origin: Mapped[str]
    agent: Mapped[str]

    __table_args__ = (
        Index("uq_portal_sessions_secret_hash", "secret_hash", unique=True),
        Index("ix_portal_sessions_member_key", "member_key", postgresql_where=text("member_key IS NOT NULL")),
        Index("ix_portal_sessions_account_id", "account_id"),
        Index("ix_portal_sessions_expires_at", "expires_at"),
    )


class PortalOpening(Base):
    """An account that a session opened as its owner.

    `credential`: digest of the password and the version of the address that opened it; another one ends the opening.
    """

    __tablename__ = "portal_openings"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("portal_sessions.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id), primary_key=True)
    credential: Mapped[str]

    __table_args__ = (Index("ix_portal_openings_account_id", "account_id"),)


class PortalDevice(Base):
    """A browser that signed in as a holder: `account:ID` as an owner, `member:ADDRESS` as a member. Real time."""

    __tablename__ = "portal_devices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret_hash: Mapped[str]
    holder: Mapped[str]
    signed_in_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_portal_devices_secret_hash_holder", "secret_hash", "holder", unique=True),
        Index("ix_portal_devices_signed_in_at", "signed_in_at"),
    )


class PortalFactor(FactorColumns, Base):
    """A second factor of a holder: `account:ID` for the owner, `member:ADDRESS` for a member.

    `host`: where a passkey belongs; None for an authenticator app, which holds on all.
    """

    __tablename__ = "portal_factors"

    holder: Mapped[str]
    host: Mapped[str | None]

    __table_args__ = (
        enum_check("kind", FactorKind),
        Index("ix_portal_factors_holder", "holder"),
        Index(
            "uq_portal_factors_credential_id", "credential_id", unique=True,
            postgresql_where=text("credential_id IS NOT NULL"),
        ),
    )  # fmt: skip


class PortalRecoveryCode(RecoveryColumns, Base):
    """A recovery code of a holder."""

    __tablename__ = "portal_recovery_codes"

    holder: Mapped[str] = mapped_column(primary_key=True)


class PortalLink(Base):
    """A link that signs in once: as the owner, or as `member_id`, to `path`. Times are programme time.

    `email_version`: the version of the admin address; a link to an older one is of no use. `by_reseller`: a key of the
    account's reseller asked for it; `by_operator`: the operator who enters by it.
    """

    __tablename__ = "portal_links"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    member_id: Mapped[UUID | None]
    email_version: Mapped[int] = mapped_column(Integer)
    path: Mapped[str]
    by_reseller: Mapped[bool] = mapped_column(server_default=text("false"))
    by_operator: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_portal_links_account_id", "account_id"),
        Index("ix_portal_links_expires_at", "expires_at"),
    )


class PortalVisit(Base):
    """What a reseller's person did in a client's account; `act` is `entered` or the name of a form."""

    __tablename__ = "portal_visits"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    session_id: Mapped[UUID]
    person: Mapped[str]
    act: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (
        Index("ix_portal_visits_account_id", "account_id", "seq"),
        Index("ix_portal_visits_session_id", "session_id", "account_id"),
    )
