"""Unsubscribing from reminders and digests by a link, without sign-in."""

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
    """An address and the kind of mail it can unsubscribe from."""

    address_key: str
    template: str


def link(tokens: Tokens, way_out: WayOut, made_at: datetime) -> str:
    """Return the path of an unsubscribe link; it is valid for a year."""
    content = {"address": way_out.address_key, "template": way_out.template}
    return f"/unsubscribe/{tokens.make(PURPOSE, content, made_at + LIFE)}"


def show(tokens: Tokens, token: str, now: datetime) -> WayOut:
    """Return the content of a link; changes nothing. Raises NotFound (forged), Gone (expired)."""
    content = tokens.read(PURPOSE, token, now)
    return WayOut(content["address"], content["template"])


def leave(session: Session, tokens: Tokens, token: str, now: datetime) -> WayOut:
    """Stop sending this kind of mail to this address; a repeat changes nothing.

    Raises NotFound (forged), Gone (expired).
    """
    target = show(tokens, token, now)
    rows.opt_out(session, target.address_key, target.template, now)
    return target
