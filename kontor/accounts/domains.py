"""Sending and link domains: claimed by a brand, verified by DNS or by an operator."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import brand_queries
from kontor.accounts.schemas import DnsRecordOut, DomainOut
from kontor.kernel.errors import NotFound
from kontor.kernel.ports import DnsUnavailable, TxtResolver, is_verified, txt_name, txt_value
from models.accounts import Account, VerifiedDomain

VERIFIED_BY_DNS: Final = "dns"


def owner_of(account: Account) -> UUID:
    """Return the account that verifies an account's domains: its reseller, or itself."""
    return account.reseller_id or account.id


@dataclass(frozen=True, slots=True)
class DomainClaim:
    """A domain to verify for an account, with the token expected in DNS."""

    account_id: UUID
    domain: str
    token: str


@dataclass(frozen=True, slots=True)
class DnsResult:
    """Result of a DNS check; `verified` is None when DNS gave no answer."""

    claim: DomainClaim
    verified: bool | None
    error: str | None = None


def claims(session: Session, domain: str | None = None) -> list[DomainClaim]:
    """Return the claims on one domain, or on all. Raises NotFound for a domain without a claim."""
    stored = brand_queries.domain_claims(session, domain=domain.lower() if domain else None)
    if domain and not stored:
        raise NotFound("unknown_domain", f"No brand uses the domain {domain}.", domain=domain)
    return [DomainClaim(claim.account_id, claim.domain, claim.token) for claim in stored]


def check_dns(resolver: TxtResolver, claims: Iterable[DomainClaim]) -> list[DnsResult]:
    """Check claims in DNS. Call it with no transaction open."""
    return [_check(resolver, claim) for claim in claims]


def _check(resolver: TxtResolver, claim: DomainClaim) -> DnsResult:
    try:
        strings = resolver.txt(txt_name(claim.domain))
    except DnsUnavailable as error:
        return DnsResult(claim, None, error.message)
    if is_verified(claim.token, strings):
        return DnsResult(claim, True)
    expected = f'{txt_name(claim.domain)} TXT "{txt_value(claim.token)}"'
    return DnsResult(claim, False, f"Not found: {expected}")


def record_results(session: Session, findings: Sequence[DnsResult], now: datetime) -> None:
    """Store the results of DNS checks.

    A verification by an operator stays; a result without an answer does not revoke one.
    """
    claims = {(claim.account_id, claim.domain): claim for claim in brand_queries.domain_claims(session)}
    for finding in findings:
        row = claims.get((finding.claim.account_id, finding.claim.domain))
        if row is None:
            continue
        row.checked_at, row.last_error = now, finding.error
        if finding.verified and row.verified_at is None:
            row.verified_at, row.verified_by = now, VERIFIED_BY_DNS
        elif finding.verified is False and row.verified_by == VERIFIED_BY_DNS:
            row.verified_at = row.verified_by = None


def verify_manually(
    session: Session, domain: str, by: str, now: datetime, *, account: Account | None = None
) -> list[VerifiedDomain]:
    """Mark a domain as verified by an operator, for one account or for all that claim it. Raises NotFound."""
    name = domain.strip().lower()
    owner = owner_of(account) if account else None
    if owner is not None:
        brand_queries.claim_domain(session, owner, name, secrets.token_urlsafe(24), now)
    claims = brand_queries.domain_claims(session, domain=name, account_id=owner)
    if not claims:
        raise NotFound("unknown_domain", f"No brand uses the domain {name}.", domain=name)
    for row in claims:
        row.verified_at, row.verified_by, row.last_error = now, by, None
    session.flush()
    return claims


def revoke_verification(session: Session, domain: str, *, account: Account | None = None) -> list[VerifiedDomain]:
    """Revoke a verification; mails are sent from the provider's address again. Raises NotFound."""
    name = domain.strip().lower()
    claims = brand_queries.domain_claims(session, domain=name, account_id=owner_of(account) if account else None)
    if not claims:
        raise NotFound("unknown_domain", f"No brand uses the domain {name}.", domain=name)
    for row in claims:
        row.verified_at = row.verified_by = None
    session.flush()
    return claims


def domain_out(claim: VerifiedDomain) -> DomainOut:
    """Return a claim with the DNS record that verifies it."""
    return DomainOut(
        account_id=claim.account_id,
        domain=claim.domain,
        verified=claim.verified_at is not None,
        verified_at=claim.verified_at,
        verified_by=claim.verified_by,
        checked_at=claim.checked_at,
        last_error=claim.last_error,
        record=DnsRecordOut(name=txt_name(claim.domain), type="TXT", value=txt_value(claim.token)),
    )
