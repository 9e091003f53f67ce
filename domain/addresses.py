"""IP addresses that Kontor may call: global unicast, embedded IPv4 addresses included."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

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
