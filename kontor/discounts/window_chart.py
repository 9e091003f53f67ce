"""The turnover window as a chart: bars by day, in the units of an SVG. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from kontor.discounts.rules import TurnoverDay

DAY_WIDTH: Final = 10
BAR_WIDTH: Final = 8
HEIGHT: Final = 100
THINNEST: Final = 1.0
"""Height of the bar of an amount that is next to nothing beside the greatest."""


@dataclass(frozen=True, slots=True)
class DayBar:
    """A day's bar. `left`: of the day's column, DAY_WIDTH wide, in which the bar stands; `height` 0: no turnover."""

    of: TurnoverDay
    left: int
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class WindowChart:
    """Bars of at least one day, oldest first. `zero`: where the line of no turnover is, from the top.

    `highest`, `lowest`: the amounts at the upper and the lower edge; both edges are at zero where no day is beyond it.
    """

    bars: tuple[DayBar, ...]
    zero: float
    highest: Decimal
    lowest: Decimal

    @property
    def width(self) -> int:
        """Width of all columns."""
        return DAY_WIDTH * len(self.bars)

    @property
    def tomorrow(self) -> int:
        """Where tomorrow's window begins, from the left; 0 when no day leaves."""
        return DAY_WIDTH * sum(bar.of.leaves for bar in self.bars)

    @property
    def today(self) -> date:
        """The last day."""
        return self.bars[-1].of.day


def window_chart(days: Sequence[TurnoverDay]) -> WindowChart:
    """Place the bars of at least one day between the greatest and the least amount."""
    highest = max(Decimal(0), *(each.amount for each in days))
    lowest = min(Decimal(0), *(each.amount for each in days))
    scale = HEIGHT / float(highest - lowest) if highest > lowest else 0.0
    zero = round(float(highest) * scale, 2) if scale else float(HEIGHT)
    bars = []
    for number, each in enumerate(days):
        height = max(THINNEST, round(abs(float(each.amount)) * scale, 2)) if each.amount else 0.0
        top = zero - height if each.amount > 0 else zero
        bars.append(DayBar(each, number * DAY_WIDTH, max(0.0, round(top, 2)), height))
    return WindowChart(tuple(bars), zero, highest, lowest)
