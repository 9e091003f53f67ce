"""Kontor as a contender: ledger, relay and two workers."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from bench.effects import TABLE
from bench.environment import BenchEnvironment
from bench.processes import Command
from bench.tasks import STARTS, handlers
from kontor.adapters.clock import SystemClock
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.engine.handlers import Registry
from kontor.kernel.ports import RelayHint
from workers.migrations import migrate

DATABASE = "kontor"
HOT = "jobs, jobs_archive, job_attempts, once_keys, bench_effects, bench_starts"
CHUNK = 10_000


def sqlalchemy_url(url: str) -> str:
    """Convert a libpq URL for SQLAlchemy."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def sql_engine(environment: BenchEnvironment, database: str = DATABASE) -> Iterator[Engine]:
    """Open an engine on one of Kontor's databases."""
    engine = create_engine(sqlalchemy_url(environment.url(database)))
    try:
        yield engine
    finally:
        engine.dispose()


def jobs(doorbell: RelayHint | None = None) -> Jobs:
    """Return the ledger with the bench's tasks."""
    return Jobs(Registry(handlers()).catalogue, SystemClock(), doorbell or SilentRelayHint())


def environ(environment: BenchEnvironment, database: str = DATABASE) -> Mapping[str, str]:
    """Return the environment variables of Kontor's processes."""
    return {
        **environment.environ(database),
        "DATABASE_URL": environment.url(database),
        "REDIS_URL": environment.redis_url,
        "SECRET_KEY": "a secret of the bench and of some length",
        "KONTOR_NAMESPACE": namespace(database),
        "KONTOR_DATA_DIR": str(environment.folder / "kontor"),
    }


def namespace(database: str = DATABASE) -> str:
    """Return the Redis namespace of one of Kontor's databases."""
    return f"bench-{database}"


def make_schema(environment: BenchEnvironment, database: str = DATABASE) -> None:
    """Create an empty ledger and the bench's own tables."""
    environment.create(database)
    migrate(sqlalchemy_url(environment.url(database)))
    with environment.connect(database) as connection:
        connection.execute(TABLE)
        connection.execute(STARTS)


@dataclass(frozen=True, slots=True)
class Kontor:
    """Kontor draining jobs of one task."""

    name: str
    jobs: int
    task: str
    database: str = DATABASE

    def prepare(self, environment: BenchEnvironment) -> None:
        """No-op: the variants share the schema that the row creates."""

    def reset(self, environment: BenchEnvironment) -> None:
        """Remove the jobs of earlier rounds."""
        with environment.connect(self.database) as connection:
            connection.execute(f"TRUNCATE {HOT}")

    def enqueue(self, environment: BenchEnvironment, count: int) -> None:
        """Fill the ledger in bulk, 10,000 jobs per transaction."""
        ledger = jobs()
        with sql_engine(environment, self.database) as engine:
            for first in range(0, count, CHUNK):
                with Session(engine) as session:
                    rows = [JobRequest(self.task, {"n": n}) for n in range(first, min(first + CHUNK, count))]
                    ledger.enqueue_many(session, rows)
                    session.commit()

    def commands(self, environment: BenchEnvironment) -> Sequence[Command]:
        """Return a relay and two workers."""
        argv = [sys.executable, "-m", "bench.kontor_process"]
        roles = ("relay", "worker", "worker")
        return [Command(f"kontor-{role}", [*argv, role], environ(environment, self.database)) for role in roles]

    def log(self, environment: BenchEnvironment) -> Path:
        """Return the log file of its processes."""
        return environment.folder / "log" / f"{self.name}.log"


SHARED = Kontor("kontor", 24_000, "bench.insert")
ALONE = Kontor("kontor-no-shared-commit", 12_000, "bench.insert_alone")
EXTERNAL = Kontor("kontor-external", 8_000, "bench.noop")
BY_SESSION = (
    Kontor("kontor-session", 24_000, "bench.insert_by_session"),
    Kontor("kontor-no-shared-commit-session", 12_000, "bench.insert_alone_by_session"),
)
VARIANTS = (SHARED, ALONE, EXTERNAL)
