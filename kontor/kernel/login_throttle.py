"""Login throttle: too many failures within a time lock for as long (programme.md 2.3, security.md 2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

MAX_FAILURES: Final = 5
FAILURE_WINDOW: Final = timedelta(minutes=15)
LOCK_PERIOD: Final = timedelta(minutes=15)
FAILURE_RETENTION: Final = FAILURE_WINDOW + LOCK_PERIOD
NETWORK_FAILURES: Final = 50
NETWORK_WINDOW: Final = timedelta(hours=1)
NETWORK_BITS: Final = {4: 24, 6: 48}


def locked_until(
    failures: Iterable[datetime], now: datetime, most: int = MAX_FAILURES, window: timedelta = FAILURE_WINDOW
) -> datetime | None:
    """Return the end of the lock, None if not locked. Attempts during a lock must not be in `failures`.

    `most` failures within `window` lock for a `window` from the last.
    """
    latest = sorted(failures, reverse=True)[:most]
    if len(latest) < most or latest[0] - latest[-1] >= window:
        return None
    end = latest[0] + window
    return end if now < end else None


def network_of(origin: str) -> str:
    """Return the network of an IP address: its /24, or /48 for IPv6; any other text as it is."""
    try:
        address = ip_address(origin.partition("%")[0])
    except ValueError:
        return origin
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ip_network((address, NETWORK_BITS[address.version]), strict=False))
