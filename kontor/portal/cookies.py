"""Cookies of the portal: no product's name in them, `__Host-` and Secure where the host is reached over https."""

import re
import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from kontor.http.context import Deps
from kontor.http.cookies import DAY_SECONDS, CookieStore
from kontor.http.incoming import IncomingRequest

SESSION: Final = "session"
DEVICE: Final = "device"
TICKET: Final = "ticket"
STEP: Final = "step"
LANGUAGE: Final = "language"
FORM_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
LIVES: Final[Mapping[str, int]] = {
    SESSION: 30 * DAY_SECONDS,
    DEVICE: 30 * DAY_SECONDS,
    TICKET: DAY_SECONDS // 2,
    STEP: 600,
    LANGUAGE: 365 * DAY_SECONDS,
}


def store(deps: Deps) -> CookieStore:
    """Return the cookies of the portal's hosts; a domain is reached as the provider's host is."""
    return CookieStore(urlsplit(deps.public_url).scheme == "https", LIVES)


def ticket_of(deps: Deps, incoming: IncomingRequest) -> str:
    """Return the secret of this browser's forms before it is signed in, a new one if it has none."""
    ticket = store(deps).read(incoming, TICKET)
    return ticket if FORM_SECRET.fullmatch(ticket) else secrets.token_urlsafe(24)
