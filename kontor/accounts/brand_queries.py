"""Queries on brands, their images and verified domains."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from sqlalchemy import Select, Uuid, and_, bindparam, delete, func, literal, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.orm import Session, aliased

from kontor.kernel.states import ImageRole, ImageState
from models.accounts import Account, BrandImage, BrandRow, ImageFile, VerifiedDomain
from models.programmes import ProgrammeRow


@dataclass(frozen=True, slots=True)
class StoredBrand:
    """Stored settings of a brand."""

    name: str | None
    logo_url: str | None
    colours: dict[str, str]
    favicon_url: str | None
    domain: str | None
    from_address: str | None
    support: dict[str, str]
    logo: str | None = None
    favicon: str | None = None


@dataclass(frozen=True, slots=True)
class BrandingRow:
    """Data that determines the brand of an account's mails and pages; `contact` is its reseller's admin address."""

    kind: str
    name: str
    timezone: str
    programme: str
    digest: str
    reseller: str | None
    contact: str | None
    verified_domains: frozenset[str]
    own_brand: StoredBrand | None
    reseller_brand: StoredBrand | None


RESELLER, OWN_BRAND, RESELLER_BRAND = aliased(Account), aliased(BrandRow), aliased(BrandRow)
SETTINGS = tuple(setting.name for setting in fields(StoredBrand))


def _voices() -> Select[Any]:
    """Build the statement once, with only the columns needed, because it runs for every mail."""
    reseller_id = func.coalesce(bindparam("speaker", type_=Uuid), Account.reseller_id)
    domains = (
        select(func.array_agg(VerifiedDomain.domain, type_=ARRAY(TEXT)))
        .where(
            VerifiedDomain.account_id == func.coalesce(RESELLER.id, Account.id),
            VerifiedDomain.verified_at.is_not(None),
        )
        .correlate(Account, RESELLER)
        .scalar_subquery()
    )
    account_columns = (
        Account.kind,
        Account.name,
        Account.timezone,
        Account.programme,
        ProgrammeRow.digest,
        RESELLER.name,
        RESELLER.admin_email,
    )
    brand_columns = [
        getattr(table, name) for table in (OWN_BRAND, RESELLER_BRAND) for name in ("account_id", *SETTINGS)
    ]
    return (
        select(*account_columns, domains, *brand_columns)
        .join(ProgrammeRow, ProgrammeRow.code == Account.programme)
        .outerjoin(RESELLER, RESELLER.id == reseller_id)
        .outerjoin(OWN_BRAND, OWN_BRAND.account_id == Account.id)
        .outerjoin(RESELLER_BRAND, RESELLER_BRAND.account_id == RESELLER.id)
        .where(Account.id == bindparam("account_id", type_=Uuid))
    )


BRANDING_QUERY = _voices()


def branding_row(session: Session, account_id: UUID, speaker: UUID | None = None) -> BrandingRow | None:
    """Return the brands of an account and of its reseller, or of `speaker` instead of its reseller."""
    params = {"account_id": account_id, "speaker": speaker}
    row = session.execute(BRANDING_QUERY, params).one_or_none()
    if row is None:
        return None
    kind, name, timezone, programme, digest, reseller, contact, domains, *rest = row
    own_brand, reseller_brand = _brand(rest[: len(SETTINGS) + 1]), _brand(rest[len(SETTINGS) + 1 :])
    proven = frozenset(domains or ())
    return BrandingRow(kind, name, timezone, programme, digest, reseller, contact, proven, own_brand, reseller_brand)


def _brand(columns: Sequence[Any]) -> StoredBrand | None:
    return StoredBrand(*columns[1:]) if columns[0] is not None else None


def by_account(session: Session, account_id: UUID, *, fresh: bool = False) -> BrandRow | None:
    """Return the stored brand of an account; `fresh`: as it stands in the database."""
    return session.get(BrandRow, account_id, populate_existing=fresh)


def account_with_domain(session: Session, domain: str, owners: Collection[UUID]) -> Account | None:
    """Return the oldest account whose brand has a domain, of those that verified it or their clients."""
    owned = or_(Account.id.in_(owners), Account.reseller_id.in_(owners))
    query = select(Account).join(BrandRow, BrandRow.account_id == Account.id).where(BrandRow.domain == domain, owned)
    return session.scalars(query.order_by(Account.id).limit(1)).one_or_none()


def put(session: Session, values: Mapping[str, object]) -> BrandRow:
    """Insert or replace a brand; `values` holds every column."""
    statement = insert(BrandRow).values(**values)
    upsert = statement.on_conflict_do_update(index_elements=["account_id"], set_=dict(values))
    options = {"populate_existing": True}
    return session.scalars(upsert.returning(BrandRow), execution_options=options).one()


def delete_brands(session: Session, account_ids: Sequence[UUID]) -> None:
    """Delete brands; the files of their images stay for mails that show them."""
    session.execute(delete(BrandImage).where(BrandImage.account_id.in_(account_ids)))
    session.execute(delete(BrandRow).where(BrandRow.account_id.in_(account_ids)))


def claim_domain(session: Session, account_id: UUID, domain: str, token: str, now: datetime) -> None:
    """Insert an account's claim on a domain; an earlier claim stays unchanged."""
    values = {"account_id": account_id, "domain": domain, "token": token, "created_at": now}
    session.execute(insert(VerifiedDomain).values(**values).on_conflict_do_nothing())


def domain_claims(
    session: Session, *, domain: str | None = None, account_id: UUID | None = None
) -> list[VerifiedDomain]:
    """Return claims in a fixed order, optionally of one domain or one account."""
    query = select(VerifiedDomain).order_by(VerifiedDomain.domain, VerifiedDomain.account_id)
    if domain is not None:
        query = query.where(VerifiedDomain.domain == domain)
    if account_id is not None:
        query = query.where(VerifiedDomain.account_id == account_id)
    return list(session.scalars(query))


def lock_claim(session: Session, account_id: UUID, domain: str) -> VerifiedDomain | None:
    """Lock and return an account's claim on a domain."""
    query = select(VerifiedDomain).where(VerifiedDomain.account_id == account_id, VerifiedDomain.domain == domain)
    locked = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(locked).one_or_none()


def due_claims(session: Session, fresh_since: datetime, daily_since: datetime, limit: int) -> list[VerifiedDomain]:
    """Return the claims of active accounts to look up: unverified fresh ones, any not looked up since `daily_since`.

    Those looked up longest ago come first.
    """
    fresh = and_(VerifiedDomain.verified_at.is_(None), VerifiedDomain.created_at > fresh_since)
    due = or_(VerifiedDomain.checked_at.is_(None), VerifiedDomain.checked_at <= daily_since, fresh)
    query = select(VerifiedDomain).join(Account, Account.id == VerifiedDomain.account_id)
    query = query.where(due, Account.deleted_at.is_(None))
    order = (VerifiedDomain.checked_at.asc().nulls_first(), VerifiedDomain.domain, VerifiedDomain.account_id)
    return list(session.scalars(query.order_by(*order).limit(limit)))


def brand_names_of_others(session: Session, programme: str, owner: UUID) -> list[str]:
    """Return the brand names of a programme's other resellers, those for their clients included."""
    query = select(BrandRow.name).join(Account, Account.id == BrandRow.account_id)
    others = func.coalesce(Account.reseller_id, Account.id) != owner
    return [name for name in session.scalars(query.where(Account.programme == programme, others)) if name is not None]


URLS = {ImageRole.LOGO: BrandRow.logo_url, ImageRole.FAVICON: BrandRow.favicon_url}
FILE = (
    "SELECT f.content, coalesce(a.reseller_id, a.id) FROM image_files AS f JOIN accounts AS a ON a.id = f.account_id"
    " WHERE f.digest = %s"
)


def image(session: Session, account_id: UUID, role: ImageRole, *, lock: bool = False) -> BrandImage | None:
    """Return what was requested for a role of an account's brand; lock it before a change."""
    return session.get(BrandImage, (account_id, role.value), with_for_update=lock or None, populate_existing=lock)


def images_of(session: Session, account_id: UUID) -> list[BrandImage]:
    """Return what was requested for an account's brand, favicon first."""
    query = select(BrandImage).where(BrandImage.account_id == account_id).order_by(BrandImage.role)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def put_request(
    session: Session,
    account_id: UUID,
    role: ImageRole,
    url: str,
    now: datetime,
    state: ImageState = ImageState.WAITING,
) -> None:
    """Insert or replace a request; it waits, or what is at the URL is here already."""
    fetched_at = now if state is ImageState.READY else None
    values = {"url": url, "state": state.value, "problem": None, "requested_at": now, "fetched_at": fetched_at}
    statement = insert(BrandImage).values(account_id=account_id, role=role.value, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["account_id", "role"], set_=values))


def forget(session: Session, account_id: UUID, role: ImageRole) -> None:
    """Delete a request, and put no image in force."""
    session.execute(delete(BrandImage).where(BrandImage.account_id == account_id, BrandImage.role == role.value))
    put_in_force(session, account_id, role, None)


def put_in_force(session: Session, account_id: UUID, role: ImageRole, digest: str | None) -> None:
    """Set which file is the image of an account's brand."""
    session.execute(update(BrandRow).where(BrandRow.account_id == account_id).values({role.value: digest}))


def put_url(session: Session, account_id: UUID, role: ImageRole, url: str | None, now: datetime) -> None:
    """Set the URL of an image of a brand."""
    values = {f"{role.value}_url": url, "updated_at": now}
    session.execute(update(BrandRow).where(BrandRow.account_id == account_id).values(values))


def put_uploaded(session: Session, account_id: UUID, role: ImageRole, url: str, digest: str, now: datetime) -> None:
    """Set URL and file of an image that was uploaded; without a brand, insert one that holds nothing else."""
    values = {role.value: digest, f"{role.value}_url": url, "updated_at": now}
    statement = insert(BrandRow).values(account_id=account_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["account_id"], set_=values))


def put_file(session: Session, account_id: UUID, digest: str, content: bytes, now: datetime) -> None:
    """Insert a file; the same content stays as it is."""
    values = {"account_id": account_id, "digest": digest, "content": content, "created_at": now}
    session.execute(insert(ImageFile).values(**values).on_conflict_do_nothing())


def unrequested(session: Session, limit: int) -> Sequence[tuple[UUID, UUID | None, str, str]]:
    """Return (account, reseller, role, URL) of images that brands name and nobody requested.

    They are of before there were images, or were set by an earlier release during an upgrade.
    """
    parts = []
    for role, url in URLS.items():
        asked = select(BrandImage.url).where(
            BrandImage.account_id == BrandRow.account_id, BrandImage.role == role.value
        )
        former = asked.correlate(BrandRow).scalar_subquery()
        query = select(BrandRow.account_id, Account.reseller_id, literal(role.value), url)
        query = query.join(Account, Account.id == BrandRow.account_id)
        parts.append(query.where(url.is_not(None), or_(former.is_(None), former != url)))
    rows = session.execute(union_all(*parts).limit(limit)).all()
    return [(account_id, reseller_id, role, url) for account_id, reseller_id, role, url in rows if url]


def file_on(connection: Connection[Any], digest: str) -> list[tuple[bytes, UUID]]:
    """Return a file with each reseller or regular account whose it is."""
    return connection.execute(FILE, (digest,)).fetchall()
