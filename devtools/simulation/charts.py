"""Charts of a simulation as SVG, for light and dark backgrounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape
from math import floor, log10
from pathlib import Path
from typing import Final

from devtools.simulation.summary import NO_TIER, DayFigures
from kontor.programme.model import Programme, TurnoverDiscount

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
MAX_GROUPS: Final = 6


def draw(folder: Path, programme: Programme, days: Sequence[DayFigures]) -> list[Path]:
    """Write the charts to a folder, which is created if missing; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    charts = {"turnover.svg": _turnover(programme, days), "mails.svg": _mails(days), "jobs.svg": _jobs(days)}
    if isinstance(programme.discount, TurnoverDiscount):
        charts["tiers.svg"] = _tiers(programme.discount, days)
    for name, text in charts.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in sorted(charts)]


def _tiers(rules: TurnoverDiscount, days: Sequence[DayFigures]) -> str:
    names = [NO_TIER, *(tier.name for tier in rules.tiers)]
    step = max(1, len(RAMP) // max(1, len(names) - 1))
    colours = ["var(--quiet)", *(RAMP[min(number * step, len(RAMP) - 1)] for number in range(len(names) - 1))]
    series = [
        Series(name, colour, [figures.tiers.get(name, 0) for figures in days])
        for name, colour in zip(names, colours, strict=True)
    ]
    return area(Chart("Resellers by tier", "resellers", _days(days)), [line for line in series if any(line.values)])


def _turnover(programme: Programme, days: Sequence[DayFigures]) -> str:
    values = [float(max(figures.turnover, Decimal(0))) for figures in days]
    chart = Chart("Turnover of all resellers in the last month", programme.currency, _days(days))
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
    """Return sums per week and group, largest groups first; the smallest are summed up as `other`."""
    weeks = [days[first : first + WEEK] for first in range(0, len(days), WEEK)]
    sums: dict[str, list[int]] = {}
    for number, week in enumerate(weeks):
        for figures in week:
            for name, count in counts(figures).items():
                sums.setdefault(group(name), [0] * len(weeks))[number] += count
    ranked = sorted(sums.items(), key=lambda item: (-sum(item[1]), item[0]))
    rest = [sum(column) for column in zip(*(values for _, values in ranked[MAX_GROUPS:]), strict=True)]
    shown = [*ranked[:MAX_GROUPS], *([("other", rest)] if rest else [])]
    return [Series(name, categorical(number), values) for number, (name, values) in enumerate(shown)]


WIDTH, HEIGHT = 860, 340
LEFT, TOP, BOTTOM, RIGHT = 72, 44, 36, 168
TICKS: Final = 5
COLOURS: Final = ("#3b6fb6", "#d1703c", "#3f9277", "#b9972b", "#8a63b0", "#5b9bc9", "#8d8d86")
RAMP: Final = tuple(f"hsl(212 {38 + step * 2}% {86 - step * 4}%)" for step in range(16))
STYLE: Final = """
svg { --ink: #22252b; --soft: #6a7078; --line: #e3e5e8; --ground: #ffffff; --quiet: #d9dadc;
  font: 12px system-ui, sans-serif; background: var(--ground); }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e7e9ec; --soft: #9aa1aa; --line: #33373d; --ground: #16181c; --quiet: #4a4e55; } }
.title { font-size: 15px; font-weight: 600; fill: var(--ink); }
.tick, .key { font-size: 12px; font-weight: 400; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.mark { stroke: var(--ground); stroke-width: 0.6; }
"""


@dataclass(frozen=True, slots=True)
class Chart:
    """Title, unit of the values, and the date of each position on the x axis."""

    title: str
    unit: str
    dates: Sequence[date]


@dataclass(frozen=True, slots=True)
class Series:
    """One value per date, none negative."""

    name: str
    colour: str
    values: Sequence[float]


def categorical(number: int) -> str:
    """Return the colour of a group."""
    return COLOURS[min(number, len(COLOURS) - 1)]


def area(chart: Chart, series: Sequence[Series]) -> str:
    """Return stacked areas, the first series at the bottom."""
    scale = _Scale.of(chart, series)
    floor_ = [0.0] * len(chart.dates)
    marks = []
    for layer in series:
        top = [low + value for low, value in zip(floor_, layer.values, strict=True)]
        upper = [f"{scale.x(number):.1f},{scale.y(value):.1f}" for number, value in enumerate(top)]
        lower = [f"{scale.x(number):.1f},{scale.y(value):.1f}" for number, value in enumerate(floor_)]
        points = " ".join([*upper, *reversed(lower)])
        marks.append(f'<polygon class="mark" fill="{layer.colour}" points="{points}">{_hint(layer)}</polygon>')
        floor_ = top
    return _page(chart, series, scale, marks)


def bars(chart: Chart, series: Sequence[Series]) -> str:
    """Return stacked bars, the first series at the bottom."""
    scale = _Scale.of(chart, series)
    wide = max(1.0, (WIDTH - LEFT - RIGHT) / max(1, len(chart.dates)) - 2)
    floor_ = [0.0] * len(chart.dates)
    marks = []
    for layer in series:
        for number, value in enumerate(layer.values):
            if value:
                low, high = scale.y(floor_[number]), scale.y(floor_[number] + value)
                box = f'x="{scale.x(number):.1f}" y="{high:.1f}" width="{wide:.1f}" height="{low - high:.1f}"'
                hint = f"<title>{escape(layer.name)}, {chart.dates[number]}: {value:,.0f}</title>"
                marks.append(f'<rect class="mark" fill="{layer.colour}" {box}>{hint}</rect>')
                floor_[number] += value
    return _page(chart, series, scale, marks)


@dataclass(frozen=True, slots=True)
class _Scale:
    places: int
    top: float

    @classmethod
    def of(cls, chart: Chart, series: Sequence[Series]) -> _Scale:
        sums = [sum(column) for column in zip(*(layer.values for layer in series), strict=True)]
        return cls(len(chart.dates), _round_up(max(sums, default=0.0)))

    def x(self, number: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * number / max(1, self.places)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top


def _round_up(value: float) -> float:
    """Return the next number whose fifths are readable."""
    if value <= 0:
        return float(TICKS)
    unit = 10.0 ** floor(log10(value))
    steps = (unit * factor for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10))
    return next(step for step in steps if step >= value)


def _hint(series: Series) -> str:
    return f"<title>{escape(series.name)}: {min(series.values):,.0f} to {max(series.values):,.0f}</title>"


def _page(chart: Chart, series: Sequence[Series], scale: _Scale, marks: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    style = f"<title>{escape(chart.title)}</title><style>{STYLE}</style>"
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="var(--ground)"/>'
    unit = f'<tspan class="key" dx="8">{escape(chart.unit)}</tspan>'
    title = f'<text class="title" x="{LEFT}" y="24">{escape(chart.title)}{unit}</text>'
    body = [*_grid(scale), *marks, *_months(chart, scale), *_keys(series)]
    return "\n".join([head, style, ground, title, *body, "</svg>", ""])


def _grid(scale: _Scale) -> Iterator[str]:
    for number in range(TICKS + 1):
        value = scale.top * number / TICKS
        y = scale.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>'


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _months(chart: Chart, scale: _Scale) -> Iterator[str]:
    """Label the first day of each month, January with the year; skips months when there are many."""
    firsts = [
        number
        for number, day in enumerate(chart.dates)
        if number == 0 or day.month != chart.dates[number - 1].month
    ]  # fmt: skip
    for number in firsts[:: 1 + len(firsts) // 14]:
        label = chart.dates[number].strftime("%Y" if chart.dates[number].month == 1 else "%b")
        yield f'<text class="tick" x="{scale.x(number):.1f}" y="{HEIGHT - BOTTOM + 18}">{label}</text>'


def _keys(series: Sequence[Series]) -> Iterator[str]:
    """Return the legend in the order of the stack, top first."""
    gap = min(18.0, (HEIGHT - TOP - BOTTOM) / max(1, len(series)))
    for number, layer in enumerate(reversed(series)):
        y = TOP + gap * number
        box = f'x="{WIDTH - RIGHT + 16}" y="{y:.1f}" width="10" height="{min(10.0, gap - 2):.1f}"'
        yield f'<rect {box} fill="{layer.colour}"/>'
        yield f'<text class="key" x="{WIDTH - RIGHT + 32}" y="{y + 9:.1f}">{escape(layer.name)}</text>'
