"""Check of the URLs that customers register for calls; runs before any transaction, because it asks DNS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from domain.addresses import all_may_connect
from domain.calling import Resolve
from domain.errors import FieldError, Invalid

HTTPS_PORT: Final = 443
URL_LIMIT: Final = 2_000


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Accepts only public https URLs.

    `allow_private` permits `http`, any port and any address (KONTOR_ALLOW_PRIVATE_INSTANCES).
    """

    resolve: Resolve
    allow_private: bool = False

    def check(self, url: str) -> str:
        """Return the URL if calls to it are allowed. Asks DNS. Raises Invalid(`forbidden_address`)."""
        parts = _split(url)
        host = parts.hostname
        if not host or parts.username is not None or parts.password is not None:
            raise _forbidden("The URL must have a host, and no user or password.")
        if parts.scheme != "https" and not (self.allow_private and parts.scheme == "http"):
            raise _forbidden("The URL must use https.")
        port = parts.port or (HTTPS_PORT if parts.scheme == "https" else 80)
        if self.allow_private:
            return url
        if port != HTTPS_PORT:
            raise _forbidden("The URL must use port 443.")
        self._check_host(host, port)
        return url

    def _check_host(self, host: str, port: int) -> None:
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError):
            raise _forbidden(f"{host} cannot be resolved.") from None
        if not all_may_connect(addresses):
            raise _forbidden(f"{host} does not resolve to a public address.")


def _split(url: str) -> SplitResult:
    if len(url) > URL_LIMIT or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _forbidden("A URL has at most 2,000 ASCII characters and no spaces.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _forbidden("The URL is malformed.") from None
    if parts.fragment:
        raise _forbidden("The URL must not have a fragment.")
    return parts


def _forbidden(message: str) -> Invalid:
    return Invalid("forbidden_address", message, errors=[FieldError("url", message)])
