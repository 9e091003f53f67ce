"""The columns of the client list, the same in every format (programme.md 2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

Value = str | int | Decimal | datetime | None
"""Value of a cell; instants are aware, UTC."""


class Kind(Enum):
    """Format of a column's values."""

    TEXT = auto()
    COUNT = auto()
    MONEY = auto()
    INSTANT = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and the format of its values."""

    heading: str
    kind: Kind


def columns(metrics: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns; every metric of the programme has one for usage and one for the limit."""
    counted = [Column(f"{prefix}_{metric}", Kind.COUNT) for metric in metrics for prefix in ("usage", "limit")]
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
