"""Pipelined transactions: one job, one commit, two round trips.

Sent one by one, BEGIN, claim, effect, completion and COMMIT are five round trips, each with a context switch in
both processes. Here claim and completion are prepared once per connection and sent in one simple query together
with the COMMIT of the previous job and the BEGIN of the next. The query goes to libpq directly, which returns the
last result: a cursor costs a quarter of the time a worker spends on such a job.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import OperationalError
from psycopg.adapt import Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.sql import quote
from psycopg.types.json import set_json_loads
from pydantic_core import from_json
from sqlalchemy import Connection

from kontor.engine import ledger
from kontor.engine.ledger import JobRow
from kontor.kernel.database import PgConnection

_KEY: Final = "kontor.express"
_TYPES: Final = "uuid, text, timestamptz, timestamptz, jsonb"
# Values common to all successful jobs are literals: each parameter costs PostgreSQL about 2 us.
_PARAMETERS: Final = {
    "id": "$1", "worker": "$2", "started": "$3", "finished": "$4", "result": "$5",
    "state": "'succeeded'", "increment": "1", "reason": "NULL",
}  # fmt: skip
CLAIM: Final = ledger.LOCK_ONE.replace("%s", "$1")
FINISH: Final = ledger.ARCHIVE_ONE % _PARAMETERS
PREPARE: Final = f"PREPARE kontor_claim (uuid) AS {CLAIM}; PREPARE kontor_finish ({_TYPES}) AS {FINISH}"
_PARAMETER: Final = re.compile(r"\$(\d)")


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
    if connection.prepare_threshold is not None:
        connection.execute("DEALLOCATE ALL")
        connection.execute(PREPARE)


def with_literals(statement: str, *literals: str) -> str:
    """Return a statement with literals in place of its numbered parameters."""
    return _PARAMETER.sub(lambda match: literals[int(match[1]) - 1], statement)


class PipelinedTransaction:
    """Transactions of one job each, on a prepared connection in autocommit mode."""

    def __init__(self, connection: PgConnection, worker: str) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._loader = Transformer(connection)
        self._worker = quote(worker)
        self._prepared = connection.prepare_threshold is not None
        self._completion = ""
        self._open = False

    def begin(self, job_id: UUID) -> Sequence[JobRow]:
        """Commit the open transaction, begin the next and lock its job; empty when the job is not waiting."""
        completion, claim = self._completion, self._claim(f"'{job_id}'")
        opening = "COMMIT AND CHAIN" if self._open else "BEGIN"
        self._completion, self._open = "", True
        try:
            result = self._execute(f"{completion}{opening}; {claim}")
        except InvalidSqlStatementName:
            if completion:
                raise  # the missing statement may be the completion of the previous job
            self._connection.execute("ROLLBACK")
            prepare(self._connection)
            result = self._execute(f"BEGIN; {claim}")
        if not result.ntuples:
            return ()
        self._loader.set_pgresult(result)
        return (self._loader.load_row(0, JobRow._make),)

    def finish(self, job_id: UUID, result: object, started: datetime, finished: datetime) -> None:
        """Send the job's completion with the next commit."""
        body = "NULL" if result is None else quote(json.dumps(result))
        literals = f"'{job_id}'", self._worker, f"'{started.isoformat()}'", f"'{finished.isoformat()}'", body
        if self._prepared:
            self._completion = f"EXECUTE kontor_finish({', '.join(literals)}); "
        else:
            cast = [f"{literal}::{kind}" for literal, kind in zip(literals, _TYPES.split(", "), strict=True)]
            self._completion = f"{with_literals(FINISH, *cast)}; "

    def _claim(self, job_id: str) -> str:
        return f"EXECUTE kontor_claim({job_id})" if self._prepared else with_literals(CLAIM, f"{job_id}::uuid")

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        completion = self._completion
        if self._open:
            self.forget()
            self._execute(f"{completion}COMMIT")

    def _execute(self, query: str) -> PGresult:
        """Run statements and return the last result. Raises psycopg errors."""
        result = self._libpq.exec_(query.encode())
        if result.status == ExecStatus.FATAL_ERROR:
            if self._libpq.status == ConnStatus.BAD:
                raise OperationalError(result.get_error_message())
            raise error_from_result(result)
        return result

    def forget(self) -> None:
        """Reset the state after a rollback."""
        self._completion, self._open = "", False
