"""Row 3: what it costs to enqueue in the caller's transaction."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.kontor import DATABASE, HOT, environ, make_schema
from bench.observation import SECONDS, Observation
from bench.processes import Failed
from bench.results import Budget, Figure, Row, of_samples, ratios
from bench.run import Run
from bench.stage import Stage

CLIENTS = 8
BARE = "CREATE TABLE IF NOT EXISTS bench_bare (id uuid PRIMARY KEY, payload jsonb NOT NULL)"
MEASURES: tuple[tuple[str, str, int], ...] = (
    ("bare x 1", "bare", 1),
    ("one by one x 1", "one", 1),
    ("bare x 8", "bare", CLIENTS),
    ("one by one x 8", "one", CLIENTS),
    ("bulk of 10,000", "bulk", 1),
)


@dataclass(frozen=True, slots=True)
class Client:
    """A client process that waits for its turn."""

    process: "subprocess.Popen[str]"

    def answer(self) -> str:
        """The next line it prints. Raises Failed."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.process.args!r} ended; see its traceback above")
        return line.strip()

    def begin(self, seconds: float) -> None:
        """Let it work; does not wait."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()


@contextmanager
def client(stage: Stage, mode: str) -> Iterator[Client]:
    """A warm client for the length of the block."""
    argv = [sys.executable, "-m", "bench.enqueue_client", mode]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=environ(stage), stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Client(process)
        finally:
            process.kill()


def rate(clients: Sequence[Client], seconds: float) -> float:
    """What they do together, in jobs/s."""
    for one in clients:
        one.begin(seconds)
    return sum(float(one.answer()) for one in clients)


def measure(run: Run) -> Row:
    """All measures once a round; the clients stay, only some of them work."""
    make_schema(run.stage)
    with run.stage.connect(DATABASE) as connection:
        connection.execute(BARE)
    samples: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack, run.steps("enqueue", run.rounds * len(MEASURES)) as step:
        pools = {mode: [stack.enter_context(client(run.stage, mode)) for _ in range(count)]
                 for mode, count in (("bare", CLIENTS), ("one", CLIENTS), ("bulk", 1))}  # fmt: skip
        for pool in pools.values():
            for one in pool:
                one.answer()
        for number in range(run.rounds):
            for name, mode, count in turned(number):
                step(f"round {number + 1}: {name}")
                empty(run.stage)
                samples[name].append(rate(pools[mode][:count], run.share(3, 2)))
        found = figures(samples)
        profile = why(run.stage, pools["one"]) if any(figure.missed for figure in found) else []
    return Row("enqueue", "Enqueue in the caller's transaction", found, profile=profile)


def why(stage: Stage, clients: Sequence[Client]) -> list[str]:
    """Profile one of the clients that enqueue one by one, all working."""
    observation = Observation(stage, DATABASE)
    empty(stage)
    observation.start({"client": clients[0].process.pid})
    rate(clients, SECONDS + 1)
    return observation.lines()


def turned(number: int) -> Sequence[tuple[str, str, int]]:
    """The measures in an order that turns from round to round."""
    turn = number % len(MEASURES)
    return MEASURES[turn:] + MEASURES[:turn]


def empty(stage: Stage) -> None:
    """Start each measure on empty tables and after a checkpoint."""
    with stage.connect(DATABASE) as connection:
        connection.execute(f"TRUNCATE bench_bare, {HOT}")
    stage.settle()


def figures(samples: Mapping[str, Sequence[float]]) -> list[Figure]:
    """The two ratios, then the rates."""
    budget = Budget(0.8)
    one = [
        of_samples(
            f"one by one / bare INSERT + commit, {n} client{'s' * (n > 1)}",
            ratios(samples[f"one by one x {n}"], samples[f"bare x {n}"]),
            "x",
            budget,
        )
        for n in (1, CLIENTS)
    ]
    bulk = Budget(50_000, decides=False)
    return [*one, *(of_samples(name, samples[name], "jobs/s", bulk if mode == "bulk" else None)
                    for name, mode, _ in MEASURES)]  # fmt: skip
