"""What an idea of the script works with: the moment, the cast, chance, and a place for what is to come later."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from random import Random
from typing import Any, TypeVar

from domain.zones import localize
from workers.simulation.cast import Cast
from workers.simulation.journal import Action

T = TypeVar("T")

QUIET_UNTIL = time(1, 30)
"""Until then the daily work of a local day may not be over: who pays what of that day would be anybody's guess."""


@dataclass(slots=True)
class Plot:
    """The story up to `now` (aware). Ideas return the actions that happen at this very instant."""

    cast: Cast
    random: Random
    now: datetime
    stopped: bool = False
    later: list[tuple[datetime, int, Idea]] = field(default_factory=list)
    _sequence: int = 0

    def act(self, actor: str, action: str, **values: Any) -> Action:
        """An action of this instant."""
        return Action(self.now, actor, action, values)

    def plan(self, at: datetime, idea: Idea) -> None:
        """Come back to something at a later instant."""
        self._sequence += 1
        heapq.heappush(self.later, (at, self._sequence, idea))

    def due(self, until: datetime) -> Iterator[tuple[datetime, Idea]]:
        """What was planned for before `until`, in order; what it plans in turn included."""
        while self.later and self.later[0][0] < until:
            at, _, idea = heapq.heappop(self.later)
            yield at, idea

    def pick(self, choices: Sequence[T]) -> T | None:
        """Any of them, or None when there is none."""
        return self.random.choice(choices) if choices else None

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return self.random.random() < probability

    def in_days(self, low: float, high: float) -> datetime:
        """A second between so many days from now."""
        return self.now + timedelta(seconds=int(self.random.uniform(low, high) * 86_400))

    @property
    def quiet(self) -> bool:
        """Whether what changes who pays what has to wait: the first hours of a local day, and while nothing runs."""
        local = self.now.astimezone(self.cast.programme.zone)
        return self.stopped or local.time() < QUIET_UNTIL

    def wall(self, day_offset: int, at: time) -> datetime:
        """A time on the programme's wall, so many days from today."""
        day = self.now.astimezone(self.cast.programme.zone).date() + timedelta(days=day_offset)
        return localize(datetime.combine(day, at), self.cast.programme.zone)


Idea = Callable[[Plot], list[Action]]
