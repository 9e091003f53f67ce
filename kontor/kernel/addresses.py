"""Which IP addresses Kontor may call (contract.md 5), and the check of a URL before it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ports import Lookup

_NAT64: Final = (IPv6Network("64:ff9b::/96"),)
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
_COMPATIBLE: Final = IPv6Network("::/96")
_TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")

# Sources: the IANA special-purpose registries for IPv4 and IPv6.
_FORBIDDEN_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_FORBIDDEN_6: Final = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20", "5f00::/16")
)


def may_connect(address: str) -> bool:
    """Return whether an address (text) is global unicast; `False` for anything that does not parse.

    An IPv4 address inside an IPv6 address (mapped, compatible, translated, NAT64, 6to4) is checked
    too, because it is the final destination. Teredo and local NAT64 prefixes are refused.
    """
    text = address.strip("[]")
    if "%" in text:
        return False
    try:
        parsed = ip_address(text)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _FORBIDDEN_4)
    return _may_connect_6(parsed)


def all_may_connect(addresses: Iterable[str]) -> bool:
    """Return whether there is at least one address and all are allowed."""
    candidates = list(addresses)
    return bool(candidates) and all(may_connect(address) for address in candidates)


def _may_connect_6(address: IPv6Address) -> bool:
    inner = _embedded(address)
    if inner is not None:
        return may_connect(str(inner))
    if address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _FORBIDDEN_6)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a packet to this IPv6 address would reach, if any."""
    number = int(address)
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR:
        return IPv4Address((number >> 80) & 0xFFFF_FFFF)
    if any(address in network for network in (*_NAT64, _COMPATIBLE, _TRANSLATED)):
        return IPv4Address(number & 0xFFFF_FFFF)
    return None


def lies_in(address: str, networks: Iterable[str]) -> bool:
    """Return whether an address (text) lies in one of the networks; IPv4 in IPv6 form counts as IPv4."""
    try:
        parsed = ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in ip_network(network) for network in networks)


HTTPS_PORT: Final = 443
DEFAULT_PORTS: Final = {"https": HTTPS_PORT, "http": 80}
URL_LIMIT: Final = 2_000
_NAME: Final = re.compile(r"(?=.{1,253}\Z)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+[a-z][a-z0-9-]{1,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Accepts only public https URLs.

    `allow_private` permits `http`, any port and any address (KONTOR_ALLOW_PRIVATE_INSTANCES). `networks` permit the
    same for names whose addresses all lie in them (KONTOR_HANDLER_NETWORKS). `field` is named in errors.
    """

    lookup: Lookup
    allow_private: bool = False
    networks: tuple[str, ...] = ()
    field: str = "url"

    async def check(self, url: str, tenant: str = "", *, unresolved: bool = False) -> str:
        """Return the URL if calls to it are allowed. Asks DNS for a tenant. Raises Invalid(`forbidden_address`).

        `unresolved`: a name without an address is allowed, for what is called later and checked again then.
        """
        try:
            return await self._checked(url, tenant, unresolved=unresolved)
        except Invalid as error:
            raise Invalid(error.code, error.message, errors=[FieldError(self.field, error.message)]) from None

    async def _checked(self, url: str, tenant: str, *, unresolved: bool) -> str:
        parts = _split(url)
        host = parts.hostname
        if not host or parts.username is not None or parts.password is not None:
            raise _forbidden("The URL must have a host, and no user or password.")
        if self.networks and parts.scheme in DEFAULT_PORTS and await self._is_within(host, parts, tenant):
            return url
        if parts.scheme != "https" and not (self.allow_private and parts.scheme == "http"):
            raise _forbidden("The URL must use https.")
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        if self.allow_private:
            return url
        if port != HTTPS_PORT:
            raise _forbidden("The URL must use port 443.")
        await self._check_host(host, port, tenant, unresolved=unresolved)
        return url

    async def _is_within(self, host: str, parts: SplitResult, tenant: str) -> bool:
        addresses = await self._addresses(host, parts.port or DEFAULT_PORTS[parts.scheme], tenant)
        return bool(addresses) and all(lies_in(address, self.networks) for address in addresses or ())

    async def _check_host(self, host: str, port: int, tenant: str, *, unresolved: bool) -> None:
        addresses = await self._addresses(host, port, tenant, unresolved=unresolved)
        if addresses is not None and not all_may_connect(addresses):
            raise _forbidden(f"{host} does not resolve to a public address.")

    async def _addresses(self, host: str, port: int, tenant: str, *, unresolved: bool = False) -> Sequence[str] | None:
        """Return the addresses of a host; None where it may have none yet."""
        try:
            return await self.lookup(host, port, tenant)
        except TimeoutError:
            if unresolved and _NAME.fullmatch(host):
                return None
            message = f"The name servers of {host} did not answer in time. Check them, then send the request again."
            raise _forbidden(message) from None
        except (OSError, UnicodeError):
            if unresolved and _NAME.fullmatch(host):
                return None
            raise _forbidden(f"{host} cannot be resolved.") from None


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
