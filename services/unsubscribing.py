"""The way out of reminders and digests: one click, no sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from services.tokens import Tokens
from store import mails as rows

PURPOSE: Final = "unsubscribe"
LIFE: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class WayOut:
    """An address, and the kind of mail it may leave."""

    address_key: str
    template: str


def link(tokens: Tokens, way_out: WayOut, made_at: datetime) -> str:
    """The path that stands in the mail; it works for a year."""
    carried = {"address": way_out.address_key, "template": way_out.template}
    return f"/unsubscribe/{tokens.make(PURPOSE, carried, made_at + LIFE)}"


def show(tokens: Tokens, token: str, now: datetime) -> WayOut:
    """What a link leads to; changes nothing. Raises NotFound (forged), Gone (expired)."""
    carried = tokens.read(PURPOSE, token, now)
    return WayOut(carried["address"], carried["template"])


def leave(session: Session, tokens: Tokens, token: str, now: datetime) -> WayOut:
    """Send this kind of mail to this address no more; again changes nothing.

    Raises NotFound (forged), Gone (expired).
    """
    way_out = show(tokens, token, now)
    rows.opt_out(session, way_out.address_key, way_out.template, now)
    return way_out
