"""A simulation checked by the oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from devtools.simulation.daily_plan import START, Day, Parameters
from devtools.simulation.environment import SimulationEnvironment
from devtools.simulation.run import Simulation
from kontor.kernel.zones import day_start
from kontor.programme.model import Programme
from kontor.programme.parse import parse
from tests.oracle.oracle import Oracle
from tests.oracle.rules import read_rules
from tests.simulation.comparisons import COMPARISONS
from tests.simulation.invariants import INVARIANTS
from tests.simulation.watcher import DailyCheck, Watcher


@dataclass(frozen=True)
class WatchedSimulation:
    """The simulation, and the number of days on which the oracle agreed."""

    simulation: Simulation
    days: int


def run_watched(
    engine: Engine,
    path: Path,
    resellers: int,
    months: int,
    seed: int,
    *,
    start: date = START,
    checks: tuple[DailyCheck, ...] = (*INVARIANTS, *COMPARISONS),
    day_done: Callable[[Day], None] = lambda day: None,
) -> WatchedSimulation:
    """Simulate a programme file and check every day. Raises Disagreement."""
    text = path.read_text("utf-8")
    programme = parse(text)
    assert isinstance(programme, Programme), programme
    parameters = Parameters(programme, resellers, months, seed, start)
    environment = SimulationEnvironment(engine, seed, day_start(start, programme.zone))
    try:
        watcher = Watcher(environment, Oracle(read_rules(path)), checks)
        simulation = Simulation(environment, parameters, path.stem, watcher)
        simulation.prepare(text)
        simulation.run(day_done)
    finally:
        environment.close()
    return WatchedSimulation(simulation, watcher.days)
