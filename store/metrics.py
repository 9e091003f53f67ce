"""SQL of the figures that are scraped; none reads history."""

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
# The oldest by id are the oldest by age but for what was scheduled long ago; both ends are bounded.
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
    """What attempts at a task that ended in one way came to, since the beginning."""

    task: str
    outcome: str
    jobs: int
    late: int
    wait_seconds: float
    run_seconds: float
    wait_buckets: list[int]
    run_buckets: list[int]


def totals(driver: Connection[Any]) -> list[Total]:
    """By task and outcome."""
    return [Total(*row) for row in driver.execute(TOTALS).fetchall()]


def dead(driver: Connection[Any]) -> Rows:
    """(task, count) of dead jobs, 10,000 at most."""
    return driver.execute(DEAD).fetchall()


def lanes(driver: Connection[Any]) -> Rows:
    """(state, count) of lanes."""
    return driver.execute(LANES).fetchall()


def workers(driver: Connection[Any]) -> Rows:
    """One row: (living processes, their threads, the greatest memory in bytes)."""
    return driver.execute(WORKERS).fetchall()


def schedules(driver: Connection[Any], now: datetime) -> Rows:
    """(name, seconds late (below zero: not due yet), paused)."""
    return driver.execute(SCHEDULES, (now,)).fetchall()


def mails(driver: Connection[Any], floor: UUID) -> Rows:
    """(template, state, count) of mails with an id from `floor` on."""
    return driver.execute(MAILS, (floor,)).fetchall()


def deliveries(driver: Connection[Any], floor: UUID) -> Rows:
    """(state, count) of webhook deliveries with an id from `floor` on."""
    return driver.execute(DELIVERIES, (floor,)).fetchall()


def offers(driver: Connection[Any]) -> Rows:
    """(state, count) of open offers."""
    return driver.execute(OFFERS).fetchall()


def recipients(driver: Connection[Any], floor: UUID) -> Rows:
    """(state, count) of the addressees of mails with an id from `floor` on."""
    return driver.execute(RECIPIENTS, (floor,)).fetchall()


def waiting(driver: Connection[Any]) -> Rows:
    """(task, instant) since when the oldest of the 3,000 oldest queued jobs is due."""
    return driver.execute(WAITING).fetchall()


def unpromoted(driver: Connection[Any], now: datetime) -> datetime | None:
    """Since when the oldest job is due that no relay has put into its queue."""
    row = driver.execute(UNPROMOTED, (now,)).fetchone()
    return row[0] if row else None


def leases(driver: Connection[Any]) -> tuple[int, datetime | None]:
    """How many jobs run under a lease, and since when the oldest does."""
    row = driver.execute(LEASES).fetchone()
    return (row[0], row[1]) if row else (0, None)


def connections(driver: Connection[Any]) -> Rows:
    """(role, count) of this database's connections, by the part of Kontor that holds them."""
    return driver.execute(CONNECTIONS).fetchall()


def held_runs(driver: Connection[Any]) -> int:
    """How many discount runs wait for an operator."""
    row = driver.execute(HELD_RUNS).fetchone()
    return int(row[0]) if row else 0
