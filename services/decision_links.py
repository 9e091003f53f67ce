"""Token of the decision link in the mail about an offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.errors import NotFound
from models.accounts import Account
from models.offers import Offer
from services.tokens import Tokens

PURPOSE: Final = "offer-decision"


@dataclass(frozen=True, slots=True)
class Bound:
    """Content of a decision token: offer, account and version of the admin's address."""

    offer_id: UUID
    account_id: UUID
    email_version: int


def link_token(tokens: Tokens, offer: Offer, account: Account) -> str:
    """Return a token bound to the current admin address; it expires with the offer."""
    claims = {"offer": offer.id.hex, "account": account.id.hex, "address": account.email_version}
    return tokens.make(PURPOSE, claims, offer.expires_at)


def read_token(tokens: Tokens, token: str) -> Bound:
    """Return the content of a token, even an expired one. Raises NotFound for an invalid token."""
    claims = tokens.read_expired(PURPOSE, token)
    try:
        return Bound(UUID(hex=str(claims["offer"])), UUID(hex=str(claims["account"])), int(claims["address"]))
    except (KeyError, TypeError, ValueError):
        raise NotFound("unknown_token", "This link is not valid.") from None
