"""Account books of resellers (programme.md 10), and for whom a money fact counts after merges (2.6)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Line:
    """One money fact: what it adds to the balance, and its own time (None: of a transfer, which nobody states)."""

    reseller: str
    kind: str
    amount: Decimal
    at: datetime | None


def balance(lines: Iterable[Line], reseller: str) -> Decimal:
    """The sum of all lines."""
    total = Decimal(0)
    for line in lines:
        if line.reseller == reseller:
            total += line.amount
    return total


def last_of(merged: Mapping[str, str], reseller: str) -> str:
    """The reseller that counts now for one that was merged, perhaps several times."""
    while reseller in merged:
        reseller = merged[reseller]
    return reseller


def came_from(merged: Mapping[str, str], reseller: str) -> Iterator[str]:
    """Every reseller that was merged into this one, directly or not."""
    for source, target in merged.items():
        if target == reseller:
            yield source
            yield from came_from(merged, source)
