"""What must hold while a deployment works, checked in PostgreSQL by bounded queries: the names of what is broken."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kontor.engine import lanes, processes
from kontor.kernel.database import PgConnection

READ_ONLY: Final = "read-only"
LEASE: Final = "lease"
BELL: Final = "bell"
LANE: Final = "lane"
TRANSACTION: Final = "transaction"
LEADING_ROLES: Final = ("relay", "scheduler")
NAMES: Final = (
    *LEADING_ROLES, "worker", "process", "schedule", READ_ONLY, "record", "clock", LEASE, BELL, TRANSACTION,
)  # fmt: skip
"""Every name that `broken` may return."""
PASSING: Final = frozenset({LEASE, BELL})
"""Names that may be right and gone a moment later: only what a second look repeats is broken."""
MOST: Final = 20
LOOKS: Final = 50

WRITES: Final = """
SELECT current_setting('default_transaction_read_only') = 'on' OR current_setting('transaction_read_only') = 'on',
    pg_is_in_recovery()
"""
# A restart of PostgreSQL is nobody's silence.
_RECENT: Final = "greatest({}, pg_postmaster_start_time() + interval '5 s')"
_MEMBERS: Final = """
members AS (
    SELECT id, role, host, min(started_at) AS started_at, max(beat_at) AS beat_at FROM (
        SELECT id, role, host, started_at, beat_at FROM processes
        UNION ALL SELECT id, 'worker', host, started_at, heartbeat_at FROM worker_processes
    ) AS both_tables GROUP BY id, role, host
)
"""
NOBODY_LEADS: Final = f"""
WITH {_MEMBERS}, alive AS (
    SELECT min(started_at) AS since FROM members WHERE beat_at > clock_timestamp() - make_interval(secs => %(fresh)s)
)
SELECT name, l.holder, date_trunc('second', coalesce(l.expires_at, alive.since))
FROM unnest(%(roles)s::text[]) AS name CROSS JOIN alive LEFT JOIN leaders l ON l.role = name
WHERE {_RECENT.format("coalesce(l.expires_at, alive.since)")} < clock_timestamp() - make_interval(secs => %(grace)s)
    AND alive.since IS NOT NULL
"""  # noqa: S608 -- constants
SILENT: Final = f"""
WITH {_MEMBERS}
SELECT role, id, host, extract(epoch FROM clock_timestamp() - beat_at)::float8 FROM members AS silent
WHERE beat_at > clock_timestamp() - make_interval(secs => %(forgotten)s)
    AND {_RECENT.format("beat_at")} < clock_timestamp() - make_interval(secs => %(fresh)s)
    AND NOT EXISTS (SELECT FROM members AS younger WHERE younger.role = silent.role AND younger.host = silent.host
        AND younger.started_at > silent.beat_at)
ORDER BY beat_at LIMIT %(most)s
"""  # noqa: S608 -- constants
FAILING: Final = """
SELECT name, error, next_at FROM schedules
WHERE NOT retired AND NOT paused AND (error IS NOT NULL OR (next_at < %(now)s::timestamptz - interval '60 s'
    AND EXISTS (SELECT FROM leaders WHERE role = 'scheduler' AND holder IS NOT NULL
        AND expires_at > clock_timestamp() AND acquired_at < clock_timestamp() - interval '10 s')))
ORDER BY name LIMIT %(most)s
"""
UNRECORDED: Final = """
SELECT id, extract(epoch FROM clock_timestamp() - unrecorded_since)::float8 FROM worker_processes
WHERE unrecorded_since < clock_timestamp() - interval '10 s' ORDER BY unrecorded_since LIMIT %(most)s
"""
WRONG_CLOCKS: Final = """
SELECT role, id, clock_offset_seconds FROM processes
WHERE beat_at > clock_timestamp() - make_interval(secs => %(fresh)s) AND abs(clock_offset_seconds) > 1
ORDER BY abs(clock_offset_seconds) DESC LIMIT %(most)s
"""
# A beat that was composed after the claim names its lease until the record is committed; one statement, one snapshot.
UNHELD: Final = """
SELECT j.id, j.task, j.worker FROM (
    SELECT id, task, worker, lease FROM jobs
    WHERE state = 'running' AND strpos(worker, ':') = 0 AND started_at < %(now)s::timestamptz - interval '10 s'
    LIMIT 10000
) AS j LEFT JOIN worker_processes w ON w.id = j.worker LEFT JOIN processes p ON p.id = j.worker
WHERE (w.id IS NULL AND coalesce(p.beat_at < clock_timestamp() - interval '20 s', true))
    OR (w.heartbeat_at > clock_timestamp() - make_interval(secs => %(fresh)s) AND NOT j.lease = ANY(w.leases))
ORDER BY j.id LIMIT %(most)s
"""
# Work in PostgreSQL leaves its job `queued`: idle is a worker that has neither a doorbell nor a lease.
UNANSWERED: Final = """
SELECT id, task, queue, run_at FROM (
    SELECT id, task, queue, run_at FROM jobs WHERE state = 'queued' AND NOT held AND NOT unsupported
    ORDER BY id LIMIT 3000
) AS oldest
WHERE run_at < %(now)s::timestamptz - interval '60 s'
    AND NOT EXISTS (SELECT FROM queues q WHERE q.name = oldest.queue AND (q.paused OR q.concurrency IS NOT NULL))
    AND EXISTS (SELECT FROM worker_processes w
        WHERE w.heartbeat_at > clock_timestamp() - make_interval(secs => %(fresh)s) AND NOT w.draining
            AND oldest.queue = ANY(w.queues) AND w.bells = '{}' AND w.leases = '{}')
ORDER BY run_at LIMIT 1
"""
LONG_OPEN: Final = """
SELECT coalesce(nullif(application_name, ''), usename, '?'), pid,
    extract(epoch FROM clock_timestamp() - xact_start)::float8
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND xact_start < clock_timestamp() - interval '60 s'
ORDER BY xact_start LIMIT 5
"""
OFFSETS: Final = """
SELECT DISTINCT ON (role, host) role, host, clock_offset_seconds FROM processes
WHERE beat_at > clock_timestamp() - make_interval(secs => %s) AND clock_offset_seconds IS NOT NULL
ORDER BY role, host, abs(clock_offset_seconds) DESC LIMIT 1000
"""
LEADERS: Final = "SELECT role FROM leaders WHERE holder IS NOT NULL AND expires_at > clock_timestamp()"
GRACE_SECONDS: Final = 3.0
"""A lease may be free this long: a leader that ends lets go of it, and another takes it."""


@dataclass(frozen=True, slots=True)
class BrokenInvariant:
    """A broken invariant: its name, where it is broken, and what to do."""

    name: str
    text: str
    remedy: str


def broken(connection: PgConnection, now: datetime) -> list[BrokenInvariant]:
    """Return the broken invariants; `now` is programme time. Raises psycopg errors."""
    values = {
        "now": now, "fresh": processes.FRESH_SECONDS, "forgotten": processes.FORGOTTEN_SECONDS,
        "grace": GRACE_SECONDS, "roles": list(LEADING_ROLES), "most": MOST,
    }  # fmt: skip
    checks = (_writes, _leads, _silent, _schedules, _records, _clocks, _leases, _bells, _transactions)
    return [entry for check in checks for entry in check(connection, values)]


def stuck_lanes(connection: PgConnection) -> list[BrokenInvariant]:
    """Return the free lanes whose held jobs nobody releases; a second look must repeat it. Raises psycopg errors."""
    stuck: list[str] = []
    after = ""
    for _ in range(LOOKS):
        after, names = lanes.look_at_held(connection, after)
        stuck += names
        if not after:
            break
    remedy = "see Instances in the console; start the relay, which releases them"
    return [BrokenInvariant(LANE, f"lane {name} is free, and its jobs are held", remedy) for name in stuck[:MOST]]


def clock_offsets(connection: PgConnection) -> list[tuple[str, str, float]]:
    """(role, host, seconds) of the living process whose clock is furthest from PostgreSQL's."""
    return connection.execute(OFFSETS, (processes.FRESH_SECONDS,)).fetchall()


def leading_roles(connection: PgConnection) -> frozenset[str]:
    """The roles in which a process leads."""
    return frozenset(row[0] for row in connection.execute(LEADERS).fetchall())


Values = dict[str, object]
Broken = Iterator[BrokenInvariant]


def _writes(connection: PgConnection, _: Values) -> Broken:
    row = connection.execute(WRITES).fetchone()
    assert row is not None
    if row[0] or row[1]:
        why = "is a standby" if row[1] else "accepts no writes (default_transaction_read_only)"
        remedy = "promote it, or name the primary in DATABASE_URL; free its disk, then allow writes again"
        yield BrokenInvariant(READ_ONLY, f"PostgreSQL is read-only: it {why}", remedy)


def _leads(connection: PgConnection, values: Values) -> Broken:
    for role, holder, since in connection.execute(NOBODY_LEADS, values).fetchall():
        text = f"no {role} leads since {since.isoformat()}" + (f"; the last was {holder}" if holder else "")
        yield BrokenInvariant(role, text, f"start `kontor {role}`; end one that hangs; a second one stands by")


def _silent(connection: PgConnection, values: Values) -> Broken:
    for role, member, host, seconds in connection.execute(SILENT, values).fetchall():
        text = f"{role} {member} on {host} has been silent for {seconds:.0f} s and has not left"
        name = "worker" if role == "worker" else "process"
        yield BrokenInvariant(name, text, "see its log and its host; end it if it hangs, and start another")


def _schedules(connection: PgConnection, values: Values) -> Broken:
    for name, error, next_at in connection.execute(FAILING, values).fetchall():
        text = f"schedule {name} fails: {error}" if error else f"schedule {name} has been due since {next_at:%F %T %Z}"
        remedy = "see docs/how-to/runbooks/schedule-did-not-fire.md"
        yield BrokenInvariant("schedule", text, remedy)


def _records(connection: PgConnection, values: Values) -> Broken:
    for worker, seconds in connection.execute(UNRECORDED, values).fetchall():
        text = f"worker {worker} cannot record an act that ended {seconds:.0f} s ago"
        remedy = "see `record.refused` in its log: PostgreSQL's disk, locks on `jobs`; it goes on by itself"
        yield BrokenInvariant("record", text, remedy)


def _clocks(connection: PgConnection, values: Values) -> Broken:
    for role, member, offset in connection.execute(WRONG_CLOCKS, values).fetchall():
        text = f"the clock of {role} {member} is {offset:+.1f} s from PostgreSQL's"
        yield BrokenInvariant("clock", text, "synchronise both hosts with NTP")


def _leases(connection: PgConnection, values: Values) -> Broken:
    for job, task, worker in connection.execute(UNHELD, values).fetchall():
        text = f"job {job} ({task}) is running under a lease that worker {worker} does not hold"
        yield BrokenInvariant(LEASE, text, "start the relay, which queues it again")


def _bells(connection: PgConnection, values: Values) -> Broken:
    for job, task, queue, run_at in connection.execute(UNANSWERED, values).fetchall():
        text = f"job {job} ({task}) waits in the queue {queue} since {run_at:%F %T %Z} while a worker is idle"
        yield BrokenInvariant(BELL, text, "see the relay's log, and Redis: `kontor doctor`, `kontor queues list`")


def _transactions(connection: PgConnection, _: Values) -> Broken:
    for application, pid, seconds in connection.execute(LONG_OPEN).fetchall():
        text = f"a transaction of {application} (pid {pid}) has been open for {seconds:.0f} s"
        remedy = f"it slows the pick of jobs: let it end, or `SELECT pg_terminate_backend({pid})`"
        yield BrokenInvariant(TRANSACTION, text, remedy)
