"""`python -m bench`: measure the budgets of engine.md section 5. Exit 0 if every ratio is within its budget."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from bench import growth
from bench.environment import ROOT, NotEmpty, open_environment
from bench.peer_environment import peer_python, peer_versions
from bench.processes import Failed
from bench.report import document, show
from bench.results import Row
from bench.rows import api, drain, enqueue, latency, mails, start
from bench.run import Run, bars

WIDTH = 128
ROWS: dict[str, Callable[[Run], Row]] = {
    "drain": drain.measure,
    "enqueue": enqueue.measure,
    "latency": latency.measure,
    "api": api.measure,
    "mails": mails.measure,
    "start": start.measure,
}


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="kontor bench", description="Measure Kontor and its peers.")
    parser.add_argument("set", nargs="?", choices=["budgets", "growth"], default="budgets", help="what to measure")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (default 7, with --quick 3)")
    parser.add_argument("--only", action="append", choices=sorted(ROWS), help="measure this row alone; may repeat")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and samples: under four minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(argv)


def machine() -> dict[str, str]:
    """Return facts about the machine."""
    return {"cores": str(os.cpu_count()), "machine": platform.machine(), "load": f"{os.getloadavg()[0]:.2f}"}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    options = parse(argv)
    rows, versions = measured(options)
    if options.json:
        json.dump(document(versions, rows), sys.stdout, indent=1)
    else:
        show(Console(width=WIDTH), versions, rows)
    return 1 if any(row.missed for row in rows) else 0


def measured(options: argparse.Namespace) -> tuple[list[Row], dict[str, str]]:
    """Run the selected rows in one environment."""
    folder = Path(os.environ.get("KONTOR_DATA_DIR", ROOT / ".kontor")).resolve() / "bench"
    rounds = options.rounds or (3 if options.quick else 7)
    with bars() as progress:
        building = progress.add_task("peers' environment", total=1, doing="")
        python = peer_python(folder)
        progress.update(building, completed=1)
        with open_environment(folder, python) as environment:
            run = Run(environment, rounds, options.quick, progress)
            versions = {**machine(), **environment.versions(), **peer_versions(python)}
            if options.set == "growth":
                return [growth.measure(run)], versions
            chosen = options.only or list(ROWS)
            return [ROWS[key](run) for key in ROWS if key in chosen], versions


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, NotEmpty) as problem:
        sys.exit(f"kontor bench: {problem}")
