"""`python -m bench.memory`: the proportional memory of web, relay, worker and scheduler, at rest and after jobs.

Proportional: a page that several processes share counts in equal parts (PSS of /proc/PID/smaps_rollup).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from bench.environment import ROOT, libpq
from bench.proc import family, proportional_megabytes, title_of
from bench.processes import Command, Failed, check_alive, running
from bench.rows.api import free_port
from kontor.adapters.clock import SystemClock
from kontor.adapters.embedded.endpoints import Endpoints
from kontor.adapters.embedded.servers import embedded_servers
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.engine.enqueue import JobRequest, Jobs
from tasks.catalogue import catalogue
from workers.migrations import migrate

BUDGETS = {"relay": 75, "scheduler": 75, "worker": 110}
PATIENCE = 90.0
REST = 3.0
WORKERS = "SELECT count(*) FROM worker_processes"
SCHEDULES = "SELECT count(*) FROM schedules"
FINISHED = "SELECT count(*) FROM jobs_archive WHERE task = 'probe.echo'"
Weights = Mapping[str, float]


def weigh(pids: Mapping[str, int]) -> Weights:
    """Return the MB of each process."""
    return {role: proportional_megabytes(pid) for role, pid in pids.items()}


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds. Raises Failed."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what} took more than {PATIENCE:.0f} s")
        time.sleep(0.1)


def enqueue(database_url: str, count: int) -> None:
    """Enqueue probe jobs; the relay's poll finds them."""
    engine = create_engine(database_url, poolclass=NullPool)
    requests = [JobRequest("probe.echo", {"message": str(number)}) for number in range(count)]
    with Session(engine) as session, session.begin():
        Jobs(catalogue(), SystemClock(), SilentRelayHint()).enqueue_many(session, requests)


def measure(commands: Sequence[Command], endpoints: Endpoints, jobs: int, log: Path) -> dict[str, Weights]:
    """Run the processes and weigh them twice. Raises Failed."""
    with running(commands, log) as processes, psycopg.connect(libpq(endpoints.database_url), autocommit=True) as sql:

        def count(statement: str) -> int:
            check_alive(processes, log)
            row = sql.execute(statement).fetchone()
            return int(row[0]) if row else 0

        wait_for(lambda: count(WORKERS) > 0 and count(SCHEDULES) > 0, "the start")
        pids = {title_of(pid): pid for process in processes for pid in family(process.pid)}
        time.sleep(REST)
        at_rest = weigh(pids)
        enqueue(endpoints.database_url, jobs)
        wait_for(lambda: count(FINISHED) >= jobs, f"{jobs} jobs")
        time.sleep(REST)
        return {"at rest": at_rest, f"after {jobs} jobs": weigh(pids)}


def commands_for(endpoints: Endpoints, threads: int, *, forked: bool, folder: Path) -> list[Command]:
    """Return the commands of a Procfile, or `kontor up`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KONTOR_")}
    environ = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": endpoints.database_url,
        "REDIS_URL": endpoints.redis_url,
        "SMTP_URL": "smtp://127.0.0.1:9",
        "SECRET_KEY": "a secret of the bench and of some length",
        "PORT": str(free_port()),
        "KONTOR_DATA_DIR": str(folder),
        "KONTOR_WORKER_THREADS": str(threads),
        "KONTOR_WORKER_PROCESSES": "1",
        "KONTOR_HANDLER_NETWORKS": "127.0.0.0/8",
    }
    roles = ("up",) if forked else ("web", "relay", "worker", "scheduler")
    return [Command(role, [sys.executable, "-m", "kontor.cli.main", role], environ) for role in roles]


def show(weights: Mapping[str, Weights]) -> None:
    """Print a line for each process."""
    print(f"{'MB':<12}" + "".join(f"{when:>18}" for when in weights) + f"{'budget':>10}")
    for role in sorted({role for row in weights.values() for role in row}):
        sizes = "".join(f"{row[role]:>18.1f}" for row in weights.values())
        print(f"{role:<12}{sizes}{BUDGETS.get(role, ''):>10}")


def main() -> None:
    """Measure once on embedded servers."""
    parser = argparse.ArgumentParser(prog="bench.memory", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000, help="jobs between both measurements")
    parser.add_argument("--threads", type=int, default=8, help="threads of the worker")
    parser.add_argument("--forked", action="store_true", help="run `kontor up`, whose processes share memory")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="kontor-memory-") as name:
        folder = Path(name)
        with embedded_servers(folder / "servers") as endpoints:
            migrate(endpoints.database_url)
            commands = commands_for(endpoints, options.threads, forked=options.forked, folder=folder)
            weights = measure(commands, endpoints, options.jobs, folder / "memory.log")
    if options.json:
        json.dump(weights, sys.stdout, indent=1)
    else:
        show(weights)


if __name__ == "__main__":
    try:
        main()
    except Failed as problem:
        sys.exit(f"bench.memory: {problem}")
