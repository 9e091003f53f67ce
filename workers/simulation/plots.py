"""Plots of a simulation as SVG: tiers and turnover day by day, mails and jobs week by week."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from domain.programme import Programme
from domain.programme.model import TurnoverDiscount
from workers.simulation.svg import RAMP, Chart, Series, area, bars, categorical
from workers.simulation.tally import NO_TIER, DayFigures

WEEK: Final = 7
FAMILIES: Final = {
    "offer": "offers",
    "licences": "offers",
    "trial": "trials",
    "quota": "quotas",
    "tier": "discounts",
    "statement": "fees",
    "margin": "fees",
    "operator": "operators",
}
MOST: Final = 6


def draw(folder: Path, programme: Programme, days: Sequence[DayFigures]) -> list[Path]:
    """Write the plots into a folder, made when it is missing; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = {"turnover.svg": _turnover(programme, days), "mails.svg": _mails(days), "jobs.svg": _jobs(days)}
    if isinstance(programme.discount, TurnoverDiscount):
        plots["tiers.svg"] = _tiers(programme.discount, days)
    for name, text in plots.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in sorted(plots)]


def _tiers(rules: TurnoverDiscount, days: Sequence[DayFigures]) -> str:
    names = [NO_TIER, *(tier.name for tier in rules.tiers)]
    step = max(1, len(RAMP) // max(1, len(names) - 1))
    colours = ["var(--quiet)", *(RAMP[min(number * step, len(RAMP) - 1)] for number in range(len(names) - 1))]
    series = [
        Series(name, colour, [figures.tiers.get(name, 0) for figures in days])
        for name, colour in zip(names, colours, strict=True)
    ]
    return area(Chart("Resellers by tier", "resellers", _days(days)), [one for one in series if any(one.values)])


def _turnover(programme: Programme, days: Sequence[DayFigures]) -> str:
    values = [float(max(figures.turnover, Decimal(0))) for figures in days]
    chart = Chart("Paid within the month before, by all resellers", programme.currency, _days(days))
    return area(chart, [Series("turnover", categorical(0), values)])


def _mails(days: Sequence[DayFigures]) -> str:
    chart = Chart("Mails sent per week", "mails", _weeks(days))
    return bars(chart, _stacks(days, lambda figures: figures.mails, _family))


def _jobs(days: Sequence[DayFigures]) -> str:
    chart = Chart("Jobs run per week", "jobs", _weeks(days))
    return bars(chart, _stacks(days, lambda figures: figures.jobs, lambda name: name.partition(".")[0]))


def _family(template: str) -> str:
    return FAMILIES.get(template.partition("-")[0], "accounts")


def _days(days: Sequence[DayFigures]) -> list[date]:
    return [figures.day for figures in days]


def _weeks(days: Sequence[DayFigures]) -> list[date]:
    return [figures.day for figures in days[::WEEK]]


def _stacks(
    days: Sequence[DayFigures], counts: Callable[[DayFigures], Mapping[str, int]], group: Callable[[str], str]
) -> list[Series]:
    """Sums per week and group, the greatest groups first, the small ones together."""
    weeks = [days[first : first + WEEK] for first in range(0, len(days), WEEK)]
    found: dict[str, list[int]] = {}
    for number, week in enumerate(weeks):
        for figures in week:
            for name, count in counts(figures).items():
                found.setdefault(group(name), [0] * len(weeks))[number] += count
    ranked = sorted(found.items(), key=lambda item: (-sum(item[1]), item[0]))
    rest = [sum(column) for column in zip(*(values for _, values in ranked[MOST:]), strict=True)]
    shown = [*ranked[:MOST], *([("other", rest)] if rest else [])]
    return [Series(name, categorical(number), values) for number, (name, values) in enumerate(shown)]
