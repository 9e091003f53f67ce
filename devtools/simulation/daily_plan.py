"""The script: what happens on every day of a simulation. Pure: the same seed gives the same story."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from devtools.simulation import account_events, money_events, offer_events
from devtools.simulation.actors import Cast, Idea, Plot
from devtools.simulation.log import MACHINE, Action
from kontor.kernel.periods import ONE_DAY, add_months, turnover_window
from kontor.kernel.zones import day_start, localize
from kontor.programme import Programme
from kontor.programme.model import TurnoverDiscount

START = date(2027, 7, 1)
"""A year from here has both changes of the clock, a new year and a 29 February."""

FIRST_OF_OUTAGE, LAST_OF_OUTAGE = time(2), time(23)
MONTHS_END = 29
ROUND = time(9)


@dataclass(frozen=True, slots=True)
class Play:
    """What is to be simulated."""

    programme: Programme
    resellers: int
    months: int
    seed: int
    start: date = START

    @property
    def tiers(self) -> bool:
        """Whether discounts go by turnover."""
        return isinstance(self.programme.discount, TurnoverDiscount)

    def window(self, day: date) -> datetime:
        """The first instant of what counts as turnover on a local day."""
        return day_start(turnover_window(day).first, self.programme.zone)

    @property
    def end(self) -> date:
        """The day after the last one."""
        return add_months(self.start, self.months)


@dataclass(frozen=True, slots=True)
class Day:
    """A local day from `begins` to before `ends`, and what is done on it, in order."""

    day: date
    begins: datetime
    ends: datetime
    actions: tuple[Action, ...]


def story(play: Play) -> Iterator[Day]:
    """Day after day; what one decides leads to the next."""
    random = Random(f"{play.seed}:{play.resellers}:{play.months}:{play.start}")  # noqa: S311 -- to be repeatable
    cast = Cast(play.programme, random)
    zone = play.programme.zone
    plot = Plot(cast, random, day_start(play.start, zone))
    day = play.start
    while day < play.end:
        begins, ends = day_start(day, zone), day_start(day + ONE_DAY, zone)
        _plan_day(plot, play, day, begins, ends)
        actions: list[Action] = []
        for at, idea in plot.due(ends):
            plot.now = max(at, plot.now)
            actions.extend(idea(plot))
        yield Day(day, begins, ends, tuple(actions))
        day += ONE_DAY


def _plan_day(plot: Plot, play: Play, day: date, begins: datetime, ends: datetime) -> None:
    """Draw how much happens and when; what happens is decided when the time has come."""
    plot.now = begins
    for _ in range(_newcomers(play, day)):
        plot.plan(begins + timedelta(seconds=plot.random.randint(0, 3 * 3600)), account_events.join)
    count = max(4, round(play.resellers * plot.random.uniform(0.3, 0.7)))
    seconds = int((ends - begins).total_seconds())
    ideas = weighed(play, day)
    for idea in plot.random.choices([idea for idea, _ in ideas], [weight for _, weight in ideas], k=count):
        plot.plan(begins + timedelta(seconds=plot.random.randrange(seconds)), idea)
    plot.plan(localize(datetime.combine(day, ROUND), play.programme.zone), make_round)
    if not plot.stopped and day > play.start and plot.chance(1 / 18):
        plot.plan(_outage(plot, day, play.programme), stop)


def _newcomers(play: Play, day: date) -> int:
    """Half of the resellers are there from the first day, the others come within the first half."""
    first = (play.resellers + 1) // 2
    if day == play.start:
        return first
    span, gone = max(1, (play.end - play.start).days // 2), (day - play.start).days
    rest = play.resellers - first
    return rest * min(gone, span) // span - rest * min(gone - 1, span) // span


def weighed(play: Play, day: date) -> list[tuple[Idea, float]]:
    """Every idea with its weight; the last days of a month are for what is paid by the month."""
    by_month = 5.0 if day.day >= MONTHS_END else 1.0
    return [
        (account_events.client, 5),
        (account_events.regular, 1),
        (account_events.connect, 1.5),
        (account_events.disconnect, 0.8),
        (account_events.suspend, 0.5),
        (account_events.delete, 0.8),
        (account_events.merge, 0.05),
        (money_events.pay, 40 if play.tiers else 4),
        (money_events.order, 6),
        (money_events.plan, 4 * by_month),
        (money_events.unplan, 1.5),
        (money_events.assign, 7 * by_month),
        (money_events.unassign, 2.5),
        (offer_events.trial, 5),
        (offer_events.usage, 40),
        (offer_events.offer, 8),
        (offer_events.down, 0.6),
    ]


def _outage(plot: Plot, day: date, programme: Programme) -> datetime:
    """Some time of the day, but not while its daily work is done."""
    first, last = (localize(datetime.combine(day, at), programme.zone) for at in (FIRST_OF_OUTAGE, LAST_OF_OUTAGE))
    return first + timedelta(seconds=plot.random.randrange(int((last - first).total_seconds())))


def stop(plot: Plot) -> list[Action]:
    """No process of the machine runs for a while; what people do is written down all the same."""
    if plot.stopped:
        return []
    plot.stopped = True
    plot.plan(plot.in_days(0.05, 3.4), go)
    return [Action(plot.now, MACHINE, "stop")]


def go(plot: Plot) -> list[Action]:
    """Everything runs again."""
    plot.stopped = False
    plot.plan(plot.now + timedelta(minutes=1), make_round)
    return [Action(plot.now, MACHINE, "go")]


def make_round(plot: Plot) -> list[Action]:
    """An operator looks after what waits for a person: every morning, and when everything runs again."""
    return [] if plot.stopped else [plot.act("operator", "round")]
