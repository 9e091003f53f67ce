"""The one INSERT that every contender's job does, and what it leaves behind.

Imported inside the peers' virtual environment too: psycopg only.
"""

import os
import threading
from dataclasses import dataclass

import psycopg

from kontor.kernel.database import PgConnection

DSN = "BENCH_DSN"
REDIS = "BENCH_REDIS"

TABLE = """
CREATE TABLE IF NOT EXISTS bench_effects (
    n bigint PRIMARY KEY,
    times integer NOT NULL DEFAULT 1,
    pid integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
CONFLICT = "ON CONFLICT (n) DO UPDATE SET times = bench_effects.times + 1"
INSERT = f"INSERT INTO bench_effects (n, pid) VALUES (%s, %s) {CONFLICT}"
INSERT_NUMBERED = f"INSERT INTO bench_effects (n, pid) VALUES ($1, $2) {CONFLICT}"

_local = threading.local()


def dsn() -> str:
    """The libpq URL of this contender's database."""
    return os.environ[DSN]


def redis_url() -> str:
    """The URL of the Redis that all contenders share."""
    return os.environ[REDIS]


def insert_committed(n: int) -> None:
    """One INSERT, committed in one round trip, on this thread's own connection."""
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(dsn(), autocommit=True)
    _local.connection.execute(INSERT, (n, os.getpid()))


@dataclass(frozen=True, slots=True)
class Drained:
    """What a run left: rates in jobs/s after each process's warm-up, counts of everything."""

    jobs: int
    effects: int
    doubled: int
    processes: int
    rate: float

    @property
    def exact(self) -> bool:
        """Each job had its effect, once."""
        return self.effects == self.jobs and self.doubled == 0


# The window opens when the last process has done its warm-up, and closes with the last effect.
WINDOW = """
WITH numbered AS (
    SELECT at, pid, row_number() OVER (PARTITION BY pid ORDER BY at) AS nth FROM bench_effects
), opening AS (
    SELECT max(at) AS at FROM numbered WHERE nth = %(warm_up)s
), closing AS (
    SELECT max(at) AS at FROM bench_effects
)
SELECT count(*), count(*) FILTER (WHERE times > 1), count(DISTINCT pid),
       count(*) FILTER (WHERE bench_effects.at > opening.at),
       coalesce(extract(epoch FROM max(closing.at) - max(opening.at)), 0)
FROM bench_effects, opening, closing
"""


def measure(connection: PgConnection, jobs: int, warm_up: int) -> Drained:
    """Judge a drained backlog; `warm_up` effects of each process are not counted."""
    row = connection.execute(WINDOW, {"warm_up": warm_up}).fetchone()
    assert row is not None
    effects, doubled, processes, counted, seconds = row
    rate = float(counted) / float(seconds) if seconds else 0.0
    return Drained(jobs, effects, doubled, processes, rate)
