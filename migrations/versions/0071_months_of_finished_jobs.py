"""Finished jobs and attempts lie in a partition for each month of their UUIDv7 key (ADR 27, step 1).

Revision: 0071, after 0070. Online: a CHECK is validated while everybody writes, then the old table becomes the first
partition in one short transaction, tried again when a lock is not free. Can be restarted. The previous release reads
and writes the same names.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

HEADROOM: Final = timedelta(days=35)
"""How long the first partition takes new rows at least: its CHECK refuses later ones even before the swap."""
MONTHS: Final = 3
TRIES: Final = 120
PAUSE_SECONDS: Final = 0.5
STORAGE: Final = "WITH (autovacuum_vacuum_insert_scale_factor = 0.05)"
KEYS: Final = {"jobs_archive": ("id", "id"), "job_attempts": ("job_id", "job_id, number, seq")}
"""The partition key and the primary key of each table."""
INDEXES: Final[dict[str, dict[str, str]]] = {
    "jobs_archive": {
        "ix_jobs_archive_finished_at": "USING brin (finished_at)",
        "ix_jobs_archive_task": "(task, id)",
        "ix_jobs_archive_queue": "(queue, id)",
        "ix_jobs_archive_tenant": "(tenant, id) WHERE tenant <> ''",
        "ix_jobs_archive_lane": "(lane, id) WHERE lane IS NOT NULL",
        "ix_jobs_archive_dead": "(fingerprint, id) WHERE state = 'dead'",
        "ix_jobs_archive_parent_id": "(parent_id) WHERE parent_id IS NOT NULL",
    },
    "job_attempts": {},
}
KIND: Final = "SELECT relkind FROM pg_class WHERE oid = %s::regclass"
FIRST_BOUND: Final = """
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'jobs_archive_first' AND relispartition
"""
TRIGGER: Final = """
CREATE TRIGGER keep_dead_jobs BEFORE DELETE ON jobs_archive_parted FOR EACH ROW
WHEN (OLD.state = 'dead' AND current_setting('kontor.dead_jobs_leave', true) IS DISTINCT FROM 'on')
EXECUTE FUNCTION keep_dead_jobs()
"""
# The new table takes over who owns the old one and who may use it.
RIGHTS: Final = """
DO $do$
DECLARE row record;
BEGIN
    EXECUTE (SELECT format('ALTER TABLE {new} OWNER TO %I', pg_get_userbyid(relowner))
        FROM pg_class WHERE oid = '{table}'::regclass);
    FOR row IN
        SELECT g.privilege_type,
            CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS who
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS g
        WHERE c.oid = '{table}'::regclass AND g.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT %s ON {new} TO %s', row.privilege_type, row.who);
    END LOOP;
END
$do$
"""
# An identity cannot lie in a partition before PostgreSQL 17; a sequence of the same name goes on from the same number.
NUMBERS: Final = """
DO $do$
DECLARE following bigint := nextval(pg_get_serial_sequence('job_attempts', 'seq'));
BEGIN
    ALTER TABLE job_attempts ALTER seq DROP IDENTITY;
    CREATE SEQUENCE job_attempts_seq_seq OWNED BY job_attempts_parted.seq;
    PERFORM setval('job_attempts_seq_seq', following);
    ALTER TABLE job_attempts_parted ALTER seq SET DEFAULT nextval('job_attempts_seq_seq');
END
$do$
"""


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    with op.get_context().autocommit_block():
        connection = op.get_bind().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        limit = first_limit(connection)
        for table in KEYS:
            row = connection.execute(KIND, (table,)).fetchone()
            if row is not None and row[0] != "p":
                prepare(connection, table, limit)
                swap(connection, table, limit)
            connection.execute(f"ANALYZE {table}")


def first_limit(connection: psycopg.Connection[tuple[object, ...]]) -> datetime:
    """Return the end of the first partition, the same for both tables, however often this is restarted."""
    row = connection.execute(FIRST_BOUND).fetchone()
    if row is not None:
        bounds = re.search(r"TO \('([0-9a-f-]{36})'\)", str(row[0]))
        assert bounds is not None, row
        return datetime.fromtimestamp((UUID(bounds[1]).int >> 80) / 1000, UTC)
    now = connection.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'").fetchone()
    assert now is not None
    assert isinstance(now[0], datetime)
    return month_after(now[0].replace(tzinfo=UTC) + HEADROOM)


def month_after(instant: datetime) -> datetime:
    """Return the beginning of the next month, UTC."""
    first = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def lowest_id(instant: datetime) -> UUID:
    """Return the lowest UUIDv7 of an instant."""
    return UUID(int=(int(instant.timestamp() * 1000) << 80) | (0x7 << 76) | (0x8 << 60))


def prepare(connection: psycopg.Connection[tuple[object, ...]], table: str, limit: datetime) -> None:
    """Create the new table with its months; prove that each row of the old one lies before `limit`."""
    key, primary = KEYS[table]
    new = f"{table}_parted"
    storage = STORAGE if table == "jobs_archive" else ""
    connection.execute(f"DROP TABLE IF EXISTS {new} CASCADE")
    patiently(connection, f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_first")
    like = "INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE"
    connection.execute(f"CREATE TABLE {new} (LIKE {table} {like}) PARTITION BY RANGE ({key})")
    connection.execute(f"ALTER TABLE {new} ADD CONSTRAINT pk_{new} PRIMARY KEY ({primary})")
    for name, definition in INDEXES[table].items():
        connection.execute(f"CREATE INDEX {name}_parted ON {new} {definition}")
    connection.execute(f"CREATE TABLE {table}_default PARTITION OF {new} DEFAULT {storage}")
    start = limit
    for _ in range(MONTHS):
        end = month_after(start)
        bounds = f"FROM ('{lowest_id(start)}') TO ('{lowest_id(end)}')"
        connection.execute(f"CREATE TABLE {table}_{start:%Y_%m} PARTITION OF {new} FOR VALUES {bounds} {storage}")
        start = end
    if table == "jobs_archive":
        connection.execute(TRIGGER)
    connection.execute(RIGHTS.format(table=table, new=new))
    check = f"CHECK ({key} < '{lowest_id(limit)}') NOT VALID"
    patiently(connection, f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_first {check}")


def swap(connection: psycopg.Connection[tuple[object, ...]], table: str, limit: datetime) -> None:
    """Validate, then put the new table in the place of the old one. What fails leaves no CHECK that refuses rows."""
    try:
        connection.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_first")
        patiently(connection, swapping(table, limit))
    except BaseException:
        patiently(connection, f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_first")
        raise


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


def swapping(table: str, limit: datetime) -> str:
    """Return the statements of the swap; sent at once, they are one transaction."""
    new, first = f"{table}_parted", f"{table}_first"
    names = INDEXES[table]
    return ";\n".join((
        f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
        NUMBERS if table == "job_attempts" else "DROP TRIGGER keep_dead_jobs ON jobs_archive",
        f"ALTER TABLE {table} RENAME TO {first}",
        f"ALTER TABLE {first} RENAME CONSTRAINT pk_{table} TO pk_{first}",
        *(f"ALTER INDEX {name} RENAME TO {name}_first" for name in names),
        f"ALTER TABLE {new} RENAME TO {table}",
        f"ALTER TABLE {table} RENAME CONSTRAINT pk_{new} TO pk_{table}",
        *(f"ALTER INDEX {name}_parted RENAME TO {name}" for name in names),
        f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ('{lowest_id(limit)}')",
        f"ALTER TABLE {first} DROP CONSTRAINT ck_{table}_first",
    ))  # fmt: skip
