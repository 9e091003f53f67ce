"""Leaving one kind of reminder, by the link that stands in each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from domain.errors import NotFound
from services.dispatch import UNSUBSCRIBE
from services.tokens import Tokens
from store import mails


@dataclass(frozen=True, slots=True)
class OptOut:
    """An address, without case, and the kind of mail it leaves."""

    address: str
    template: str


def wanted(tokens: Tokens, token: str, real: datetime) -> OptOut:
    """What a link asks for; `real` is wall time. Raises NotFound (forged), Gone (over a year old)."""
    carried = tokens.read(UNSUBSCRIBE, token, real)
    try:
        return OptOut(str(carried["address"]), str(carried["template"]))
    except KeyError:
        raise NotFound("unknown_token", "This link is not one of ours.") from None


def opt_out(session: Session, asked: OptOut, now: datetime) -> None:
    """Send this kind of mail to the address no more; again changes nothing."""
    mails.opt_out(session, asked.address, asked.template, now)
