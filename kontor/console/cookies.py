"""Cookies of the console: `__Host-` and Secure when the console's address is https, whatever a request says."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from kontor.http.context import Deps
from kontor.http.incoming import IncomingRequest

SESSION: Final = "console"
DEVICE: Final = "console-device"
TICKET: Final = "console-ticket"
STEP: Final = "console-step"
PROVIDER: Final = "console-provider"
THEME: Final = "console-theme"
HOST_PREFIX: Final = "__Host-"
DAY_SECONDS: Final = 24 * 3600
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


def name_of(deps: Deps, name: str) -> str:
    """Return the name under which a browser holds a cookie."""
    return f"{HOST_PREFIX}{name}" if is_secure(deps) else name


def read(deps: Deps, incoming: IncomingRequest, name: str) -> str:
    """Return the value of a cookie; empty without one."""
    return incoming.cookies.get(name_of(deps, name), "")


def write(response: Response, deps: Deps, cookies: Mapping[str, str]) -> Response:
    """Set cookies, and delete those with an empty value."""
    for name, value in cookies.items():
        response.set_cookie(
            name_of(deps, name),
            value,
            max_age=MAX_AGE[name] if value else 0,
            path="/",
            httponly=True,
            samesite="lax",
            secure=is_secure(deps),
        )
    return response
