"""What it costs to look at a grown ledger: the relay's pick, and every list and search."""

import http.client
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from uuid import UUID

from bench.environment import BenchEnvironment
from bench.kontor import environ
from bench.processes import Command, running
from bench.results import Budget, Figure
from bench.rows.api import free_port, make_key, wait_until_open
from bench.run import Run
from kontor.engine.fair_pick import pick

REPEATS = 7
PICKED = 500
SAMPLE = "SELECT id FROM jobs_archive TABLESAMPLE SYSTEM (0.001) LIMIT 1"
PATHS: tuple[str, ...] = (
    "/v1/jobs",
    "/v1/jobs?limit=1000",
    "/v1/jobs?state=queued",
    "/v1/jobs?state=succeeded",
    "/v1/jobs?state=dead",
    "/v1/jobs?task=probe.echo",
    "/v1/jobs?task=no.such",
    "/v1/jobs?tenant=tenant-7",
    "/v1/jobs?args.n=77",
    "/v1/jobs?created_after=2020-01-01T00:00:00Z&state=cancelled",
    "/v1/queues",
    "/v1/schedules",
    "/v1/tasks",
    "/metrics",
)


def measure_reads(run: Run, database: str) -> list[Figure]:
    """The pick at driver level, everything else over HTTP."""
    figures = [pick_figure(run.environment, database)]
    port = free_port()
    web = Command(
        "web", [sys.executable, "-m", "kontor.cli.main", "web", "--port", str(port)], environ(run.environment, database)
    )
    key = make_key(run.environment, database, "read")
    paths = [*PATHS, f"/v1/jobs/{some_job(run.environment, database)}"]
    with (
        running([web], run.environment.folder / "log" / "growth-web.log") as processes,
        run.steps("growth: reads", len(paths)) as step,
    ):
        wait_until_open(port, processes[0], run.environment)
        for path in paths:
            step(path)
            figures.append(read_figure(port, key, path))
    return figures


def pick_figure(environment: BenchEnvironment, database: str) -> Figure:
    """How long the relay's choice of 500 takes."""

    def fresh(job_id: UUID) -> bool:
        return True

    with environment.connect(database) as connection:
        samples = timed(lambda: pick(connection, "bench", PICKED, {}, fresh))
        picked = len(pick(connection, "bench", PICKED, {}, fresh))
    budget = Budget(10, at_least=False, decides=False)
    return Figure("relay's pick of 500", median(samples), "ms", budget, samples, f"{picked} found")


def read_figure(port: int, key: str, path: str) -> Figure:
    """One address, asked several times."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    notes: list[str] = []

    def ask() -> None:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        body = answer.read()
        notes[:] = [f"{answer.status}", *(["partial"] if b'"partial":true' in body.replace(b" ", b"") else [])]

    samples = timed(ask)
    budget = Budget(200, at_least=False, decides=False)
    shown = path if len(path) < 70 else path[:40] + "…"
    return Figure(f"GET {shown}", median(samples), "ms", budget, samples, ", ".join(notes))


def timed(action: Callable[[], object]) -> Sequence[float]:
    """Several runs in ms after one that warms up."""
    action()
    samples = []
    for _ in range(REPEATS):
        began = time.monotonic()
        action()
        samples.append((time.monotonic() - began) * 1_000)
    return samples


def some_job(environment: BenchEnvironment, database: str) -> str:
    """Any finished job."""
    with environment.connect(database) as connection:
        row = connection.execute(SAMPLE).fetchone() or connection.execute("SELECT id FROM jobs LIMIT 1").fetchone()
    return str(row[0]) if row else ""
