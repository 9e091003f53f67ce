"""Rows 4 and 7: from commit to the handler's start on an idle system, and what idling costs."""

import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from subprocess import Popen

import redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bench.environment import BenchEnvironment
from bench.kontor import DATABASE, SHARED, environ, jobs, make_schema, namespace, sql_engine
from bench.proc import cpu_seconds, resident_megabytes
from bench.processes import Command, Failed, running
from bench.results import Budget, Figure, Row, percentile
from bench.run import Run, Step
from kontor.adapters.redis_doorbell import RedisKeys, RedisRelayHint
from kontor.engine.enqueue import Jobs
from kontor.kernel.database import PgConnection

WARM_UP = 50
PATIENCE = 30.0
STARTED = "SELECT started FROM bench_starts WHERE n = %s"
Processes = Mapping[str, "Popen[bytes]"]


def measure(run: Run) -> Row:
    """Single jobs at random instants, then nothing at all."""
    environment, samples = run.environment, run.share(500, 100)
    make_schema(environment)
    environment.settle()
    scheduler = Command(
        "kontor-scheduler", [sys.executable, "-m", "kontor.cli.main", "scheduler"], environ(environment)
    )
    commands = [*SHARED.commands(environment), scheduler]
    log = environment.folder / "log" / "latency.log"
    with running(commands, log) as started, run.steps("latency", samples + WARM_UP + 1) as step:
        roles = ("relay", "worker 1", "worker 2", "scheduler")
        processes = dict(zip(roles, started, strict=True))
        latencies = sample(environment, [DATABASE], WARM_UP + samples, step)[0][WARM_UP:]
        step("idle CPU")
        idle = idle_percent(processes, run.share(20, 6))
        living = {role: process for role, process in processes.items() if process.poll() is None}
        memory = {role: resident_megabytes(process.pid) for role, process in living.items()}
    problems = [f"{role} ended by itself; see {log}" for role in processes if role not in living]
    return Row("latency", "Commit to handler start on an idle system, idle cost, memory", [
        *latency_figures("kontor", latencies), *idle_figures(idle), *memory_figures(memory),
    ], problems)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Probe:
    """A way into one ledger, and a look at when its jobs started."""

    engine: Engine
    connection: PgConnection
    ledger: Jobs

    def latency(self, n: int) -> float:
        """Enqueue, commit, wait for the stamp; in ms. Raises Failed when it does not come."""
        with Session(self.engine) as session:
            self.ledger.enqueue(session, "bench.stamp", {"n": n})
            session.commit()
        committed = time.monotonic()
        while time.monotonic() - committed < PATIENCE:
            row = self.connection.execute(STARTED, (n,)).fetchone()
            if row is not None:
                return (float(row[0]) - committed) * 1_000
            time.sleep(0.005)
        raise Failed(f"job {n} did not start within {PATIENCE:.0f} s")


@contextmanager
def probe(environment: BenchEnvironment, database: str) -> Iterator[Probe]:
    """A probe of one of Kontor's databases."""
    client = redis.Redis.from_url(environment.redis_url)
    doorbell = RedisRelayHint(client, RedisKeys(namespace(database)))
    with sql_engine(environment, database) as engine, environment.connect(database) as connection:
        yield Probe(engine, connection, jobs(doorbell))
    doorbell.close()


def sample(environment: BenchEnvironment, databases: Sequence[str], count: int, step: Step) -> list[list[float]]:
    """Latencies in ms, one job at a time, the databases in turn; one list for each."""
    chance = random.Random(1)
    with ExitStack() as stack:
        probes = [stack.enter_context(probe(environment, database)) for database in databases]
        results: list[list[float]] = [[] for _ in probes]
        for n in range(count):
            step(f"sample {n + 1}")
            for prober, latencies in zip(probes, results, strict=True):
                latencies.append(prober.latency(n))
                time.sleep(chance.uniform(0.05, 0.2))
        return results


def idle_percent(processes: Processes, seconds: float) -> dict[str, float]:
    """Percent of a core that each process uses when there is nothing to do."""
    time.sleep(1)
    before = {role: cpu_seconds(process.pid) for role, process in processes.items()}
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return {role: (cpu_seconds(processes[role].pid) - before[role]) / passed * 100 for role in processes}


def latency_figures(name: str, samples: Sequence[float]) -> list[Figure]:
    """The two percentiles that are budgeted."""
    note = f"{len(samples)} samples, greatest {max(samples):.1f} ms"
    return [
        Figure(f"{name} p50", percentile(samples, 50), "ms", Budget(4, at_least=False, decides=False), note=note),
        Figure(f"{name} p99", percentile(samples, 99), "ms", Budget(10, at_least=False, decides=False)),
    ]


def idle_figures(idle: Mapping[str, float]) -> list[Figure]:
    """What each process costs while nothing happens."""
    budget = Budget(1, at_least=False, decides=False)
    return [Figure(f"idle CPU of {role}", percent, "% of a core", budget) for role, percent in idle.items()]


def memory_figures(memory: Mapping[str, float]) -> list[Figure]:
    """Resident memory: 120 MB for a worker process, 80 MB for relay and scheduler."""
    return [
        Figure(f"memory of {role}", size, "MB", Budget(120 if "worker" in role else 80, at_least=False, decides=False))
        for role, size in memory.items()
    ]
