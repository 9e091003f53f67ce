"""Plans the actions of every day of a simulation. Pure: the same seed gives the same plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from devtools.simulation import (
    account_events,
    import_events,
    programme_events,
    reseller_events,
    service_events,
    trade_events,
)
from devtools.simulation.actors import Actors, RandomEvent, Scenario
from devtools.simulation.log import MACHINE, Action
from kontor.kernel.periods import ONE_DAY, add_months, turnover_window
from kontor.kernel.zones import day_start, localize
from kontor.programme.model import Programme, TurnoverDiscount

START = date(2027, 7, 1)
"""The year from this day contains both clock changes, a new year and a 29 February."""

EARLIEST_OUTAGE, LATEST_OUTAGE = time(2), time(23)
END_OF_MONTH = 29
OPERATOR_ROUND = time(9)
LONG_OUTAGE = (15.0, 36.0)
"""Days of the one outage that lasts for weeks; the programme file changes meanwhile."""
LONG_ENOUGH = 3
"""Months of a simulation that has such an outage."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a simulation."""

    programme: Programme
    resellers: int
    months: int
    seed: int
    start: date = START

    @property
    def has_tiers(self) -> bool:
        """Whether the programme has a turnover discount."""
        return isinstance(self.programme.discount, TurnoverDiscount)

    @property
    def has_services(self) -> bool:
        """Whether the programme has products that a handler makes."""
        return any(product.provisioning.tasks for product in self.programme.products.values())

    def window(self, day: date) -> datetime:
        """Return the start of the turnover window of a local day."""
        return day_start(turnover_window(day).first, self.programme.zone)

    @property
    def long_outage(self) -> date | None:
        """The day on which the outage begins that lasts for weeks; None in a short simulation."""
        months = self.months // 3
        return None if self.months < LONG_ENOUGH else add_months(self.start, months) + 11 * ONE_DAY

    @property
    def end(self) -> date:
        """The day after the last one."""
        return add_months(self.start, self.months)


@dataclass(frozen=True, slots=True)
class Day:
    """The actions of a local day, [`begins`, `ends`), in order."""

    day: date
    begins: datetime
    ends: datetime
    actions: tuple[Action, ...]


def plan_days(parameters: Parameters) -> Iterator[Day]:
    """Yield the days in order; each depends on the actions of earlier days."""
    random = Random(f"{parameters.seed}:{parameters.resellers}:{parameters.months}:{parameters.start}")  # noqa: S311 -- to be repeatable
    actors = Actors(parameters.programme, random)
    zone = parameters.programme.zone
    scenario = Scenario(actors, random, day_start(parameters.start, zone))
    day = parameters.start
    while day < parameters.end:
        begins, ends = day_start(day, zone), day_start(day + ONE_DAY, zone)
        _plan_day(scenario, parameters, day, begins, ends)
        actions: list[Action] = []
        for at, event in scenario.due(ends):
            scenario.now = max(at, scenario.now)
            actions.extend(event(scenario))
        yield Day(day, begins, ends, tuple(actions))
        day += ONE_DAY


def _plan_day(scenario: Scenario, parameters: Parameters, day: date, begins: datetime, ends: datetime) -> None:
    """Draw the number and the times of the day's events; each event draws its details when it is due."""
    scenario.now = begins
    for _ in range(_newcomers(parameters, day)):
        scenario.schedule(begins + timedelta(seconds=scenario.random.randint(0, 3 * 3600)), account_events.join)
    count = max(4, round(parameters.resellers * scenario.random.uniform(0.3, 0.7)))
    seconds = int((ends - begins).total_seconds())
    events = event_weights(parameters, day)
    for event in scenario.random.choices([event for event, _ in events], [weight for _, weight in events], k=count):
        scenario.schedule(begins + timedelta(seconds=scenario.random.randrange(seconds)), event)
    scenario.schedule(localize(datetime.combine(day, OPERATOR_ROUND), parameters.programme.zone), operator_round)
    if day == parameters.long_outage:
        scenario.schedule(_outage(scenario, day, parameters.programme), stop_for_weeks)
    elif not scenario.stopped and day > parameters.start and scenario.chance(1 / 18):
        scenario.schedule(_outage(scenario, day, parameters.programme), stop)
    if day > parameters.start and scenario.chance(1 / 12):
        scenario.schedule(_outage(scenario, day, parameters.programme), programme_events.apply)


def _newcomers(parameters: Parameters, day: date) -> int:
    """Return the number of new resellers: half on the first day, the others during the first half of the time."""
    first = (parameters.resellers + 1) // 2
    if day == parameters.start:
        return first
    span, passed = max(1, (parameters.end - parameters.start).days // 2), (day - parameters.start).days
    rest = parameters.resellers - first
    return rest * min(passed, span) // span - rest * min(passed - 1, span) // span


def event_weights(parameters: Parameters, day: date) -> list[tuple[RandomEvent, float]]:
    """Return every event with its weight; monthly fees are more likely to start at the end of a month."""
    by_month = 5.0 if day.day >= END_OF_MONTH else 1.0
    return [
        (account_events.client, 5),
        (account_events.regular, 1),
        (account_events.connect, 1.5),
        (account_events.disconnect, 0.8),
        (account_events.suspend, 0.5),
        (account_events.delete, 0.8),
        (reseller_events.merge, 0.05),
        (reseller_events.revert, 0.06),
        (reseller_events.delete, 0.06),
        (trade_events.pay, 40 if parameters.has_tiers else 4),
        (trade_events.order, 6),
        (trade_events.plan, 4 * by_month),
        (trade_events.unplan, 1.5),
        (trade_events.assign, 7 * by_month),
        (trade_events.unassign, 2.5),
        (trade_events.void, 1),
        (import_events.import_file, 1),
        (trade_events.trial, 5),
        (trade_events.usage, 40),
        (trade_events.offer, 8),
        (trade_events.down, 0.6),
        *([(service_events.order, 12.0), (service_events.ask, 30.0)] if parameters.has_services else []),
    ]


def _outage(scenario: Scenario, day: date, programme: Programme) -> datetime:
    """Return a random time of the day outside the daily run."""
    first, last = (localize(datetime.combine(day, at), programme.zone) for at in (EARLIEST_OUTAGE, LATEST_OUTAGE))
    return first + timedelta(seconds=scenario.random.randrange(int((last - first).total_seconds())))


def stop(scenario: Scenario) -> list[Action]:
    """Stop all processes for a while; actions are still recorded."""
    if scenario.stopped:
        return []
    scenario.stopped = True
    scenario.schedule(scenario.in_days(0.05, 3.4), start_again)
    return [Action(scenario.now, MACHINE, "stop")]


def stop_for_weeks(scenario: Scenario) -> list[Action]:
    """Stop all processes for weeks, while prices, percentages and the tier table change."""
    if scenario.stopped:
        scenario.schedule(scenario.in_days(0.3, 1), stop_for_weeks)
        return []
    scenario.stopped = True
    scenario.schedule(scenario.in_days(*LONG_OUTAGE), start_again)
    for _ in range(3):
        scenario.schedule(scenario.in_days(1, LONG_OUTAGE[0]), programme_events.apply)
    return [Action(scenario.now, MACHINE, "stop")]


def start_again(scenario: Scenario) -> list[Action]:
    """Start all processes again."""
    scenario.stopped = False
    scenario.schedule(scenario.now + timedelta(minutes=1), operator_round)
    return [Action(scenario.now, MACHINE, "go")]


def operator_round(scenario: Scenario) -> list[Action]:
    """Let an operator handle open issues: every morning, and after each outage."""
    return [] if scenario.stopped else [scenario.new_action("operator", "round")]
