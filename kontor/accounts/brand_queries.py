"""Queries on brands and verified domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, and_, bindparam, delete, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.orm import Session, aliased

from models.accounts import Account, BrandRow, VerifiedDomain
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


def by_account(session: Session, account_id: UUID) -> BrandRow | None:
    """Return the brand stored for an account."""
    return session.get(BrandRow, account_id)


def put(session: Session, values: Mapping[str, object]) -> BrandRow:
    """Insert or replace a brand; `values` holds every column."""
    statement = insert(BrandRow).values(**values)
    upsert = statement.on_conflict_do_update(index_elements=["account_id"], set_=dict(values))
    options = {"populate_existing": True}
    return session.scalars(upsert.returning(BrandRow), execution_options=options).one()


def delete_brands(session: Session, account_ids: Sequence[UUID]) -> None:
    """Delete brands."""
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
