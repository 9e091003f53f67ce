"""Cookies of the console: `__Host-` and Secure when the console's address is https, whatever a request says."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from kontor.http.context import Deps
from kontor.http.cookies import DAY_SECONDS, CookieStore
from kontor.http.incoming import IncomingRequest

SESSION: Final = "console"
DEVICE: Final = "console-device"
TICKET: Final = "console-ticket"
STEP: Final = "console-step"
PROVIDER: Final = "console-provider"
THEME: Final = "console-theme"
MAX_AGE: Final[Mapping[str, int]] = {
    SESSION: DAY_SECONDS // 2,
    DEVICE: 30 * DAY_SECONDS,
    TICKET: DAY_SECONDS // 2,
    STEP: 600,
    PROVIDER: 600,
    THEME: 365 * DAY_SECONDS,
}


def is_secure(deps: Deps) -> bool:
    """Return whether the console is reached over https alone."""
    return urlsplit(deps.staff_url).scheme == "https"


def store(deps: Deps) -> CookieStore:
    """Return the cookies of the console's host."""
    return CookieStore(is_secure(deps), MAX_AGE)


def read(deps: Deps, incoming: IncomingRequest, name: str) -> str:
    """Return the value of a cookie; empty without one."""
    return store(deps).read(incoming, name)


def write(response: Response, deps: Deps, cookies: Mapping[str, str]) -> Response:
    """Set cookies, and delete those with an empty value."""
    return store(deps).write(response, cookies)
