"""The evidence of a decision: by which way, which address, who set and confirmed it, from where."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import addresses
from kontor.accounts.brands import LinkDomain
from kontor.kernel.serialization import canonical_json
from models.accounts import Account, BrandRow

LONGEST_AGENT = 300


class DecisionWay(StrEnum):
    """The way of a decision."""

    LINK = "link"
    PORTAL = "portal"
    KEY = "key"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class DecisionSource:
    """Where a decision comes from. `link_base`: what the links of the account's mails begin with.

    `mailed`: the domain of the very link that was used; None for links of an earlier release. `public_url`: the
    provider's address.
    """

    via: DecisionWay
    origin: str = ""
    user_agent: str | None = None
    link_base: str | None = None
    mailed: LinkDomain | None = None
    public_url: str | None = None


@dataclass(frozen=True, slots=True)
class SaltedEvidence:
    """Evidence, and what the hash chain has of it."""

    values: dict[str, JsonValue]
    salt: str
    digest: str


def evidence_of(session: Session, account: Account, source: DecisionSource) -> SaltedEvidence:
    """Return the evidence of a decision that is made now."""
    address = addresses.current(session, account)
    host, domain_set_by = _link(session, account, source)
    confirmed_at = account.activated_at if address is None else address.confirmed_at
    values: dict[str, JsonValue] = {
        "via": source.via.value,
        "address": account.admin_email,
        "confirmed_at": None if confirmed_at is None else confirmed_at.isoformat().replace("+00:00", "Z"),
        "set_by": None if address is None else address.set_by,
        "link_host": host,
        "domain_set_by": domain_set_by,
        "origin": source.origin,
        "user_agent": None if source.user_agent is None else source.user_agent[:LONGEST_AGENT],
    }
    if _is_the_resellers(session, account):
        values["self_decided"] = True
    salt = secrets.token_hex(16)
    return SaltedEvidence(values, salt, salted_digest(values, salt))


def salted_digest(value: JsonValue, salt: str) -> str:
    """Return the SHA-256 of a value that the hash chain must not hold as text."""
    return hashlib.sha256(f"{salt}{canonical_json(value)}".encode()).hexdigest()


def _link(session: Session, account: Account, source: DecisionSource) -> tuple[str | None, str | None]:
    """Return the host of the link as it was mailed, whatever the brand says now, and who set its domain."""
    if source.mailed is not None and source.mailed.name:
        return source.mailed.name, source.mailed.set_by
    base = source.link_base if source.mailed is None else source.public_url
    host = None if base is None else urlsplit(base).hostname
    return host, None if host is None else _domain_set_by(session, account, host)


def _domain_set_by(session: Session, account: Account, host: str) -> str | None:
    """Return who set the domain that links lead to; None for the provider's."""
    owners = [owner for owner in (account.id, account.reseller_id) if owner is not None]
    query = select(BrandRow.domain_set_by).where(BrandRow.domain == host, BrandRow.account_id.in_(owners))
    return session.scalars(query).first()


def _is_the_resellers(session: Session, account: Account) -> bool:
    reseller = None if account.reseller_id is None else session.get(Account, account.reseller_id)
    return reseller is not None and reseller.email_key == account.email_key
