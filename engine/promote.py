"""Promotes due scheduled and retrying jobs to `queued`."""

from datetime import datetime

from engine.ledger import Driver

CHUNK = 5000
PROMOTE = """
UPDATE jobs SET state = 'queued' WHERE id IN (
    SELECT id FROM jobs WHERE state IN ('scheduled', 'retrying') AND run_at <= %s
    ORDER BY run_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
NEXT_DUE = "SELECT min(run_at) FROM jobs WHERE state IN ('scheduled', 'retrying')"


def promote_due(connection: Driver, now: datetime) -> int:
    """Promote up to 5,000 due jobs; return how many."""
    return connection.execute(PROMOTE, (now, CHUNK)).rowcount


def next_due(connection: Driver) -> datetime | None:
    """Return when the next waiting job is due; None when none waits."""
    row = connection.execute(NEXT_DUE).fetchone()
    return None if row is None else row[0]
