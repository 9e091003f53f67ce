"""Runs a simulation from its first day to its last in a temporary database."""

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
import yaml
from psycopg import sql
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine, create_engine, make_url

from devtools.simulation.action_context import ActionContext
from devtools.simulation.actions import execute
from devtools.simulation.charts import draw
from devtools.simulation.daily_plan import Day, Parameters, plan_days
from devtools.simulation.environment import SimulationEnvironment
from devtools.simulation.log import MACHINE, Action, ActionLog, Entry, NullObserver, Observer, done
from devtools.simulation.service_actions import declare
from devtools.simulation.summary import DailyStatistics, build_summary
from kontor.adapters.settings import SettingsError
from kontor.kernel.zones import day_start
from kontor.programme import files
from workers.migrations import migrate

LAST_SECOND = timedelta(seconds=1)


class Simulation:
    """Runs the planned days in an environment and calls the observer at the end of each."""

    def __init__(
        self, environment: SimulationEnvironment, parameters: Parameters, code: str, observer: Observer | None = None
    ) -> None:
        self.environment = environment
        self.parameters = parameters
        self.log = ActionLog()
        self.statistics = DailyStatistics(environment, parameters)
        self._ctx = ActionContext(environment, self.log, code, parameters.programme)
        self._observer = observer or NullObserver()
        self._stopped = False

    def prepare(self, text: str) -> None:
        """Apply the programme file and declare the schedules."""
        environment = self.environment
        self._ctx.document.update(yaml.safe_load(text))
        environment.move(day_start(self.parameters.start, self.parameters.programme.zone))
        environment.transact(
            lambda session: files.apply(
                session, self._ctx.programme_code, text, now=environment.now, actor="simulation"
            )
        )
        environment.transact(lambda session: declare(environment, session, self.parameters.programme))
        environment.declare_schedules()

    def run(self, day_done: Callable[[Day], None] = lambda day: None) -> ActionLog:
        """Run every day; call `day_done` after each."""
        for day in plan_days(self.parameters):
            self._run_day(day)
            day_done(day)
        return self.log

    def summary(self) -> dict[str, Any]:
        """Return the summary, JSON-able."""
        with self.environment.reading() as session:
            return build_summary(self._ctx.programme_code, self.statistics, self.log, session)

    def _run_day(self, day: Day) -> None:
        for action in day.actions:
            self._pass_time(action)
            self.log.entries.append(self._do(action))
            if not self._stopped:
                self.environment.settle()
        last = day.ends - LAST_SECOND
        if self._stopped:
            self.environment.move(last)
        else:
            self.environment.run_until(last)
        with self.environment.reading() as session:
            self.statistics.count(day.day, session)
            self._observer.day_over(day.day, self.environment.now, session, self.log)

    def _pass_time(self, action: Action) -> None:
        """Move the clock to an action and run everything due before it, unless the processes are stopped."""
        if self._stopped:
            self.environment.move(action.at)
            return
        self.environment.run_until(action.at)

    def _do(self, action: Action) -> Entry:
        if action.actor == MACHINE:
            self._stopped = action.action == "stop"
            return done(action)
        return execute(self._ctx, action)


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """The summary, and the paths of the charts."""

    summary: Mapping[str, Any]
    charts: Sequence[Path]


def simulate(database_url: str, file: Path, parameters: Parameters, charts: Path | None) -> SimulationResult:
    """Run a simulation in a temporary database, which is dropped even after Ctrl-C or SIGTERM."""
    with _stoppable(), temporary_database(database_url) as engine:
        environment = SimulationEnvironment(
            engine, parameters.seed, day_start(parameters.start, parameters.programme.zone)
        )
        try:
            simulation = Simulation(environment, parameters, file.stem)
            simulation.prepare(file.read_text("utf-8"))
            with _bar() as bar:
                task = bar.add_task(file.stem, total=(parameters.end - parameters.start).days)
                simulation.run(lambda day: bar.update(task, advance=1, description=str(day.day)))
            summary = simulation.summary()
        finally:
            environment.close()
    drawn = draw(charts, parameters.programme, simulation.statistics.days) if charts is not None else []
    return SimulationResult(summary, drawn)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that it cleans up."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


PREFIX = "kontor_simulation_"


@contextmanager
def temporary_database(database_url: str) -> Iterator[Engine]:
    """Yield an engine of a new, migrated database on the same server; it is dropped when the block ends.

    Raises SettingsError if the database user lacks CREATEDB.
    """
    name = sql.Identifier(PREFIX + uuid4().hex[:12])
    # An interrupted CREATE DATABASE may have succeeded, so the finally block covers it too.
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
        except psycopg.errors.InsufficientPrivilege as error:
            message = "a simulation creates its own database: grant CREATEDB to the user of DATABASE_URL"
            raise SettingsError(message) from error
        # The database does not outlive the process, so a commit need not wait for the disk.
        server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))


def _admin(database_url: str) -> psycopg.Connection[tuple[object, ...]]:
    url = make_url(database_url).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
