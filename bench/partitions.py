"""Moves a ledger of finished jobs into months while writers and readers work, then drops a month of it.

`python -m bench.partitions --rows 10000000`: rows of 90 days, an attempt for each eighth. Exit 1 if a request took over
a second or the grown ledger completes jobs over a tenth slower than an empty one.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import psycopg
from alembic import command

from bench.daily import database
from bench.daily_fill import libpq
from bench.ledger_fill import insert_finished
from kontor.adapters.clock import SystemClock
from kontor.adapters.embedded.servers import embedded_servers
from kontor.engine import ledger, partitions
from kontor.kernel.database import PgConnection
from kontor.kernel.ids import lowest_id, new_id
from workers.migrations import alembic_config, migrate

ROWS = 1_000_000
BEFORE = "0070"
"""The last revision with one table."""
WRITERS, READERS = 2, 2
SAMPLE_SECONDS = 10.0
MOST_SECONDS = 1.0
LEAST_RATE = 0.9
INSERT = """
INSERT INTO jobs (id, task, queue, state, payload, run_at, max_attempts, created_at)
VALUES (%s, 'bench.noop', 'bench', 'queued', '{}', now(), 3, now())
"""
ATTEMPTS = """
INSERT INTO job_attempts (job_id, number, ended_at, outcome)
SELECT id, 1, finished_at, 'failed' FROM jobs_archive WHERE right(id::text, 1) IN ('0', '8')
"""
NEWEST = "SELECT id FROM jobs_archive WHERE task = 'probe.echo' ORDER BY id DESC LIMIT 50"
ONE = "SELECT state FROM jobs_archive WHERE id = %s"
SIZE = "SELECT count(*) FROM jobs_archive"


@dataclass(slots=True)
class Load:
    """Requests under way, each with its commit: what they took, in seconds, and what failed."""

    conninfo: str
    writes: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Work until the end of the block."""
        threads = [Thread(target=self._work, args=(write, self.writes)) for _ in range(WRITERS)]
        threads += [Thread(target=self._work, args=(read, self.reads)) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            for thread in threads:
                thread.join()

    def _work(self, request: Callable[[PgConnection], None], taken: list[float]) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            while not self.stopping.is_set():
                begun = time.perf_counter()
                try:
                    request(connection)
                except psycopg.Error as error:
                    self.failures.append(str(error))
                taken.append(time.perf_counter() - begun)

    @property
    def longest(self) -> float:
        """The longest request, in seconds."""
        return max(*self.writes, *self.reads)


def write(connection: PgConnection) -> None:
    """Enqueue and complete a job that failed once."""
    job, now = new_id(), SystemClock().now()
    with connection.transaction():
        connection.execute(INSERT, (job,))
        failed = ledger.UnsuccessfulAttempt(job, 1, "bench", now, now, "failed")
        ledger.store_attempt(connection, failed)
        ledger.archive(
            connection, [(job, None)], attempt_increment=1, worker="bench", started=now, finished=now
        )  # fmt: skip


def read(connection: PgConnection) -> None:
    """Read a page of one task, and a job of it."""
    rows = connection.execute(NEWEST).fetchall()
    connection.execute(ONE, rows[-1] if rows else (new_id(),))


def sample(conninfo: str) -> tuple[float, float]:
    """Return completions per second and the longest request of ten seconds."""
    begun = time.perf_counter()
    with Load(conninfo).running() as load:
        time.sleep(SAMPLE_SECONDS)
    return len(load.writes) / (time.perf_counter() - begun), load.longest


def during(conninfo: str, action: Callable[[], object]) -> tuple[float, Load]:
    """Do something while requests go on; return its seconds and the requests."""
    with Load(conninfo).running() as load:
        load.stopping.wait(1)
        begun = time.perf_counter()
        action()
        taken = time.perf_counter() - begun
        load.stopping.wait(1)
    return taken, load


def end_first(conninfo: str) -> None:
    """Let the first partition end now: the month that retention drops is not the one that is written."""
    with psycopg.connect(conninfo) as connection:
        end = lowest_id(partitions.months(connection, partitions.JOBS)[0].end)
        now = lowest_id(SystemClock().now())
        for table in partitions.KEYS:
            first = f"{table}_first"
            connection.execute(f"ALTER TABLE {table} DETACH PARTITION {first}")
            connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ('{now}')")
            bounds = f"FROM ('{now}') TO ('{end}')"
            connection.execute(f"CREATE TABLE {table}_now PARTITION OF {table} FOR VALUES {bounds}")


def drop(conninfo: str) -> None:
    """Drop the partitions that hold all rows, as retention does when their time is over."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET lock_timeout = '500ms'")
        end = partitions.months(connection, partitions.JOBS)[0].end
        for _ in partitions.KEYS:
            partitions.drop_oldest(connection, end)
            connection.commit()


def measured(server: str, rows: int) -> dict[str, float | str | int]:
    """Measure an empty ledger, then a filled one before, during and after its move, and the drop."""
    urls = [database(server, f"bench_months_{name}") for name in ("empty", "grown")]
    empty, grown = map(libpq, urls)
    migrate(urls[0])
    command.upgrade(alembic_config(urls[1]), BEFORE)
    with psycopg.connect(grown, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        insert_finished(connection, rows, lambda _: None)
        connection.execute(ATTEMPTS)
        connection.execute("VACUUM (ANALYZE) job_attempts")
    rate_before, _ = sample(grown)
    moved, moving = during(grown, lambda: migrate(urls[1]))
    with psycopg.connect(grown, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute(SIZE).fetchone()
    rates = [(sample(empty)[0], sample(grown)[0]) for _ in range(3)]
    end_first(grown)
    dropped, dropping = during(grown, lambda: drop(grown))
    return {
        "rows": rows,
        "rows in the month dropped": int(row[0]) if row else 0,
        "migration, s": moved,
        "longest request during it, s": moving.longest,
        "completions/s: one table": rate_before,
        "completions/s: months": sorted(rate for _, rate in rates)[1],
        "completions/s: months, empty": sorted(rate for rate, _ in rates)[1],
        "grown / empty": sorted(grown_rate / empty_rate for empty_rate, grown_rate in rates)[1],
        "drop, s": dropped,
        "longest request during the drop, s": dropping.longest,
        "failures": "; ".join({*moving.failures, *dropping.failures}),
    }


def is_missed(result: dict[str, float | str | int]) -> bool:
    """Whether a request was slow or failed, or the months made completions slower than on an empty ledger."""
    longest = ("longest request during it, s", "drop, s", "longest request during the drop, s")
    slow = any(float(result[name]) > MOST_SECONDS for name in longest)
    return slow or bool(result["failures"]) or float(result["grown / empty"]) < LEAST_RATE


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit 1 if a limit is missed."""
    parser = argparse.ArgumentParser(prog="bench.partitions", description="Months of finished jobs.")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"finished jobs (default {ROWS:,})")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(argv)
    with TemporaryDirectory() as folder, embedded_servers(Path(folder)) as servers:
        result = measured(servers.database_url, options.rows)
    if options.json:
        json.dump(result, sys.stdout, indent=1)
    else:
        for name, value in result.items():
            print(f"{name:<36} {value:,.3f}" if isinstance(value, float) else f"{name:<36} {value}")
    return 1 if is_missed(result) else 0


if __name__ == "__main__":
    sys.exit(main())
