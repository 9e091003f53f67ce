"""Kontor as a contender: its ledger, two worker processes and a relay."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from adapters.clock import SystemClock
from adapters.doorbell import SilentDoorbell
from bench.effects import TABLE
from bench.processes import Command
from bench.stage import Stage
from bench.tasks import STARTS, handlers
from domain.ports import Doorbell
from engine.enqueue import Jobs, Request
from engine.handlers import Registry
from store.schema import metadata

DATABASE = "kontor"
NAMESPACE = "bench-kontor"
HOT = "jobs, jobs_archive, job_attempts, once_keys, bench_effects, bench_starts"
CHUNK = 10_000


@contextmanager
def sql_engine(stage: Stage) -> Iterator[Engine]:
    """SQLAlchemy's engine on Kontor's database."""
    engine = create_engine(stage.url(DATABASE).replace("postgresql://", "postgresql+psycopg://", 1), pool_size=10)
    try:
        yield engine
    finally:
        engine.dispose()


def jobs(doorbell: Doorbell | None = None) -> Jobs:
    """The way into the ledger, with the bench's tasks."""
    return Jobs(Registry(handlers()).catalogue, SystemClock(), doorbell or SilentDoorbell())


def environ(stage: Stage) -> Mapping[str, str]:
    """What Kontor's processes are started with."""
    return {
        **stage.environ(DATABASE),
        "DATABASE_URL": stage.url(DATABASE),
        "REDIS_URL": stage.redis_url,
        "SECRET_KEY": "bench" * 8,
        "KONTOR_NAMESPACE": NAMESPACE,
        "KONTOR_DATA_DIR": str(stage.folder / "kontor"),
    }


def make_schema(stage: Stage) -> None:
    """An empty ledger, and the bench's own tables."""
    stage.create(DATABASE)
    with sql_engine(stage) as engine:
        metadata().create_all(engine)
    with stage.connect(DATABASE) as connection:
        connection.execute(TABLE)
        connection.execute(STARTS)


@dataclass(frozen=True, slots=True)
class Kontor:
    """Kontor draining jobs of one task."""

    name: str
    jobs: int
    task: str
    database: str = DATABASE

    def prepare(self, stage: Stage) -> None:
        """Nothing: the variants share the schema that the row makes."""

    def reset(self, stage: Stage) -> None:
        """Forget earlier rounds."""
        with stage.connect(DATABASE) as connection:
            connection.execute(f"TRUNCATE {HOT}")

    def enqueue(self, stage: Stage, count: int) -> None:
        """Fill the ledger in bulk, ten thousand jobs a transaction."""
        ledger = jobs()
        with sql_engine(stage) as engine:
            for first in range(0, count, CHUNK):
                with Session(engine) as session:
                    rows = [Request(self.task, {"n": n}) for n in range(first, min(first + CHUNK, count))]
                    ledger.put_many(session, rows)
                    session.commit()

    def commands(self, stage: Stage) -> Sequence[Command]:
        """A relay and two workers."""
        argv = [sys.executable, "-m", "bench.kontor_process"]
        roles = ("relay", "worker", "worker")
        return [Command(f"kontor-{role}", [*argv, role], environ(stage)) for role in roles]

    def log(self, stage: Stage) -> Path:
        """Where its processes write."""
        return stage.folder / "log" / f"{self.name}.log"


SHARED = Kontor("kontor", 24_000, "bench.insert")
ALONE = Kontor("kontor-no-shared-commit", 8_000, "bench.insert_alone")
EXTERNAL = Kontor("kontor-external", 8_000, "bench.noop")
VARIANTS = (SHARED, ALONE, EXTERNAL)
