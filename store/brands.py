"""SQL of brands and of the domains that were proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.orm import Session, aliased

from models.accounts import Account
from models.brands import BrandRow, VerifiedDomain
from models.programmes import ProgrammeRow


@dataclass(frozen=True, slots=True)
class Brand:
    """What is set of a brand."""

    name: str | None
    logo_url: str | None
    colours: dict[str, str]
    favicon_url: str | None
    domain: str | None
    from_address: str | None
    support: dict[str, str]


@dataclass(frozen=True, slots=True)
class Voices:
    """All that decides in whose name an account is spoken to. `proven` are verified domains."""

    kind: str
    name: str
    timezone: str
    programme: str
    digest: str
    reseller: str | None
    proven: frozenset[str]
    own: Brand | None
    theirs: Brand | None


RESELLER, OWN, THEIRS = aliased(Account), aliased(BrandRow), aliased(BrandRow)
SETTINGS = tuple(one.name for one in fields(Brand))


def _voices() -> Select[Any]:
    """Built once, with the columns that are needed: the statement is asked for every mail."""
    whose = func.coalesce(bindparam("speaker", type_=Uuid), Account.reseller_id)
    domains = (
        select(func.array_agg(VerifiedDomain.domain, type_=ARRAY(TEXT)))
        .where(
            VerifiedDomain.account_id == func.coalesce(RESELLER.id, Account.id),
            VerifiedDomain.verified_at.is_not(None),
        )
        .correlate(Account, RESELLER)
        .scalar_subquery()
    )
    told = (Account.kind, Account.name, Account.timezone, Account.programme, ProgrammeRow.digest, RESELLER.name)
    brands = [getattr(one, name) for one in (OWN, THEIRS) for name in ("account_id", *SETTINGS)]
    return (
        select(*told, domains, *brands)
        .join(ProgrammeRow, ProgrammeRow.code == Account.programme)
        .outerjoin(RESELLER, RESELLER.id == whose)
        .outerjoin(OWN, OWN.account_id == Account.id)
        .outerjoin(THEIRS, THEIRS.account_id == RESELLER.id)
        .where(Account.id == bindparam("account_id", type_=Uuid))
    )


VOICES = _voices()


def voices(session: Session, account_id: UUID, speaker: UUID | None = None) -> Voices | None:
    """What an account's reseller (or the one named) and itself have set."""
    asked = {"account_id": account_id, "speaker": speaker}
    row = session.execute(VOICES, asked).one_or_none()
    if row is None:
        return None
    kind, name, timezone, programme, digest, reseller, domains, *rest = row
    own, theirs = _brand(rest[: len(SETTINGS) + 1]), _brand(rest[len(SETTINGS) + 1 :])
    return Voices(kind, name, timezone, programme, digest, reseller, frozenset(domains or ()), own, theirs)


def _brand(columns: Sequence[Any]) -> Brand | None:
    return Brand(*columns[1:]) if columns[0] is not None else None


def by_account(session: Session, account_id: UUID) -> BrandRow | None:
    """What an account has set."""
    return session.get(BrandRow, account_id)


def put(session: Session, values: Mapping[str, Any]) -> BrandRow:
    """Insert or replace a brand; `values` holds every column."""
    statement = insert(BrandRow).values(**values)
    replacing = statement.on_conflict_do_update(index_elements=["account_id"], set_=dict(values))
    fresh = {"populate_existing": True}
    return session.scalars(replacing.returning(BrandRow), execution_options=fresh).one()


def drop(session: Session, account_ids: Sequence[UUID]) -> None:
    """Forget brands."""
    session.execute(delete(BrandRow).where(BrandRow.account_id.in_(account_ids)))


def claim_domain(session: Session, account_id: UUID, domain: str, token: str, now: datetime) -> None:
    """Note that an account wants to use a domain; keeps an earlier claim as it is."""
    values = {"account_id": account_id, "domain": domain, "token": token, "created_at": now}
    session.execute(insert(VerifiedDomain).values(**values).on_conflict_do_nothing())


def domain_claims(
    session: Session, *, domain: str | None = None, account_id: UUID | None = None
) -> list[VerifiedDomain]:
    """Claims, of one domain or one account if named, in a fixed order."""
    query = select(VerifiedDomain).order_by(VerifiedDomain.domain, VerifiedDomain.account_id)
    if domain is not None:
        query = query.where(VerifiedDomain.domain == domain)
    if account_id is not None:
        query = query.where(VerifiedDomain.account_id == account_id)
    return list(session.scalars(query))
