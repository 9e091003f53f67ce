"""`make simulate`: years of a programme checked by the oracle, one seed per process."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from devtools.simulation.daily_plan import START, Day
from devtools.simulation.run import temporary_database
from kontor.adapters.clock import SystemClock
from kontor.adapters.embedded.endpoints import shared_servers
from kontor.adapters.logs import configure_logs
from kontor.adapters.settings import load
from kontor.kernel.periods import ONE_DAY
from tests.simulation.harness import run_watched
from tests.simulation.watcher import Disagreement

COMPLETE = Path(__file__).with_name("complete.yaml")


@dataclass(frozen=True)
class Order:
    """One run."""

    database_url: str
    programme: Path
    resellers: int
    months: int
    seed: int
    start: date

    @property
    def name(self) -> str:
        """The name for people."""
        return f"{self.programme.stem}, seed {self.seed}"


@dataclass(frozen=True)
class Outcome:
    """The result of a run; `complaint` is empty if the oracle agreed."""

    name: str
    seconds: float
    figures: str
    complaint: str = ""


def print_month(order: Order, day: Day) -> None:
    """Print a line of progress after every month."""
    if (day.day + ONE_DAY).day == 1:
        Console(stderr=True).print(f"{order.name}: the oracle agrees to the end of {day.day:%B %Y}", highlight=False)


def simulate(order: Order) -> Outcome:
    """Run one order in this process."""
    configure_logs("console", "simulate", logging.ERROR)
    clock = SystemClock()
    began = clock.monotonic()
    with temporary_database(order.database_url) as engine:
        try:
            done = run_watched(
                engine, order.programme, order.resellers, order.months, order.seed, start=order.start,
                day_done=partial(print_month, order),
            )  # fmt: skip
        except Disagreement as error:
            return Outcome(order.name, clock.monotonic() - began, "", str(error))
        environment = done.simulation.environment
        calls = environment.instances.calls + environment.instances.failures
        figures = (
            f"{done.days} days, {len(done.simulation.log.entries)} actions, {sum(environment.jobs_run.values())} jobs,"
            f" {environment.mailboxes.delivered} mails, {calls} calls"
        )
    return Outcome(order.name, clock.monotonic() - began, figures)


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options."""
    parser = argparse.ArgumentParser(prog="make simulate SIMULATE=...", description=__doc__)
    parser.add_argument("--programme", type=Path, nargs="+", default=[COMPLETE], help="programme files")
    parser.add_argument("--resellers", type=int, default=200)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--start", type=date.fromisoformat, default=START)
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    return parser.parse_args(arguments)


@contextmanager
def server() -> Iterator[str]:
    """The server of DATABASE_URL, or an embedded one for the duration of the block."""
    database_url = load().database_url
    if database_url is not None:
        yield database_url
        return
    with (
        TemporaryDirectory(prefix="kontor-simulate-") as folder,
        shared_servers(Path(folder), "--scratch") as endpoints,
    ):
        yield endpoints.database_url


def main(arguments: Sequence[str]) -> int:
    """Run all orders; returns 1 if the oracle disagrees with any."""
    asked, console = options(arguments), Console()
    broken = 0
    with server() as url, ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        orders = [
            Order(url, programme.resolve(), asked.resellers, asked.months, seed, asked.start)
            for programme in asked.programme
            for seed in asked.seeds
        ]
        running = [pool.submit(simulate, order) for order in orders]
        for future in as_completed(running):
            outcome = future.result()
            broken += bool(outcome.complaint)
            verdict = f"[red]the oracle disagrees[/]\n{outcome.complaint}" if outcome.complaint else "the oracle agrees"
            console.print(f"{outcome.name}: {verdict}; {outcome.figures} in {outcome.seconds:.0f} s", highlight=False)
    return 1 if broken else 0
