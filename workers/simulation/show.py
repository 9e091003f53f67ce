"""A simulation as a command runs it: in a database of its own, with a bar that moves, and plots at the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from domain.zones import day_start
from workers.simulation.database import throw_away
from workers.simulation.plots import draw
from workers.simulation.run import Simulation
from workers.simulation.script import Play
from workers.simulation.stage import Stage


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
