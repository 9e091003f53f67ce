"""A simulation under the eyes of the oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from domain.programme import Programme, parse
from domain.zones import day_start
from tests.oracle.book import Oracle
from tests.oracle.rules import read_rules
from tests.simulation.invariants import INVARIANTS
from tests.simulation.looks import LOOKS
from tests.simulation.watch import Look, Watcher
from workers.simulation.run import Simulation
from workers.simulation.script import START, Day, Play
from workers.simulation.stage import Stage


@dataclass(frozen=True)
class Watched:
    """What was played, and on how many days the oracle agreed."""

    simulation: Simulation
    days: int


def watched(
    engine: Engine,
    path: Path,
    resellers: int,
    months: int,
    seed: int,
    *,
    start: date = START,
    looks: tuple[Look, ...] = (*INVARIANTS, *LOOKS),
    day_done: Callable[[Day], None] = lambda day: None,
) -> Watched:
    """Play a programme file and compare every day. Raises Disagreement."""
    text = path.read_text("utf-8")
    programme = parse(text)
    assert isinstance(programme, Programme), programme
    play = Play(programme, resellers, months, seed, start)
    stage = Stage(engine, seed, day_start(start, programme.zone))
    try:
        watcher = Watcher(stage, Oracle(read_rules(path)), looks)
        simulation = Simulation(stage, play, path.stem, watcher)
        simulation.prepare(text)
        simulation.run(day_done)
    finally:
        stage.close()
    return Watched(simulation, watcher.days)
