"""The hot statements of the engine, prepared once per connection and sent to libpq as one simple query.

Sent one by one, each statement is a round trip with a context switch in both processes, and a psycopg cursor costs
a quarter of the time a worker spends on a quick job. libpq returns the last result of a query.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg import OperationalError
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.sql import quote
from psycopg.types.json import set_json_loads
from pydantic_core import from_json
from sqlalchemy import Connection

from kontor.engine import ledger
from kontor.kernel.database import PgConnection

_KEY: Final = "kontor.prepared"
_PARAMETER: Final = re.compile(r"\$(\d)")
# Values common to all successful jobs are literals: each parameter costs PostgreSQL about 2 us.
_SUCCEEDED: Final = {"state": "'succeeded'", "reason": "NULL"}
_ONE: Final = {
    **_SUCCEEDED, "increment": "1", "id": "$1", "worker": "$2", "started": "$3", "finished": "$4", "result": "$5"
}  # fmt: skip
_MANY: Final = {
    **_SUCCEEDED, "increment": "0", "ids": "$1", "worker": "$2", "started": "NULL", "finished": "$3", "results": "$4"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement with numbered parameters."""

    name: str
    types: tuple[str, ...]
    text: str

    def call(self, *literals: str, prepared: bool) -> str:
        """Return the SQL that runs it with quoted literals; without preparation they stand in its text."""
        if prepared:
            return f"EXECUTE {self.name}({', '.join(literals)}); "
        cast = [f"{literal}::{kind}" for literal, kind in zip(literals, self.types, strict=True)]
        return _PARAMETER.sub(lambda match: cast[int(match[1]) - 1], self.text) + "; "


CLAIM: Final = Prepared("kontor_claim", ("uuid",), ledger.LOCK_ONE.replace("%s", "$1"))
FINISH: Final = Prepared(
    "kontor_finish", ("uuid", "text", "timestamptz", "timestamptz", "jsonb"), ledger.ARCHIVE_ONE % _ONE
)
LOCK_TURNS: Final = Prepared("kontor_lock_turns", ("uuid[]", "uuid[]", "uuid[]"), ledger.LOCK_TURNS)
START: Final = Prepared("kontor_start", ("text", "timestamptz", "uuid[]", "uuid[]"), ledger.START)
START_REGISTERED: Final = Prepared("kontor_start_registered", START.types, ledger.START + ledger.REGISTERED)
ARCHIVE: Final = Prepared("kontor_archive", ("uuid[]", "text", "timestamptz"), ledger.ARCHIVE % _MANY)
ARCHIVE_RESULTS: Final = Prepared("kontor_archive_results", (*ARCHIVE.types, "jsonb[]"), ledger.ARCHIVE_RESULTS % _MANY)
STATEMENTS: Final = (CLAIM, FINISH, LOCK_TURNS, START, START_REGISTERED, ARCHIVE, ARCHIVE_RESULTS)
PREPARE: Final = "; ".join(f"PREPARE {each.name} ({', '.join(each.types)}) AS {each.text}" for each in STATEMENTS)


def prepare_once(sa_connection: Connection, connection: PgConnection) -> None:
    """Prepare a connection new to its pool, with a JSON parser ten times as fast as psycopg's."""
    if _KEY not in sa_connection.info:
        set_json_loads(from_json, connection)
        prepare(connection)
        sa_connection.info[_KEY] = True


def prepare(connection: PgConnection) -> None:
    """Prepare the statements of a connection (again: psycopg drops them all after a ROLLBACK).

    Nothing is prepared on a connection that may change its session: a transaction pooler shares them.
    """
    if is_prepared(connection):
        connection.execute("DEALLOCATE ALL")
        connection.execute(PREPARE)


def is_prepared(connection: PgConnection) -> bool:
    """Whether a connection keeps its session, and so prepared statements."""
    return connection.prepare_threshold is not None


def uuids(ids: Iterable[UUID]) -> str:
    """Return the literal of an array."""
    return f"'{{{','.join(map(str, ids))}}}'"


def json_literal(value: object) -> str:
    """Return the literal of a JSON value; None is NULL."""
    return "NULL" if value is None else quote(json.dumps(value))


class Libpq:
    """Runs simple queries of several statements on a connection, past psycopg's cursors."""

    def __init__(self, connection: PgConnection) -> None:
        self._libpq = connection.pgconn
        self._loader = Transformer(connection)

    def execute(self, query: str) -> PGresult:
        """Run statements and return the last result. Raises psycopg errors."""
        result = self._libpq.exec_(query.encode())
        if result.status == ExecStatus.FATAL_ERROR:
            if self._libpq.status == ConnStatus.BAD:
                raise OperationalError(result.get_error_message())
            raise error_from_result(result)
        return result

    def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        """Run statements and return the rows of the last result."""
        result = self.execute(query)
        if not result.ntuples:
            return ()
        self._loader.set_pgresult(result)
        return self._loader.load_rows(0, result.ntuples, tuple)
