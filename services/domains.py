"""Sending and link domains: claimed by a brand, proven by DNS or by an operator's word."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.ports import TxtResolver
from domain.proofs import DnsUnavailable, is_proven, txt_name, txt_value
from models.accounts import Account
from models.brands import VerifiedDomain
from store import brands as rows

BY_DNS: Final = "dns"


def owner_of(account: Account) -> UUID:
    """Who proves the domains set for an account: its reseller, or the account itself."""
    return account.reseller_id or account.id


@dataclass(frozen=True, slots=True)
class Claim:
    """What DNS is to be asked about one account's domain."""

    account_id: UUID
    domain: str
    token: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What DNS said: `proven` is None when it gave no answer."""

    claim: Claim
    proven: bool | None
    error: str | None = None


def claims(session: Session, domain: str | None = None) -> list[Claim]:
    """What there is to ask, for one domain or all. Raises NotFound for a domain nobody claims."""
    found = rows.domain_claims(session, domain=domain.lower() if domain else None)
    if domain and not found:
        raise NotFound("unknown_domain", f"No brand uses the domain {domain}.", domain=domain)
    return [Claim(one.account_id, one.domain, one.token) for one in found]


def look_up(resolver: TxtResolver, asked: Iterable[Claim]) -> list[Finding]:
    """Ask DNS. Call it with no transaction open."""
    return [_finding(resolver, claim) for claim in asked]


def _finding(resolver: TxtResolver, claim: Claim) -> Finding:
    try:
        strings = resolver.txt(txt_name(claim.domain))
    except DnsUnavailable as problem:
        return Finding(claim, None, problem.message)
    if is_proven(claim.token, strings):
        return Finding(claim, True)
    wanted = f'{txt_name(claim.domain)} TXT "{txt_value(claim.token)}"'
    return Finding(claim, False, f"Not found: {wanted}")


def record(session: Session, findings: Sequence[Finding], now: datetime) -> None:
    """Write down what DNS said; an operator's word stands, no answer changes nothing."""
    known = {(one.account_id, one.domain): one for one in rows.domain_claims(session)}
    for finding in findings:
        row = known.get((finding.claim.account_id, finding.claim.domain))
        if row is None:
            continue
        row.checked_at, row.last_error = now, finding.error
        if finding.proven and row.verified_at is None:
            row.verified_at, row.verified_by = now, BY_DNS
        elif finding.proven is False and row.verified_by == BY_DNS:
            row.verified_at = row.verified_by = None


def mark(
    session: Session, domain: str, by: str, now: datetime, *, account: Account | None = None
) -> list[VerifiedDomain]:
    """An operator vouches for a domain, of one account or of all that claim it. Raises NotFound."""
    name = domain.strip().lower()
    owner = owner_of(account) if account else None
    if owner is not None:
        rows.claim_domain(session, owner, name, secrets.token_urlsafe(24), now)
    found = rows.domain_claims(session, domain=name, account_id=owner)
    if not found:
        raise NotFound("unknown_domain", f"No brand uses the domain {name}.", domain=name)
    for row in found:
        row.verified_at, row.verified_by, row.last_error = now, by, None
    session.flush()
    return found


def unmark(session: Session, domain: str, *, account: Account | None = None) -> list[VerifiedDomain]:
    """Take a proof back: mails go out from the provider's address again. Raises NotFound."""
    name = domain.strip().lower()
    found = rows.domain_claims(session, domain=name, account_id=owner_of(account) if account else None)
    if not found:
        raise NotFound("unknown_domain", f"No brand uses the domain {name}.", domain=name)
    for row in found:
        row.verified_at = row.verified_by = None
    session.flush()
    return found


def document(claim: VerifiedDomain) -> dict[str, Any]:
    """The JSON shape of a claim, with the record that proves it."""
    return {
        "account_id": claim.account_id,
        "domain": claim.domain,
        "verified": claim.verified_at is not None,
        "verified_at": claim.verified_at,
        "verified_by": claim.verified_by,
        "checked_at": claim.checked_at,
        "last_error": claim.last_error,
        "record": {
            "name": txt_name(claim.domain),
            "type": "TXT",
            "value": txt_value(claim.token),
        },
    }
