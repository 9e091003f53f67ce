"""The contenders of the drain: Kontor, and its peers started as their guides recommend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.effects import TABLE
from bench.environment import BenchEnvironment
from bench.processes import Command, call


class Contender(Protocol):
    """A job queue that takes part in the drain."""

    @property
    def name(self) -> str:
        """The name in the table."""

    @property
    def jobs(self) -> int:
        """The number of jobs per round."""

    def prepare(self, environment: BenchEnvironment) -> None:
        """Create database and tables, once per run."""

    def reset(self, environment: BenchEnvironment) -> None:
        """Remove the effects of earlier rounds."""

    def enqueue(self, environment: BenchEnvironment, count: int) -> None:
        """Fill the backlog with jobs numbered from 0."""

    def commands(self, environment: BenchEnvironment) -> Sequence[Command]:
        """Return its processes, two of which are workers."""

    def log(self, environment: BenchEnvironment) -> Path:
        """Return the log file of its processes."""

    @property
    def database(self) -> str:
        """The name of its database."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: its module in bench/peers and the command line of its workers."""

    name: str
    jobs: int
    module: str
    argv: Sequence[str]
    copies: int = 1
    default: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)

    def prepare(self, environment: BenchEnvironment) -> None:
        """Create database and tables, once per run."""
        environment.create(self.database)
        with environment.connect(self.database) as connection:
            connection.execute(TABLE)
        call(self._entry(environment, "prepare"), self.log(environment))

    def reset(self, environment: BenchEnvironment) -> None:
        """Remove the effects of earlier rounds; the peer's own tables stay as they are."""
        with environment.connect(self.database) as connection:
            connection.execute("TRUNCATE bench_effects")

    def enqueue(self, environment: BenchEnvironment, count: int) -> None:
        """Fill the backlog with jobs numbered from 0."""
        call(self._entry(environment, "enqueue", "0", str(count)), self.log(environment))

    def commands(self, environment: BenchEnvironment) -> Sequence[Command]:
        """Return its worker processes."""
        environ = {**environment.environ(self.database), **self.extra}
        argv = [str(environment.peer_python), *self.argv]
        return [Command(f"{self.name}-worker", argv, environ)] * self.copies

    @property
    def database(self) -> str:
        """The name of its database."""
        return self.name.replace("-", "_")

    def log(self, environment: BenchEnvironment) -> Path:
        """Return the log file of its processes."""
        return environment.folder / "log" / f"{self.name}.log"

    def _entry(self, environment: BenchEnvironment, *words: str) -> Command:
        argv = [str(environment.peer_python), "-m", "bench.peers.entry", self.module, *words]
        return Command(f"{self.name}-{words[0]}", argv, {**environment.environ(self.database), **self.extra})


DRAMATIQ = ("-m", "dramatiq", "bench.peers.dramatiq_app", "--processes", "2")
CELERY = ("-m", "celery", "-A", "bench.peers.celery_app", "worker", "--loglevel", "ERROR")
PROCRASTINATE = ("-m", "procrastinate", "--app", "bench.peers.procrastinate_app.app", "worker")
PGQUEUER = ("-m", "bench.peers.entry", "pgqueuer_app", "work")

PEERS: tuple[Peer, ...] = (
    Peer("dramatiq", 9_000, "dramatiq_app", DRAMATIQ),
    Peer(
        "dramatiq-prefetch-100",
        9_000,
        "dramatiq_app",
        DRAMATIQ,
        default=False,
        extra={"dramatiq_queue_prefetch": "100"},
    ),
    Peer("pgqueuer", 12_000, "pgqueuer_app", (*PGQUEUER, "10"), copies=2),
    Peer("pgqueuer-batch-100", 12_000, "pgqueuer_app", (*PGQUEUER, "100"), copies=2, default=False),
    Peer("celery", 3_000, "celery_app", CELERY, copies=2),
    Peer(
        "celery-prefetch-100", 3_000, "celery_app", (*CELERY, "--prefetch-multiplier", "100"), copies=2, default=False
    ),
    Peer("procrastinate", 2_000, "procrastinate_app", PROCRASTINATE, copies=2),
    Peer(
        "procrastinate-concurrency-8",
        2_000,
        "procrastinate_app",
        (*PROCRASTINATE, "--concurrency", "8"),
        copies=2,
        default=False,
    ),
)
