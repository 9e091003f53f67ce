"""Addresses that customers give us to call: checked when they are set up, before any transaction."""

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
    """`allow_private` permits `http`, any port and any address (KONTOR_ALLOW_PRIVATE_INSTANCES)."""

    resolve: Resolve
    allow_private: bool = False

    def check(self, url: str) -> str:
        """The URL, when it may be called. Asks DNS. Raises Invalid(`forbidden_address`)."""
        parts = _split(url)
        host = parts.hostname
        if not host or parts.username is not None or parts.password is not None:
            raise _forbidden("A URL names a host, without a user or a password.")
        if parts.scheme != "https" and not (self.allow_private and parts.scheme == "http"):
            raise _forbidden("Only https is called.")
        port = parts.port or (HTTPS_PORT if parts.scheme == "https" else 80)
        if self.allow_private:
            return url
        if port != HTTPS_PORT:
            raise _forbidden("Only port 443 is called.")
        self._check_host(host, port)
        return url

    def _check_host(self, host: str, port: int) -> None:
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError):
            raise _forbidden(f"{host} cannot be resolved.") from None
        if not all_may_connect(addresses):
            raise _forbidden(f"{host} is not a public address.")


def _split(url: str) -> SplitResult:
    if len(url) > URL_LIMIT or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _forbidden("A URL is up to 2,000 ASCII characters without spaces.")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _forbidden("The URL cannot be read.") from None
    if parts.fragment:
        raise _forbidden("A URL to call has no fragment.")
    return parts


def _forbidden(message: str) -> Invalid:
    return Invalid("forbidden_address", message, errors=[FieldError("url", message)])
