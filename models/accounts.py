"""Accounts, their brands, instances and trial identities, failed connection attempts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kontor.kernel.ids import new_badge_token
from kontor.kernel.states import ImageRole, ImageState, TrialState
from models.base import Base, enum_check
from models.programmes import ProgrammeRow


class AccountKind(StrEnum):
    """Kind of an account in its programme. A client is attached to a reseller."""

    REGULAR = "regular"
    RESELLER = "reseller"
    CLIENT = "client"


class Party(StrEnum):
    """Legal form of the account's owner."""

    COMPANY = "company"
    PERSON = "person"


class SetBy(StrEnum):
    """Who set an address or a domain; what a reseller's key for a client sets counts as set by the reseller."""

    OPERATOR = "operator"
    RESELLER = "reseller"
    CLIENT = "client"
    SHELL = "shell"


NAMED, LISTED = text("client_external_id IS NOT NULL"), text("reseller_id IS NOT NULL AND purged_at IS NULL")
TRIAL_END = text("COALESCE(trial_ends_at, 'infinity'::timestamp with time zone)")
ALIKE, RESTORABLE = text("purged_at IS NULL AND NOT looks_clash"), text("deleted_at IS NOT NULL AND purged_at IS NULL")


class Account(Base):
    """An account. `email_version` grows with every change of address; links to older addresses are invalid.

    `name_key`, `email_key`: keys for uniqueness and look-ups (NFC, case-insensitive). `looks_key`: key for uniqueness
    of names that look alike; `looks_clash`: another account had it before names had to differ in looks, both stay.
    `trial_state`: the stored state; a read also detects a trial that is over but not yet recorded. `external_id`: the
    provider's own id for a reseller or a regular account, of one account for ever; `client_external_id`: its reseller's
    for a client. `notes`: metadata, by whose it is. `home_url`: the service itself, where the root of the account's own
    domain leads. `trial_reminded_at`: due instant of the last reminder sent. `activation_serial`: number of the newest
    activation link, the only one that works. `merged_into`: the reseller that got all it had: money facts of it count
    there until it is a reseller again.
    """

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey(ProgrammeRow.code))
    name: Mapped[str]
    name_key: Mapped[str]
    looks_key: Mapped[str | None]
    looks_clash: Mapped[bool] = mapped_column(server_default=text("false"))
    kind: Mapped[str] = mapped_column(server_default=AccountKind.REGULAR)
    party: Mapped[str] = mapped_column(server_default=Party.COMPANY)
    reseller_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    admin_email: Mapped[str]
    email_key: Mapped[str]
    external_id: Mapped[str | None]
    client_external_id: Mapped[str | None]
    notes: Mapped[dict[str, JsonValue] | None] = mapped_column(JSONB(none_as_null=True))
    email_version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    activation_serial: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    password_hash: Mapped[str | None]
    password_by_reseller: Mapped[bool] = mapped_column(server_default=text("false"))
    locale: Mapped[str]
    timezone: Mapped[str]
    home_url: Mapped[str | None]
    badge_token: Mapped[str | None] = mapped_column(default=new_badge_token)
    plan: Mapped[str] = mapped_column(server_default="free")
    trial_state: Mapped[str] = mapped_column(server_default=TrialState.NONE)
    trial_started_at: Mapped[datetime | None]
    trial_ends_at: Mapped[datetime | None]
    trial_reminded_at: Mapped[datetime | None]
    suspended: Mapped[bool] = mapped_column(server_default=text("false"))
    terms_version: Mapped[str | None]
    terms_accepted_at: Mapped[datetime | None]
    reseller_since: Mapped[UUID | None]
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    activated_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]

    __table_args__ = (
        enum_check("kind", AccountKind),
        enum_check("party", Party),
        enum_check("trial_state", TrialState),
        CheckConstraint("(kind = 'client') = (reseller_id IS NOT NULL)", name="attached"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="name_length"),
        Index("uq_accounts_name_key", "name_key", unique=True, postgresql_where=text("purged_at IS NULL")),
        Index("uq_accounts_looks_key", "looks_key", unique=True, postgresql_where=ALIKE),
        Index("ix_accounts_looks_clash", "looks_key", postgresql_where=text("looks_clash")),
        UniqueConstraint("programme", "external_id"),
        Index("uq_accounts_client_id", "reseller_id", "client_external_id", unique=True, postgresql_where=NAMED),
        Index("ix_accounts_email_key", "email_key"),
        Index("ix_accounts_reseller_id", "reseller_id", "id", postgresql_where=text("reseller_id IS NOT NULL")),
        Index("ix_accounts_clients_by_name", "reseller_id", "name_key", "id", postgresql_where=LISTED),
        Index("ix_accounts_clients_by_age", "reseller_id", "created_at", "id", postgresql_where=LISTED),
        Index("ix_accounts_clients_by_trial", "reseller_id", TRIAL_END, "id", postgresql_where=LISTED),
        *(Index(f"ix_accounts_{name}", name, "id") for name in ("kind", "programme")),
        Index("ix_accounts_trial_ends_at", "trial_ends_at", postgresql_where=text("trial_state = 'running'")),
        Index("ix_accounts_deleted_at", "deleted_at", postgresql_where=RESTORABLE),
    )


class SuspensionAuthority(StrEnum):
    """Who may lift a suspension: a reseller, its own; an operator, each."""

    OPERATOR = "operator"
    RESELLER = "reseller"


class Suspension(Base):
    """Why an account is suspended: by an act on itself (`via` is the account), or through its reseller's (`via`).

    `with_clients`: the act was on a reseller with all its clients, those to come included.
    """

    __tablename__ = "suspensions"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    via: Mapped[UUID] = mapped_column(primary_key=True)
    authority: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str | None]
    with_clients: Mapped[bool] = mapped_column(server_default=text("false"))
    at: Mapped[datetime]

    __table_args__ = (
        enum_check("authority", SuspensionAuthority),
        Index("ix_suspensions_via", "via", postgresql_where=text("via <> account_id")),
    )


class AdminAddress(Base):
    """An admin address that an account has or had, by the account's `email_version` at the time.

    `replaced`: the address before it, None for an account's first; `handed_over`: that one was the reseller's own.
    `confirmed_at`: its owner used a link sent to it. `objected_at`: the owner of the one before objected; `freed_at`:
    an operator freed the offers held since.
    """

    __tablename__ = "admin_addresses"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    address: Mapped[str]
    replaced: Mapped[str | None]
    set_by: Mapped[str]
    set_at: Mapped[datetime]
    handed_over: Mapped[bool] = mapped_column(server_default=text("false"))
    confirmed_at: Mapped[datetime | None]
    objected_at: Mapped[datetime | None]
    freed_at: Mapped[datetime | None]

    __table_args__ = (enum_check("set_by", SetBy),)


class ConnectFailure(Base):
    """A wrong password in a reseller's attempt to connect an account."""

    __tablename__ = "connect_failures"

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    reseller_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name_key: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (
        Index("ix_connect_failures_reseller_id", "reseller_id", "at"),
        Index("ix_connect_failures_name_key", "name_key", "at"),
    )


class TrialClaim(Base):
    """Digest of an identity (kontor.usage.rules.trial_identity) that has had its trial in a programme."""

    __tablename__ = "trial_claims"

    programme: Mapped[str] = mapped_column(primary_key=True)
    identity: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    at: Mapped[datetime]


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


class BrandRow(Base):
    """A reseller's brand, or its overrides for one client. None: not set.

    `logo` and `favicon`: the digests of the images in force, made of what the URLs led to.
    """

    __tablename__ = "brands"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    name: Mapped[str | None]
    logo_url: Mapped[str | None]
    colours: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'::jsonb"))
    favicon_url: Mapped[str | None]
    domain: Mapped[str | None]
    domain_set_by: Mapped[str | None]
    from_address: Mapped[str | None]
    support: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'::jsonb"))
    logo: Mapped[str | None]
    favicon: Mapped[str | None]
    updated_at: Mapped[datetime]

    __table_args__ = (enum_check("domain_set_by", SetBy),)


class BrandImage(Base):
    """An image named by a URL, fetched once. `problem`: why the last attempt failed, as a FailureCause."""

    __tablename__ = "brand_images"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    state: Mapped[str]
    problem: Mapped[str | None]
    requested_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]

    __table_args__ = (enum_check("role", ImageRole), enum_check("state", ImageState))


class ImageFile(Base):
    """A PNG made by Kontor; `digest` is the SHA-256 of its content, in hexadecimal digits. Old mails refer to it."""

    __tablename__ = "image_files"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_image_files_digest", "digest"),)


class VerifiedDomain(Base):
    """A sending or link domain that an account claims; `verified_at` is None until verified.

    `account_id`: the reseller (also for overrides of a client), or a regular account. `missing_since`: when the record
    of a domain verified by DNS was first missed. `seen`: its SPF, DKIM and DMARC records.
    """

    __tablename__ = "verified_domains"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    missing_since: Mapped[datetime | None]
    last_error: Mapped[str | None]
    seen: Mapped[dict[str, str | None] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_verified_domains_domain", "domain"),)
