"""The growth row: a million queued and ten million finished jobs beside an empty ledger."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from subprocess import Popen

from bench.contenders import Contender
from bench.drain import drain
from bench.effects import Drained
from bench.environment import BenchEnvironment
from bench.kontor import Kontor, make_schema
from bench.ledger_fill import fill_finished, fill_queued
from bench.observation import Observation
from bench.processes import Command, Failed, running
from bench.results import Budget, Figure, Row, of_samples, percentile, ratios
from bench.rows.latency import WARM_UP, sample
from bench.rows.reads import measure_reads
from bench.run import Run

EMPTY, BIG = "kontor", "kontor_big"
PAUSE = (
    "INSERT INTO queues (name, paused) VALUES ('bench', %s) ON CONFLICT (name) DO UPDATE SET paused = EXCLUDED.paused"
)
LEFT = "SELECT (SELECT count(*) FROM bench_effects), (SELECT count(*) FROM jobs WHERE queue = 'bench')"


@dataclass(slots=True)
class Backlog:
    """Kontor on the grown ledger; its backlog is refilled before each round."""

    size: int
    name: str = "kontor-grown"
    database: str = BIG
    jobs: int = 24_000
    numbered: int = 1
    kontor: Kontor = field(default_factory=lambda: Kontor("kontor-grown", 24_000, "bench.insert", BIG))

    def prepare(self, environment: BenchEnvironment) -> None:
        """No-op: the ledger is already filled."""

    def reset(self, environment: BenchEnvironment) -> None:
        """Remove the effects, keep the ledger."""
        with environment.connect(BIG) as connection:
            connection.execute("TRUNCATE bench_effects")

    def enqueue(self, environment: BenchEnvironment, count: int) -> None:
        """Refill the backlog to its size."""
        self.numbered = fill_queued(environment, BIG, self.size, self.numbered)

    def commands(self, environment: BenchEnvironment) -> "list[Command]":
        """Return the same processes as on the empty ledger."""
        return list(self.kontor.commands(environment))

    def log(self, environment: BenchEnvironment) -> Path:
        """Return the log file of its processes."""
        return self.kontor.log(environment)


def measure(run: Run) -> Row:
    """Fill the ledger, measure drain and latency on both, then reads on the grown one."""
    environment = run.environment
    finished, queued = run.share(10_000_000, 1_000_000), run.share(1_000_000, 100_000)
    backlog = Backlog(queued)
    for database in (EMPTY, BIG):
        make_schema(environment, database)
    with run.steps("filling the ledger", finished // 1_000_000 + 1) as step:
        fill_finished(environment, BIG, finished, step)
        step("backlog")
        backlog.enqueue(environment, 0)
    drained, problems = drains(run, backlog)
    latencies = wakes(run)
    reads = measure_reads(run, BIG)
    figures = [
        of_samples("drain: grown / empty", ratios(drained["grown"], drained["empty"]), "x", Budget(0.9)),
        of_samples("drain, empty ledger", drained["empty"], "jobs/s"),
        of_samples("drain, grown ledger", drained["grown"], "jobs/s"),
        *wake_figures(*latencies),
        *reads,
    ]
    problems += [f"{figure.name}: {figure.note}" for figure in reads[1:] if not figure.note.startswith("200")]
    title = f"Growth: {queued:,} queued and {finished:,} finished jobs beside an empty ledger"
    profile = why(run, backlog) if figures[0].missed else []
    environment.drop(BIG)
    return Row("growth", title, figures, problems, profile)


def why(run: Run, backlog: Backlog) -> list[str]:
    """Profile one more drain of the grown ledger."""
    observation = Observation(run.environment, BIG)

    def watch(processes: "Sequence[Popen[bytes]]") -> None:
        observation.start({"relay": processes[0].pid, "worker 1": processes[1].pid})

    pause(run.environment, BIG, paused=False)
    try:
        drain(run.environment, backlog, backlog.jobs * 2, watch)
    except Failed as failed:
        return [str(failed)]
    return observation.lines()


def drains(run: Run, backlog: Backlog) -> tuple[dict[str, list[float]], list[str]]:
    """Drain both ledgers in turn; the first drain of each only warms up."""
    empty = Kontor("kontor", backlog.jobs, "bench.insert", EMPTY)
    rates: dict[str, list[float]] = defaultdict(list)
    problems: list[str] = []
    with run.steps("growth: drain", 2 * run.rounds + 2) as step:
        step("warm-up: empty")
        drain(run.environment, empty, backlog.jobs)
        step("warm-up: grown")
        drain(run.environment, backlog, backlog.jobs)
        for number in range(run.rounds):
            pair: list[tuple[str, Contender]] = [("empty", empty), ("grown", backlog)]
            for name, contender in pair[:: 1 if number % 2 else -1]:
                step(f"round {number + 1}: {name}")
                try:
                    drained = drain(run.environment, contender, backlog.jobs)
                except Failed as failed:
                    problems.append(str(failed))
                    drained = Drained(backlog.jobs, 0, 0, 0, 0.0)
                rates[name].append(drained.rate)
                problems += judged(name, drained)
    return rates, problems


def judged(name: str, drained: Drained) -> list[str]:
    """Return the problems of a drain: missing or doubled effects."""
    short = drained.effects < drained.jobs
    return [f"{name}: {drained.effects} effects, {drained.doubled} doubled"] if short or drained.doubled else []


def wakes(run: Run) -> list[list[float]]:
    """Sample latencies on both ledgers in turn, with the backlog paused."""
    environment, count = run.environment, run.share(200, 60)
    databases = [EMPTY, BIG]
    for database in databases:
        pause(environment, database, paused=True)
    environment.settle()
    commands = [c for database in databases for c in Kontor(database, 0, "", database).commands(environment)]
    log = environment.folder / "log" / "growth-latency.log"
    with running(commands, log), run.steps("growth: latency", WARM_UP + count) as step:
        samples = sample(environment, databases, WARM_UP + count, step)
    return [latencies[WARM_UP:] for latencies in samples]


def pause(environment: BenchEnvironment, database: str, *, paused: bool) -> None:
    """Pause or resume the backlog's queue."""
    with environment.connect(database) as connection:
        connection.execute(PAUSE, (paused,))


def wake_figures(empty: list[float], grown: list[float]) -> list[Figure]:
    """Return the ratio of the medians, the medians and the tails."""
    ratio = median(grown) / median(empty)
    return [
        Figure("commit to start, p50: grown / empty", ratio, "x", Budget(1.1, at_least=False)),
        Figure("commit to start p50, empty", median(empty), "ms"),
        Figure("commit to start p50, grown", median(grown), "ms"),
        Figure("commit to start p99, empty", percentile(empty, 99), "ms"),
        Figure("commit to start p99, grown", percentile(grown, 99), "ms"),
    ]
