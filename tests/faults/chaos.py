"""`make chaos`: crash points x kinds of tasks, faults, handlers, orders, a soak. Exits with 0 if all is good."""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from kontor.adapters.embedded.servers import EmbeddedServers, owned_servers
from kontor.adapters.settings import Settings
from tests.faults import fairness, handler_rows, orders, recovery, scene, soak
from tests.faults.checker import Verdict
from tests.faults.crash_points import KINDS, ROLE_OF_POINT, Cell, plan, run_cell
from tests.faults.deployment import handler_fleet
from tests.faults.fleet import fleet
from tests.faults.half_alive import PROCESS_FAULTS
from tests.faults.half_alive_servers import SERVER_FAULTS
from tests.faults.scene import Fault
from workers.migrations import migrate

LIMITS = {"transactional": 5.0, "external": 15.0}
FAULTS = (*PROCESS_FAULTS, *SERVER_FAULTS)
PARTS = ("points", "faults", "recovery", "fairness", "handlers", "orders", "soak")
SHORT_FAULTS = ("relay stopped", "reply of Redis to a worker")
"""Of the short run, which follows the tests in CI: those inflict the others."""


def settings_of(servers: EmbeddedServers, namespace: str) -> Settings:
    """Settings of a deployment on these servers."""
    endpoints = servers.endpoints
    return Settings(
        data_dir=servers.data_dir,
        database_url=endpoints.database_url,
        redis_url=endpoints.redis_url,
        smtp_url="smtp://127.0.0.1:1",
        secret_key="a secret that only chaos uses and that is long enough",
        namespace=namespace,
        allow_private_instances=True,
    )


def crash_table(console: Console, servers: EmbeddedServers, points: Sequence[str], kinds: Sequence[str]) -> bool:
    """Run every cell and print the table; returns whether all is good."""
    cells: list[Cell] = []
    roles = ("relay", "worker", "worker", "worker", "enqueuer")
    with fleet(settings_of(servers, "points"), servers.data_dir / "points", *roles) as made:
        made.workers(2)
        for point, kind in plan(points, kinds):
            cell = run_cell(made, point, kind)
            cells.append(cell)
            mark = "ok" if cell.verdict.good else "[red]FAULT[/red]"
            console.print(f"{cell.role} killed at {cell.name}, {kind}: {mark} after {cell.seconds:.1f} s")
            for fault in cell.verdict.faults[:5]:
                console.print(f"  [red]{fault}[/red]")
    console.print(table_of(cells))
    return all(cell.verdict.good for cell in cells)


def table_of(cells: Sequence[Cell]) -> Table:
    """Points x kinds. `6/6`: succeeded of existing jobs; p parked, r repeated outside under the same key."""
    table = Table(
        title="SIGKILL at every crash point: jobs succeeded/existing (p parked, r repeated, L lost, D doubled)"
    )
    table.add_column("killed")
    table.add_column("point")
    kinds = sorted({cell.kind for cell in cells}, key=KINDS.index)
    for kind in kinds:
        table.add_column(kind, justify="right")
    for point in dict.fromkeys((cell.role, cell.point, cell.name) for cell in cells):
        texts = {cell.kind: short(cell.verdict) for cell in cells if cell.point == point[1]}
        table.add_row(point[0], point[2], *(texts.get(kind, "") for kind in kinds))
    return table


def short(verdict: Verdict) -> str:
    """Format a cell of the table."""
    marks = (("p", verdict.parked), ("r", verdict.repeated), ("L", verdict.missing), ("D", verdict.doubled))
    words = [f"{verdict.succeeded}/{verdict.jobs}", *(f"{count}{mark}" for mark, count in marks if count)]
    text = " ".join(words)
    return text if verdict.good else f"[red]{text}[/red]"


def recovery_table(console: Console, servers: EmbeddedServers, samples: int) -> bool:
    """Measure and print; returns whether every p95 is within its limit."""
    table = Table(title="seconds from SIGKILL of a worker until its job runs again")
    for column in ("kind", "n", "p50", "p95", "max", "limit"):
        table.add_column(column, justify="right")
    good = True
    roles = ("relay", "worker", "worker")
    with fleet(settings_of(servers, "recovery"), servers.data_dir / "recovery", *roles) as made:
        made.workers(2)
        for kind, task in (("transactional", "single"), ("external", "rerun")):
            times = recovery.measure(made, task, samples)
            p95 = recovery.percentile(times, 95)
            good = good and p95 <= LIMITS[kind]
            figures = (recovery.percentile(times, 50), p95, max(times), LIMITS[kind])
            table.add_row(kind, str(len(times)), *(f"{figure:.2f}" for figure in figures))
    console.print(table)
    return good


def fairness_table(console: Console, servers: EmbeddedServers, count: int) -> bool:
    """Measure one tenant's single job behind another's backlog; returns whether it was done within a second."""
    roles = ("relay", "worker", "worker", "enqueuer")
    with fleet(settings_of(servers, "fairness"), servers.data_dir / "fairness", *roles) as made:
        made.wipe()
        made.workers(2)
        times, left = fairness.measure(made, count, 5)
        made.wipe()
    table = Table(title=f"{count} jobs of one tenant queued: seconds until another's single job was done")
    for column in ("n", "max", "limit", "backlog left"):
        table.add_column(column, justify="right")
    table.add_row(str(len(times)), f"{max(times):.2f}", "1.00", str(left))
    console.print(table)
    return max(times) <= 1.0 and left > 0


def fault_table(console: Console, servers: EmbeddedServers, faults: Sequence[Fault]) -> bool:
    """Inflict the faults, one after another, and print the table; returns whether every promise was kept."""
    outcomes = []
    for number, fault in enumerate(faults):
        settings = settings_of(servers, f"half-alive-{number}")
        outcomes.append(scene.run_fault(servers, settings, servers.data_dir / f"half-alive-{number}", fault))
        scene.report(console, outcomes[-1])
    console.print(scene.table_of("half alive: seconds until the work goes on", outcomes))
    return not any(outcome.faults for outcome in outcomes)


def handler_table(console: Console, servers: EmbeddedServers) -> bool:
    """Play the rows of push handlers and pull workers, and print the table; returns whether every promise was kept."""
    table = Table(title="jobs that others run: seconds until the row was over")
    for column in ("fault", "seconds", "result"):
        table.add_column(column)
    good, folder = True, servers.data_dir / "handlers"
    for clock in (False, True):
        environ = {"KONTOR_TEST_CLOCK": "1"} if clock else {}
        settings = settings_of(servers, f"handlers-{clock}")
        with handler_fleet(settings, folder / str(clock), environ=environ) as deployment:
            for row in [row for row in handler_rows.ROWS if row.clock is clock]:
                began, problem = time.monotonic(), row.problem(deployment)
                good = good and problem is None
                text = "ok" if problem is None else f"[red]{problem}[/red]"
                table.add_row(row.name, f"{time.monotonic() - began:.1f}", text)
    console.print(table)
    return good


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of `make chaos CHAOS="…"`."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0, help="length of the soak")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="few points, few samples, a soak of 40 s")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--points", nargs="*", default=list(ROLE_OF_POINT), help="these crash points alone")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), help="these kinds of task alone")
    parser.add_argument("--faults", nargs="*", default=[""], help="faults whose names begin so")
    parser.add_argument("--backlog", type=int, default=100_000, help="jobs of the tenant that fills the queue")
    parser.add_argument("--orders", type=int, default=10_000, help="orders placed while everything is killed")
    parser.add_argument("--samples", type=int, default=30, help="recoveries measured for each kind")
    options = parser.parse_args(arguments)
    if options.short:
        options.points = ["enqueued.after", "publish.after", "effect.after", "commit.after"]
        options.faults = SHORT_FAULTS
        options.samples, options.seconds, options.backlog, options.orders = 8, 40.0, 20_000, 300
    return options


def main(arguments: Sequence[str]) -> int:
    """Run the selected parts; returns 0 if all is good."""
    options = parsed(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    good = True
    with tempfile.TemporaryDirectory(prefix="kontor-chaos-") as folder:
        if options.only not in ("orders", "soak"):
            with owned_servers(Path(folder) / "still") as servers:
                migrate(servers.postgres.url)
                if options.only in (None, "points"):
                    good = crash_table(console, servers, options.points, options.kinds) and good
                if options.only in (None, "faults"):
                    faults = [fault for fault in FAULTS if fault.name.startswith(tuple(options.faults))]
                    good = fault_table(console, servers, faults) and good
                if options.only in (None, "recovery"):
                    good = recovery_table(console, servers, options.samples) and good
                if options.only in (None, "fairness"):
                    good = fairness_table(console, servers, options.backlog) and good
                if options.only in (None, "handlers"):
                    good = handler_table(console, servers) and good
        if options.only in (None, "orders"):
            with owned_servers(Path(folder) / "orders") as servers:
                migrate(servers.postgres.url)
                good = (
                    orders.run(console, servers, settings_of(servers, "orders"), options.orders, options.seed) and good
                )
        if options.only in (None, "soak"):
            with owned_servers(Path(folder) / "soak") as servers:
                migrate(servers.postgres.url)
                settings = settings_of(servers, "soak")
                good = soak.run(console, servers, settings, options.seconds, options.seed) and good
    console.print("chaos: nothing lost, nothing doubled" if good else "[red]chaos: FAULTS, see above[/red]")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
