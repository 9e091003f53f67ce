"""The columns of the client list, the same in every format (programme.md 2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

Value = str | int | Decimal | datetime | None
"""What a cell holds; instants are aware, UTC."""


class Kind(Enum):
    """How a column's values are written."""

    TEXT = auto()
    COUNT = auto()
    MONEY = auto()
    INSTANT = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and what stands below it."""

    heading: str
    kind: Kind


def columns(metrics: Sequence[str]) -> tuple[Column, ...]:
    """Every metric of the programme has its usage and its limit."""
    counted = [Column(f"{word}_{metric}", Kind.COUNT) for metric in metrics for word in ("usage", "limit")]
    return (
        Column("account", Kind.TEXT),
        Column("admin_email", Kind.TEXT),
        Column("plan", Kind.TEXT),
        Column("trial_end", Kind.INSTANT),
        *counted,
        Column("open_offers", Kind.COUNT),
        Column("recurring_fee", Kind.MONEY),
        Column("currency", Kind.TEXT),
        Column("created", Kind.INSTANT),
    )
