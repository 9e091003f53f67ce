"""One job, one commit, two round trips: the end of a job's transaction travels with the beginning of the next.

Sent one by one, BEGIN, claim, effect, completion and COMMIT are five round trips, and each costs both processes
a change of context. Here the claim and the completion are prepared once for each connection and executed in one
simple query together with what opens and closes the transaction. The query goes to libpq itself, whose answer
is the last of its results: a cursor costs a quarter of what a worker spends on such a job.
"""

import json
from datetime import datetime
from typing import Any, Final
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

from engine import ledger
from engine.ledger import Driver, JobRow

_KEY: Final = "kontor.express"
_TYPES: Final = "uuid, text, timestamptz, timestamptz, jsonb"
# What is the same for every job that succeeds stands in the statement: each value given costs PostgreSQL some 2 us.
_GIVEN: Final = {
    "id": "$1", "worker": "$2", "started": "$3", "finished": "$4", "result": "$5",
    "state": "'succeeded'", "burn": "1", "reason": "NULL",
}  # fmt: skip
PREPARE: Final = (
    f"PREPARE kontor_claim (uuid) AS {ledger.LOCK_ONE.replace('%s', '$1')};"
    f" PREPARE kontor_finish ({_TYPES}) AS {ledger.ARCHIVE_ONE % _GIVEN}"
)


def prepare_once(connection: Connection, driver: Driver) -> None:
    """Prepare a connection that is new in its pool, and let it read JSON ten times as fast as psycopg does."""
    if _KEY not in connection.info:
        set_json_loads(from_json, driver)
        prepare(driver)
        connection.info[_KEY] = True


def prepare(driver: Driver) -> None:
    """Prepare a connection, also one whose statements are gone: psycopg drops them all after a ROLLBACK."""
    driver.execute("DEALLOCATE ALL")
    driver.execute(PREPARE)


class Express:
    """Transactions of one job each, over a prepared connection in autocommit."""

    def __init__(self, driver: Driver, worker: str) -> None:
        self._driver = driver
        self._libpq = driver.pgconn
        self._loader = Transformer(driver)
        self._worker = quote(worker)
        self._finish = ""
        self._open = False

    def begin(self, job_id: UUID) -> JobRow | None:
        """End the transaction that is open, begin the next and lock its job; None when it does not wait."""
        finish, claim = self._finish, f"EXECUTE kontor_claim('{job_id}')"
        turn = "COMMIT AND CHAIN" if self._open else "BEGIN"
        self._finish, self._open = "", True
        try:
            found = self._ask(f"{finish}{turn}; {claim}")
        except InvalidSqlStatementName:
            if finish:
                raise  # the lost statement may be the completion of the job before
            self._driver.execute("ROLLBACK")
            prepare(self._driver)
            found = self._ask(f"BEGIN; {claim}")
        if not found.ntuples:
            return None
        self._loader.set_pgresult(found)
        return self._loader.load_row(0, JobRow._make)

    def finish(self, job_id: UUID, result: Any, started: datetime, finished: datetime) -> None:
        """Complete the job when its transaction ends."""
        body = "NULL" if result is None else quote(json.dumps(result))
        times = f"'{started.isoformat()}', '{finished.isoformat()}'"
        self._finish = f"EXECUTE kontor_finish('{job_id}', {self._worker}, {times}, {body}); "

    def commit(self) -> None:
        """End the transaction that is open, if one is."""
        finish = self._finish
        if self._open:
            self.forget()
            self._ask(f"{finish}COMMIT")

    def _ask(self, query: str) -> PGresult:
        """Run statements and return what the last of them answers. Raises psycopg errors."""
        result = self._libpq.exec_(query.encode())
        if result.status == ExecStatus.FATAL_ERROR:
            if self._libpq.status == ConnStatus.BAD:
                raise OperationalError(result.get_error_message())
            raise error_from_result(result)
        return result

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._finish, self._open = "", False
