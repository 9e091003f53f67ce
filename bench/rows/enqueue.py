"""Row 3: what it costs to enqueue in the caller's transaction."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.environment import BenchEnvironment
from bench.kontor import DATABASE, HOT, environ, make_schema
from bench.observation import SECONDS, Observation
from bench.processes import Failed
from bench.results import Budget, Figure, Row, of_samples, ratios
from bench.run import Run

CLIENTS = 8
BARE = "CREATE TABLE IF NOT EXISTS bench_bare (id uuid PRIMARY KEY, payload jsonb NOT NULL)"
MODES = ("bare", "place", "session-bare", "put")
MEASURES: tuple[tuple[str, str, int], ...] = (
    *((f"{mode} x {count}", mode, count) for count in (1, CLIENTS) for mode in MODES),
    ("bulk of 10,000", "bulk", 1),
)
# Like with like: the caller's transaction is the caller's, in psycopg as in a Session.
PAIRS: tuple[tuple[str, str, str, bool], ...] = (
    ("in a psycopg transaction, one by one / bare INSERT", "place", "bare", True),
    ("in a Session, one by one / bare INSERT", "put", "session-bare", True),
    ("in a Session / bare INSERT in psycopg", "put", "bare", False),
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
def client(environment: BenchEnvironment, mode: str) -> Iterator[Client]:
    """A warm client for the length of the block."""
    argv = [sys.executable, "-m", "bench.enqueue_client", mode]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=environ(environment), stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Client(process)
        finally:
            process.kill()


def rate(clients: Sequence[Client], seconds: float) -> float:
    """What they do together, in jobs/s."""
    for client in clients:
        client.begin(seconds)
    return sum(float(client.answer()) for client in clients)


def measure(run: Run) -> Row:
    """All measures once a round; the clients stay, only some of them work."""
    make_schema(run.environment)
    with run.environment.connect(DATABASE) as connection:
        connection.execute(BARE)
    samples: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack, run.steps("enqueue", run.rounds * len(MEASURES)) as step:
        crowds = {**dict.fromkeys(MODES, CLIENTS), "bulk": 1}
        pools = {
            mode: [stack.enter_context(client(run.environment, mode)) for _ in range(count)]
            for mode, count in crowds.items()
        }
        for waiting in (each for pool in pools.values() for each in pool):
            waiting.answer()
        for number in range(run.rounds):
            for name, mode, count in turned(number):
                step(f"round {number + 1}: {name}")
                empty(run.environment)
                samples[name].append(rate(pools[mode][:count], run.share(3, 2)))
        rates = figures(samples)
        profile = why(run.environment, pools["put"]) if any(figure.missed for figure in rates) else []
    return Row("enqueue", "Enqueue in the caller's transaction", rates, profile=profile)


def why(environment: BenchEnvironment, clients: Sequence[Client]) -> list[str]:
    """Profile one of the clients that enqueue one by one, all working."""
    observation = Observation(environment, DATABASE)
    empty(environment)
    observation.start({"client": clients[0].process.pid})
    rate(clients, SECONDS + 1)
    return observation.lines()


def turned(number: int) -> Sequence[tuple[str, str, int]]:
    """The measures in an order that turns from round to round."""
    turn = number % len(MEASURES)
    return MEASURES[turn:] + MEASURES[:turn]


def empty(environment: BenchEnvironment) -> None:
    """Start each measure on empty tables and after a checkpoint."""
    with environment.connect(DATABASE) as connection:
        connection.execute(f"TRUNCATE bench_bare, {HOT}")
    environment.settle()


def figures(samples: Mapping[str, Sequence[float]]) -> list[Figure]:
    """The ratios, then the rates."""
    single = [
        of_samples(
            f"{name}, {n} client{'s' * (n > 1)}",
            ratios(samples[f"{mode} x {n}"], samples[f"{floor} x {n}"]),
            "x",
            Budget(0.9, decides=decides),
        )
        for name, mode, floor, decides in PAIRS
        for n in (1, CLIENTS)
    ]
    bulk = Budget(60_000, decides=False)
    return [*single, *(of_samples(name, samples[name], "jobs/s", bulk if mode == "bulk" else None)
                    for name, mode, _ in MEASURES)]  # fmt: skip
