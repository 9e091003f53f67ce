"""Cookies of pages: `__Host-` and Secure where the host's address is https, whatever a request says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kontor.http.incoming import IncomingRequest

HOST_PREFIX: Final = "__Host-"
DAY_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class CookieStore:
    """The cookies of one host. `secure`: it is reached over https alone."""

    secure: bool
    lives: Mapping[str, int]
    """Seconds that a browser keeps each cookie."""

    def name_of(self, name: str) -> str:
        """Return the name under which a browser holds a cookie."""
        return f"{HOST_PREFIX}{name}" if self.secure else name

    def read(self, incoming: IncomingRequest, name: str) -> str:
        """Return the value of a cookie; empty without one."""
        return incoming.cookies.get(self.name_of(name), "")

    def write(self, response: Response, cookies: Mapping[str, str]) -> Response:
        """Set cookies, and delete those with an empty value."""
        for name, value in cookies.items():
            response.set_cookie(
                self.name_of(name),
                value,
                max_age=self.lives[name] if value else 0,
                path="/",
                httponly=True,
                samesite="lax",
                secure=self.secure,
            )
        return response
