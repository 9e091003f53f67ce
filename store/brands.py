"""SQL of brands and of the domains that were proven."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.orm import Session, aliased

from models.accounts import Account
from models.brands import BrandRow, VerifiedDomain
from models.programmes import ProgrammeRow


@dataclass(frozen=True, slots=True)
class Voices:
    """All that decides in whose name an account is spoken to. `proven` are verified domains."""

    account: Account
    reseller: Account | None
    own: BrandRow | None
    theirs: BrandRow | None
    proven: frozenset[str]
    digest: str


def voices(session: Session, account_id: UUID, reseller_id: UUID | None = None) -> Voices | None:
    """Load an account with its reseller (or the one named), both brands and their domains."""
    reseller, own, theirs = aliased(Account), aliased(BrandRow), aliased(BrandRow)
    whose = Account.reseller_id if reseller_id is None else reseller_id
    owner = func.coalesce(reseller.id, Account.id)
    domains = (
        select(func.array_agg(VerifiedDomain.domain, type_=ARRAY(TEXT)))
        .where(VerifiedDomain.account_id == owner, VerifiedDomain.verified_at.is_not(None))
        .correlate(Account, reseller)
        .scalar_subquery()
    )
    query = (
        select(Account, reseller, own, theirs, domains, ProgrammeRow.digest)
        .join(ProgrammeRow, ProgrammeRow.code == Account.programme)
        .outerjoin(reseller, reseller.id == whose)
        .outerjoin(own, own.account_id == Account.id)
        .outerjoin(theirs, theirs.account_id == reseller.id)
        .where(Account.id == account_id)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    return Voices(row[0], row[1], row[2], row[3], frozenset(row[4] or ()), row[5])


def by_account(session: Session, account_id: UUID) -> BrandRow | None:
    """What an account has set."""
    return session.get(BrandRow, account_id)


def put(session: Session, values: Mapping[str, Any]) -> BrandRow:
    """Insert or replace a brand; `values` holds every column."""
    statement = insert(BrandRow).values(**values)
    replacing = statement.on_conflict_do_update(index_elements=["account_id"], set_=dict(values))
    fresh = {"populate_existing": True}
    return session.scalars(replacing.returning(BrandRow), execution_options=fresh).one()


def drop(session: Session, account_id: UUID) -> None:
    """Forget a brand."""
    row = session.get(BrandRow, account_id)
    if row is not None:
        session.delete(row)


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


def mark_domain(session: Session, account_id: UUID, domain: str, values: Mapping[str, Any]) -> None:
    """Write what is known of a claim."""
    mine = (VerifiedDomain.account_id == account_id, VerifiedDomain.domain == domain)
    session.execute(update(VerifiedDomain).where(*mine).values(**values))


def proven_domains(session: Session, account_ids: Iterable[UUID]) -> frozenset[str]:
    """Domains that any of these accounts has proven."""
    owners = or_(*(VerifiedDomain.account_id == one for one in account_ids))
    query = select(VerifiedDomain.domain).where(owners, VerifiedDomain.verified_at.is_not(None))
    return frozenset(session.scalars(query))
