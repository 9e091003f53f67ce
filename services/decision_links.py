"""The capability that stands in the mail about an offer."""

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
    """What a token is bound to: an offer, its account, the version of the admin's address."""

    offer_id: UUID
    account_id: UUID
    email_version: int


def link_token(tokens: Tokens, offer: Offer, account: Account) -> str:
    """The token for the address as it is now; it expires with the offer."""
    carried = {"offer": offer.id.hex, "account": account.id.hex, "address": account.email_version}
    return tokens.make(PURPOSE, carried, offer.expires_at)


def read_token(tokens: Tokens, token: str) -> Bound:
    """What a token is bound to, expired or not. Raises NotFound when it is not one of ours."""
    carried = tokens.read_expired(PURPOSE, token)
    try:
        return Bound(UUID(hex=str(carried["offer"])), UUID(hex=str(carried["account"])), int(carried["address"]))
    except (KeyError, TypeError, ValueError):
        raise NotFound("unknown_token", "This link is not one of ours.") from None
