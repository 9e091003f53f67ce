"""A simulation from its first day to its last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from domain.zones import day_start
from services import programme_files
from workers.simulation.deeds import carry_out
from workers.simulation.hands import Hands
from workers.simulation.journal import MACHINE, Action, Entry, Journal, Nobody, Observer, done
from workers.simulation.script import Day, Play, story
from workers.simulation.stage import Stage
from workers.simulation.tally import Tally, document

LAST_SECOND = timedelta(seconds=1)


class Simulation:
    """Plays a story on a stage, and lets somebody look at the end of every day."""

    def __init__(self, stage: Stage, play: Play, code: str, observer: Observer | None = None) -> None:
        self.stage = stage
        self.play = play
        self.journal = Journal()
        self.tally = Tally(stage, play)
        self._hands = Hands(stage, self.journal, code, play.programme)
        self._observer = observer or Nobody()
        self._stopped = False

    def prepare(self, text: str) -> None:
        """Apply the programme file and declare what runs by the clock."""
        stage = self.stage
        stage.move(day_start(self.play.start, self.play.programme.zone))
        stage.transact(
            lambda session: programme_files.apply(
                session, self._hands.programme, text, now=stage.now, actor="simulation"
            )
        )
        stage.announce_schedules()

    def run(self, day_done: Callable[[Day], None] = lambda day: None) -> Journal:
        """Every day of the story."""
        for day in story(self.play):
            self._live(day)
            day_done(day)
        return self.journal

    def summary(self) -> dict[str, Any]:
        """What it all came to."""
        with self.stage.reading() as session:
            return document(self._hands.programme, self.tally, self.journal, session)

    def _live(self, day: Day) -> None:
        for action in day.actions:
            self._pass_time(action)
            self.journal.entries.append(self._do(action))
            if not self._stopped:
                self.stage.settle()
        last = day.ends - LAST_SECOND
        if self._stopped:
            self.stage.move(last)
        else:
            self.stage.run_until(last)
        with self.stage.reading() as session:
            self.tally.count(day.day, session)
            self._observer.day_over(day.day, self.stage.now, session, self.journal)

    def _pass_time(self, action: Action) -> None:
        """Bring the clock to an action; what is due by then runs before it, unless nothing runs."""
        if self._stopped:
            self.stage.move(action.at)
            return
        self.stage.run_until(action.at)

    def _do(self, action: Action) -> Entry:
        if action.actor == MACHINE:
            self._stopped = action.action == "stop"
            return done(action)
        return carry_out(self._hands, action)
