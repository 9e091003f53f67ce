"""A ledger that is slow to read, as with a million rows."""

from sqlalchemy import text
from sqlalchemy.orm import Session

SLOW = """
CREATE FUNCTION slowly(jsonb) RETURNS jsonb STABLE LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.008); RETURN $1; END $$;
ALTER TABLE jobs RENAME TO jobs_real;
CREATE VIEW jobs AS SELECT id, task, queue, tenant, lane, priority, state, slowly(payload) AS payload, unique_key,
run_at, attempt, max_attempts, worker, result, error, reason, parent_id, trace_id, created_at, started_at, finished_at,
unsupported
FROM jobs_real
"""


def make_slow(session: Session) -> None:
    """Make reading the args of each open job cost 8 ms."""
    session.execute(text(SLOW))
