"""Queries of the metrics endpoint; none reads history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection

Rows = Sequence[tuple[Any, ...]]

TOTALS: Final = """
SELECT task, outcome, jobs, late, wait_seconds, run_seconds, wait_buckets, run_buckets FROM job_totals
ORDER BY task, outcome
"""
DEAD: Final = "SELECT task, count(*) FROM (SELECT task FROM jobs WHERE state = 'dead' LIMIT 10000) AS d GROUP BY task"
LANES: Final = "SELECT state, count(*) FROM lanes GROUP BY state"
WORKERS: Final = """
SELECT count(*), coalesce(sum(threads), 0), coalesce(max(memory_bytes), 0) FROM worker_processes
WHERE heartbeat_at > clock_timestamp() - interval '15 seconds'
"""
SCHEDULES: Final = "SELECT name, extract(epoch FROM %s - next_at)::float8, paused FROM schedules WHERE NOT retired"
MAILS: Final = "SELECT template, state, count(*) FROM mails WHERE id >= %s GROUP BY template, state"
DELIVERIES: Final = "SELECT state, count(*) FROM webhook_deliveries WHERE id >= %s GROUP BY state"
OFFERS: Final = """
SELECT state, count(*) FROM offers WHERE state IN ('waiting', 'waiting_for_confirmation') GROUP BY state
"""

RECIPIENTS: Final = "SELECT state, count(*) FROM mail_recipients WHERE mail_id >= %s GROUP BY state"
# The oldest by id are the oldest by age, except for jobs scheduled long ago; both ends are bounded.
WAITING: Final = """
SELECT task, min(run_at) FROM (
    SELECT task, run_at FROM jobs WHERE state = 'queued' AND NOT held ORDER BY id LIMIT 3000
) AS oldest GROUP BY task
"""
UNPROMOTED: Final = """
SELECT min(run_at) FROM (
    SELECT run_at FROM jobs WHERE state IN ('scheduled', 'retrying') AND run_at <= %s ORDER BY run_at LIMIT 1
) AS first
"""
LEASES: Final = (
    "SELECT count(*), min(started_at) FROM (SELECT started_at FROM jobs WHERE state = 'running' LIMIT 10000) AS r"
)
CONNECTIONS: Final = """
SELECT split_part(substr(application_name, 8), ':', 1), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '^kontor[ -]' GROUP BY 1
"""
HELD_RUNS: Final = "SELECT count(*) FROM discount_runs WHERE state = 'held'"


class Total(NamedTuple):
    """All-time totals of one task and outcome."""

    task: str
    outcome: str
    jobs: int
    late: int
    wait_seconds: float
    run_seconds: float
    wait_buckets: list[int]
    run_buckets: list[int]


def totals(connection: Connection[Any]) -> list[Total]:
    """Totals by task and outcome."""
    return [Total(*row) for row in connection.execute(TOTALS).fetchall()]


def dead(connection: Connection[Any]) -> Rows:
    """(task, count) of dead jobs, at most 10,000."""
    return connection.execute(DEAD).fetchall()


def lanes(connection: Connection[Any]) -> Rows:
    """(state, count) of lanes."""
    return connection.execute(LANES).fetchall()


def workers(connection: Connection[Any]) -> Rows:
    """One row: (live processes, their threads, the largest memory in bytes)."""
    return connection.execute(WORKERS).fetchall()


def schedules(connection: Connection[Any], now: datetime) -> Rows:
    """(name, seconds late (negative: not due yet), paused) of schedules."""
    return connection.execute(SCHEDULES, (now,)).fetchall()


def mails(connection: Connection[Any], floor: UUID) -> Rows:
    """(template, state, count) of mails with an id from `floor` on."""
    return connection.execute(MAILS, (floor,)).fetchall()


def deliveries(connection: Connection[Any], floor: UUID) -> Rows:
    """(state, count) of webhook deliveries with an id from `floor` on."""
    return connection.execute(DELIVERIES, (floor,)).fetchall()


def offers(connection: Connection[Any]) -> Rows:
    """(state, count) of open offers."""
    return connection.execute(OFFERS).fetchall()


def recipients(connection: Connection[Any], floor: UUID) -> Rows:
    """(state, count) of the recipients of mails with an id from `floor` on."""
    return connection.execute(RECIPIENTS, (floor,)).fetchall()


def waiting(connection: Connection[Any]) -> Rows:
    """(task, oldest due time) among the 3,000 oldest queued jobs."""
    return connection.execute(WAITING).fetchall()


def unpromoted(connection: Connection[Any], now: datetime) -> datetime | None:
    """Oldest due time of a due job that the relay has not promoted yet."""
    row = connection.execute(UNPROMOTED, (now,)).fetchone()
    return row[0] if row else None


def leases(connection: Connection[Any]) -> tuple[int, datetime | None]:
    """Number of jobs under a lease, and the start of the oldest."""
    row = connection.execute(LEASES).fetchone()
    return (row[0], row[1]) if row else (0, None)


def connections(connection: Connection[Any]) -> Rows:
    """(role, count) of this database's connections by Kontor process role."""
    return connection.execute(CONNECTIONS).fetchall()


def held_runs(connection: Connection[Any]) -> int:
    """Number of discount runs that wait for an operator."""
    row = connection.execute(HELD_RUNS).fetchone()
    return int(row[0]) if row else 0
