"""Profiles a run that missed its budget: time by function, statements and waits of PostgreSQL."""

import subprocess
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from bench.environment import ROOT, BenchEnvironment
from kontor.kernel.database import PgConnection

SECONDS = 3
TOP = 10
SAMPLE_SECONDS = 0.02
STATEMENTS = """
SELECT calls, total_exec_time, mean_exec_time, left(regexp_replace(query, '\\s+', ' ', 'g'), 90)
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY total_exec_time DESC LIMIT 10
"""
WAITS = """
SELECT CASE state WHEN 'active' THEN coalesce(wait_event_type || ':' || wait_event, 'running') ELSE state END
FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
"""


class Observation:
    """Profiles processes and their database for a few seconds."""

    def __init__(self, environment: BenchEnvironment, database: str) -> None:
        self._environment = environment
        self._database = database
        self._spies: dict[str, subprocess.Popen[bytes]] = {}
        self._waits: Counter[str] = Counter()
        self._samples = 0
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def start(self, pids: Mapping[str, int]) -> None:
        """Start profiling and return."""
        with self._environment.connect(self._database) as connection:
            self._track(connection, on=True)
        self._sampler.start()
        spy = self._environment.peer_python.with_name("py-spy")
        for role, pid in pids.items():
            words = ["record", "--pid", str(pid), "--duration", str(SECONDS), "--rate", "200", "--function", "--gil"]
            argv = [str(spy), *words, "--format", "raw", "--output", str(self._file(role))]
            self._file(role).unlink(missing_ok=True)
            self._spies[role] = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def lines(self) -> list[str]:
        """Wait for the end and return the report."""
        lines: list[str] = []
        for role, spy in self._spies.items():
            spy.wait(SECONDS + 30)
            lines += spied(role, self._file(role))
        self._over.set()
        self._sampler.join()
        with self._environment.connect(self._database) as connection:
            lines += statements(connection)
            self._track(connection, on=False)
        lines.append("PostgreSQL backends in a transaction, on average, and what they wait for (idle: for the client):")
        samples = self._samples or 1
        return lines + [f"  {count / samples:6.2f}  {event}" for event, count in self._waits.most_common(TOP)]

    def _file(self, role: str) -> Path:
        return self._environment.folder / "log" / f"profile-{self._database}-{role.replace(' ', '-')}.txt"

    def _track(self, connection: PgConnection, *, on: bool) -> None:
        """Turn statement tracking on or off; embedded servers only."""
        if self._environment.embedded:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            connection.execute(f"ALTER SYSTEM SET pg_stat_statements.track = '{'top' if on else 'none'}'")
            connection.execute("SELECT pg_reload_conf()")
            if on:
                connection.execute("SELECT pg_stat_statements_reset()")

    def _sample(self) -> None:
        with self._environment.connect(self._database) as connection:
            while not self._over.wait(SAMPLE_SECONDS):
                self._waits.update(str(event) for (event,) in connection.execute(WAITS))
                self._samples += 1


def statements(connection: PgConnection) -> list[str]:
    """Return the statements with the most total time."""
    lines = ["PostgreSQL statements by total time (calls, total ms, mean ms):"]
    try:
        rows = connection.execute(STATEMENTS).fetchall()
    except psycopg.Error as error:
        return [f"no statements: {str(error).splitlines()[0]}"]
    return lines + [f"  {calls:>8}  {total:>9.1f}  {mean:>8.3f}  {query}" for calls, total, mean, query in rows]


def spied(role: str, path: Path) -> list[str]:
    """Return the time by function: its own time, then Kontor's functions including callees."""
    if not path.exists():
        return [f"{role}: py-spy could not attach (it needs permission to trace processes)"]
    alone: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [short(frame) for frame in stack.split(";")]
        alone[frames[-1]] += int(count)
        below.update({frame: int(count) for frame in set(frames) if "site-packages" not in frame})
    total = sum(alone.values()) or 1
    lines = [
        f"{role}: runs Python {total / 200 / SECONDS:.0%} of the time (holds the GIL); functions by their own time:"
    ]
    lines += shares(alone, total)
    return [*lines, f"{role}: Kontor's functions including callees:", *shares(below, total)]


def shares(counted: Counter[str], total: int) -> Sequence[str]:
    """Return the largest shares in percent."""
    return [f"  {count / total:6.1%}  {name}" for name, count in counted.most_common(TOP)]


def short(frame: str) -> str:
    """Return a frame without the path of the checkout."""
    return frame.replace(f"{ROOT}/", "")
