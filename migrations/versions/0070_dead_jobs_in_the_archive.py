"""The archive may hold dead jobs: they leave the hot table 30 days after their end.

Revision: 0070, after 0067. The index is built concurrently; can be restarted. The previous release archives no dead
jobs: a worker of this one does, and while both run, a web process of the previous one does not list those.
"""

import time
from typing import Final

import psycopg
import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0067"
branch_labels = None
depends_on = None

TABLE = "jobs_archive"
CHECK = "ck_jobs_archive_state"
WIDER = "ck_jobs_archive_state_and_dead"
INDEX = "ix_jobs_archive_dead"
ADD = f"ALTER TABLE {TABLE} ADD CONSTRAINT {WIDER} CHECK (state IN ('succeeded', 'cancelled', 'dead')) NOT VALID"
TRIES: Final = 120
PAUSE_SECONDS: Final = 0.5
COLUMNS = (
    "id, task, queue, tenant, lane, priority, state, payload, payload_version, unique_key, once_key, run_at, attempt,"
    " max_attempts, crashes, lease, worker, result, error, reason, fingerprint, parent_id, trace_id, created_at,"
    " started_at, finished_at"
)
# The retention of the previous release deletes by age alone, beside this one and after a way back.
KEEP = """
CREATE OR REPLACE FUNCTION keep_dead_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A dead job is not deleted from jobs_archive.'
        USING ERRCODE = 'restrict_violation', HINT = 'Retry or cancel it; the release that archived it can.';
END
$$
"""
TRIGGER = """
CREATE TRIGGER keep_dead_jobs BEFORE DELETE ON jobs_archive FOR EACH ROW
WHEN (OLD.state = 'dead' AND current_setting('kontor.dead_jobs_leave', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION keep_dead_jobs()
"""
BACK = f"""
WITH moved AS (DELETE FROM jobs_archive WHERE state = 'dead' RETURNING {COLUMNS})
INSERT INTO jobs ({COLUMNS}) SELECT {COLUMNS} FROM moved
"""  # noqa: S608 -- constants


def upgrade() -> None:
    """Move forward; safe while the previous release still runs. No row is without a CHECK at any time."""
    with op.get_context().autocommit_block():
        connection = op.get_bind().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        if connection.execute("SELECT FROM pg_trigger WHERE tgname = 'keep_dead_jobs'").fetchone() is not None:
            return
        patiently(connection, f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {WIDER}; {ADD}")
        connection.execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {WIDER}")
        op.drop_index(INDEX, TABLE, postgresql_concurrently=True, if_exists=True)
        dead = sa.text("state = 'dead'")
        op.create_index(INDEX, TABLE, ["fingerprint", "id"], postgresql_concurrently=True, postgresql_where=dead)
        replace = (
            f"ALTER TABLE {TABLE} DROP CONSTRAINT {CHECK}; ALTER TABLE {TABLE} RENAME CONSTRAINT {WIDER} TO {CHECK}"
        )
        patiently(connection, f"{KEEP}; {TRIGGER}; {replace}")


def patiently(connection: psycopg.Connection[tuple[object, ...]], statements: str) -> None:
    """Execute statements as one transaction that waits half a second for a lock; try again when it got none."""
    for attempt in range(1, TRIES + 1):
        try:
            connection.execute(f"SET LOCAL lock_timeout = '500ms';\n{statements}")
        except psycopg.errors.LockNotAvailable:
            if attempt == TRIES:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def downgrade() -> None:
    """Move back; dead jobs return to the hot table first."""
    op.execute(sa.text("DROP TRIGGER keep_dead_jobs ON jobs_archive"))
    op.execute(sa.text("DROP FUNCTION keep_dead_jobs"))
    op.execute(sa.text(BACK))
    op.drop_constraint(op.f(CHECK), TABLE, type_="check", if_exists=True)
    op.create_check_constraint(op.f(CHECK), TABLE, "state IN ('succeeded', 'cancelled')")
    op.drop_index(INDEX, TABLE, if_exists=True)
