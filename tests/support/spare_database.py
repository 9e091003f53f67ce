"""A test's database that the next test may have: emptied, or dropped when more than rows changed in it.

Copying and dropping a database costs five times what deleting the few rows of a test does.
"""

from dataclasses import dataclass, field
from typing import Final, LiteralString

import psycopg
from psycopg import sql

LARGEST_BYTES: Final = 1 << 20
ENDED_WITHIN_MS: Final = 5_000

END_OTHERS: Final = """
    SELECT coalesce(bool_and(pg_terminate_backend(pid, %s)), true) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""

# A change of the schema writes rows of these catalogues; a vacuum does not.
SCHEMA: Final[LiteralString] = " UNION ALL ".join(
    f"SELECT '{catalogue}', count(*), max({catalogue}.xmin::text::bigint) FROM {catalogue}"
    for catalogue in ("pg_class", "pg_attribute", "pg_constraint", "pg_proc", "pg_trigger", "pg_index")
)
TABLES: Final = """
    SELECT relname, pg_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"""
RESTART: Final = """
    SELECT count(setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)) FROM pg_sequences
    WHERE last_value IS NOT NULL"""


@dataclass(slots=True)
class SpareDatabase:
    """The state of a fresh copy of the template, to which a used one is brought back."""

    name: str
    schema: list[tuple[object, ...]] = field(default_factory=list)
    rows: dict[str, str] = field(default_factory=dict)

    def remember(self, connection: psycopg.Connection) -> None:
        """Note what a fresh copy has."""
        self.schema = connection.execute(SCHEMA).fetchall()
        for table in self._filled(connection):
            query = sql.SQL("SELECT json_agg(t)::text FROM {} t").format(sql.Identifier(table))
            all_rows = connection.execute(query).fetchone()
            assert all_rows is not None
            self.rows[table] = all_rows[0]

    def reset(self, connection: psycopg.Connection) -> bool:
        """Bring the database back to the state of a fresh copy; False: it cannot be, drop it."""
        ended = connection.execute(END_OTHERS, [ENDED_WITHIN_MS]).fetchone()
        if ended != (True,) or connection.execute(SCHEMA).fetchall() != self.schema:
            return False
        if any(size > LARGEST_BYTES for _, size in connection.execute(TABLES)):
            return False
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in self._filled(connection):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            for table, rows in self.rows.items():
                fill = "INSERT INTO {0} SELECT * FROM json_populate_recordset(NULL::{0}, %s::json)"
                connection.execute(sql.SQL(fill).format(sql.Identifier(table)), [rows])
            connection.execute(RESTART)
        return True

    @staticmethod
    def _filled(connection: psycopg.Connection) -> list[str]:
        """The names of the tables that have rows."""
        names = [sql.Literal(name) + sql.SQL(" WHERE EXISTS (SELECT FROM ") + sql.Identifier(name) + sql.SQL(")")
                 for name, _ in connection.execute(TABLES)]  # fmt: skip
        query = sql.SQL(" UNION ALL ").join(sql.SQL("SELECT ") + name for name in names)
        return [row[0] for row in connection.execute(query)]
