"""Sending and link domains: each claim is verified for its claimant alone, by DNS or by an operator."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor import audit
from kontor.accounts import brand_queries, queries
from kontor.audit import Actor
from kontor.context import Context
from kontor.http.visibility import ActorOut
from kontor.http.wire import ResponseModel, UtcOut
from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.ports import DnsUnavailable, TxtResolver, is_verified, txt_name, txt_value
from kontor.mails import service as mails
from kontor.webhooks import events
from models.accounts import Account, VerifiedDomain

VERIFIED_BY_DNS: Final = "dns"
FRESH: Final = timedelta(days=3)
"""So long after it was made, an unverified claim is looked up at every run of the schedule; later daily."""

DAILY: Final = timedelta(days=1)
LOST_AFTER: Final = timedelta(days=3)
AT_ONCE: Final = 4
"""Look-ups at once."""


class DnsRecordOut(ResponseModel):
    """The DNS record that verifies a domain."""

    name: str
    type: str
    value: str


class DomainOut(ResponseModel):
    """A domain that the brand uses, and whether it is verified."""

    account_id: UUID
    domain: str
    verified: bool
    verified_at: UtcOut | None
    verified_by: ActorOut | None
    checked_at: UtcOut | None
    last_error: str | None
    record: DnsRecordOut


def owner_of(account: Account) -> UUID:
    """Return the account that verifies an account's domains: its reseller, or itself."""
    return account.reseller_id or account.id


@dataclass(frozen=True, slots=True)
class DomainClaim:
    """A domain to verify for an account, with the token expected in DNS."""

    account_id: UUID
    domain: str
    token: str

    @classmethod
    def of(cls, row: VerifiedDomain) -> DomainClaim:
        """Return a stored claim."""
        return cls(row.account_id, row.domain, row.token)


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
        raise _unknown(domain)
    return [DomainClaim.of(row) for row in stored]


def due_claims(session: Session, now: datetime, limit: int) -> list[DomainClaim]:
    """Return the claims to look up now: fresh ones that are not verified, others once a day."""
    return [DomainClaim.of(row) for row in brand_queries.due_claims(session, now - FRESH, now - DAILY, limit)]


def check_dns(resolver: TxtResolver, claims: Iterable[DomainClaim]) -> list[DnsResult]:
    """Check claims in DNS, four at once. Call it with no transaction open."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(partial(_check, resolver), claims))


def _check(resolver: TxtResolver, claim: DomainClaim) -> DnsResult:
    try:
        return judged(claim, tuple(resolver.txt(txt_name(claim.domain))))
    except DnsUnavailable as error:
        return judged(claim, error)


def judged(claim: DomainClaim, answer: Iterable[str] | DnsUnavailable) -> DnsResult:
    """Judge the TXT strings of a claim's name, or the error that says why there was no answer."""
    if isinstance(answer, DnsUnavailable):
        return DnsResult(claim, None, answer.message)
    if is_verified(claim.token, answer):
        return DnsResult(claim, True)
    expected = f'{txt_name(claim.domain)} TXT "{txt_value(claim.token)}"'
    return DnsResult(claim, False, f"Not found: {expected}")


def record_results(ctx: Context, session: Session, results: Sequence[DnsResult], actor: Actor) -> int:
    """Store the results of DNS checks; return how many claims became verified or unverified.

    A verification by an operator stays. A missing record revokes one by DNS after three days; a result without an
    answer changes nothing.
    """
    changed = 0
    for result in sorted(results, key=lambda each: (each.claim.domain, each.claim.account_id)):
        row = brand_queries.lock_claim(session, result.claim.account_id, result.claim.domain)
        if row is None or row.token != result.claim.token:
            continue
        row.checked_at, row.last_error = ctx.now, result.error
        changed += _record(ctx, session, row, result.verified, actor)
    session.flush()
    return changed


def _record(ctx: Context, session: Session, row: VerifiedDomain, verified: bool | None, actor: Actor) -> bool:
    if verified is None:
        return False
    if verified:
        row.missing_since = None
        return _verify(ctx, session, row, VERIFIED_BY_DNS, actor) if row.verified_at is None else False
    if row.verified_by != VERIFIED_BY_DNS:
        return False
    if row.missing_since is None:
        row.missing_since = ctx.now
    if ctx.now - row.missing_since < LOST_AFTER:
        return False
    missing_since, row.missing_since = row.missing_since, None
    row.verified_at = row.verified_by = None
    _notify(ctx, session, row, actor, missing_since)
    return True


def _verify(ctx: Context, session: Session, row: VerifiedDomain, by: str, actor: Actor) -> bool:
    news = row.verified_at is None
    row.verified_at, row.verified_by, row.last_error, row.missing_since = ctx.now, by, None, None
    if news:
        _notify(ctx, session, row, actor)
    return news


def _notify(
    ctx: Context, session: Session, row: VerifiedDomain, actor: Actor, missing_since: datetime | None = None
) -> None:
    """Tell of a domain that was verified or, with `missing_since`, lost: audit log, event, mail to the claimant."""
    lost = row.verified_at is None
    action = "domain.lost" if lost else "domain.verified"
    method = None if lost else "dns" if row.verified_by == VERIFIED_BY_DNS else "provider"
    data = {"account_id": str(row.account_id), "domain": row.domain, "by": row.verified_by, "method": method}
    audit.record(session, actor, action, f"account:{row.account_id}", at=ctx.now, detail=data)
    account = queries.by_id(session, row.account_id)
    if account is None or account.deleted_at is not None:
        return
    seq = events.emit(session, ctx.jobs, action, account, data, at=ctx.now)
    if lost and missing_since is None:
        return
    facts: dict[str, object] = {"account": account.name, "domain": row.domain}
    if lost:
        facts["missing_since"] = missing_since
    template = "domain-lost" if lost else "domain-verified"
    mails.post(session, ctx.jobs, template=template, account=account, facts=facts, fact_key=str(seq))


def verify_manually(ctx: Context, session: Session, domain: str, account: Account, actor: Actor) -> VerifiedDomain:
    """Mark a domain as verified by an operator, for the claim of one account (a client's: of its reseller) alone."""
    name, owner = domain.strip().lower(), owner_of(account)
    brand_queries.claim_domain(session, owner, name, secrets.token_urlsafe(24), ctx.now)
    row = brand_queries.lock_claim(session, owner, name)
    assert row is not None
    _verify(ctx, session, row, actor.name, actor)
    row.verified_by = actor.name
    session.flush()
    return row


def claim_of(session: Session, domain: str, account: Account | None) -> VerifiedDomain:
    """Lock and return the claim on a domain. Raises NotFound; Invalid if no account is named and several claim it."""
    name = domain.strip().lower()
    stored = brand_queries.domain_claims(session, domain=name, account_id=owner_of(account) if account else None)
    if not stored:
        raise _unknown(name)
    if len(stored) > 1:
        message = f"Several accounts claim the domain {name}: name one of them."
        claimants = ", ".join(str(row.account_id) for row in stored)
        raise Invalid("account_required", message, errors=[FieldError("account", f"one of {claimants}")])
    row = brand_queries.lock_claim(session, stored[0].account_id, name)
    if row is None:
        raise _unknown(name)
    return row


def revoke_verification(
    ctx: Context, session: Session, domain: str, actor: Actor, account: Account | None = None
) -> VerifiedDomain:
    """Revoke a verification; mails are sent from the provider's address again. Raises as `claim_of`."""
    row = claim_of(session, domain, account)
    if row.verified_at is not None:
        row.verified_at = row.verified_by = row.missing_since = None
        _notify(ctx, session, row, actor)
    session.flush()
    return row


def _unknown(domain: str) -> NotFound:
    return NotFound("unknown_domain", f"No brand uses the domain {domain}.", domain=domain)


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
