"""Run a simulation from its first day to its last, in a database of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine, create_engine, make_url

from devtools.simulation.actions import carry_out
from devtools.simulation.charts import draw
from devtools.simulation.daily_plan import Day, Play, story
from devtools.simulation.environment import Stage
from devtools.simulation.log import MACHINE, Action, Entry, Journal, Nobody, Observer, done
from devtools.simulation.operator_actions import Hands
from devtools.simulation.summary import Tally, document
from kontor.adapters.settings import SettingsError
from kontor.kernel.zones import day_start
from kontor.programme import files
from workers.migrations import migrate

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
            lambda session: files.apply(session, self._hands.programme, text, now=stage.now, actor="simulation")
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


@dataclass(frozen=True, slots=True)
class Shown:
    """The summary, and where the plots are."""

    summary: Mapping[str, Any]
    plots: Sequence[Path]


def show(database_url: str, file: Path, play: Play, plots: Path | None) -> Shown:
    """Play it whole; the database is dropped however this ends, by Ctrl-C or SIGTERM too."""
    with _stoppable(), throw_away(database_url) as engine:
        stage = Stage(engine, play.seed, day_start(play.start, play.programme.zone))
        try:
            simulation = Simulation(stage, play, file.stem)
            simulation.prepare(file.read_text("utf-8"))
            with _bar() as bar:
                task = bar.add_task(file.stem, total=(play.end - play.start).days)
                simulation.run(lambda day: bar.update(task, advance=1, description=str(day.day)))
            summary = simulation.summary()
        finally:
            stage.close()
    drawn = draw(plots, play.programme, simulation.tally.days) if plots is not None else []
    return Shown(summary, drawn)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that what it opened is cleaned up."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


PREFIX = "kontor_simulation_"


@contextmanager
def throw_away(database_url: str) -> Iterator[Engine]:
    """An engine over a new, migrated database beside the given one; it is dropped however the block ends.

    Raises SettingsError when the server's user may not create databases.
    """
    name = sql.Identifier(PREFIX + uuid4().hex[:12])
    # Whoever interrupts CREATE DATABASE does not know whether there is one: the end covers it, too.
    try:
        _create(database_url, name)
        own = make_url(database_url).set(database=name.as_string().strip('"'))
        migrate(own.render_as_string(hide_password=False))
        engine = create_engine(own)
        yield engine
        engine.dispose()
    finally:
        with _admin(database_url) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _create(database_url: str, name: sql.Identifier) -> None:
    with _admin(database_url) as server:
        try:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        except psycopg.errors.InsufficientPrivilege as refused:
            message = "a simulation needs a database of its own: give DATABASE_URL's user the right CREATEDB"
            raise SettingsError(message) from refused
        # Nothing here outlives the process: a commit need not wait for the disk.
        server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))


def _admin(database_url: str) -> psycopg.Connection[tuple[object, ...]]:
    url = make_url(database_url).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
