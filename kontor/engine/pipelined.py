"""Pipelined transactions: one job, one commit, two round trips.

Claim and completion are sent together with the COMMIT of the previous job and the BEGIN of the next.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg.errors import InvalidSqlStatementName
from psycopg.sql import quote

from kontor.engine.ledger import JobRow
from kontor.engine.prepared import CLAIM, FINISH, Libpq, is_prepared, json_literal, prepare
from kontor.kernel.database import PgConnection


class PipelinedTransaction:
    """Transactions of one job each, on a prepared connection in autocommit mode."""

    def __init__(self, connection: PgConnection, worker: str) -> None:
        self._connection = connection
        self._libpq = Libpq(connection)
        self._worker = quote(worker)
        self._prepared = is_prepared(connection)
        self._completion = ""
        self._open = False

    def begin(self, job_id: UUID) -> Sequence[JobRow]:
        """Commit the open transaction, begin the next and lock its job; empty when the job is not waiting."""
        completion, claim = self._completion, CLAIM.call(f"'{job_id}'", prepared=self._prepared)
        opening = "COMMIT AND CHAIN" if self._open else "BEGIN"
        self._completion, self._open = "", True
        try:
            rows = self._libpq.rows(f"{completion}{opening}; {claim}")
        except InvalidSqlStatementName:
            if completion:
                raise  # the missing statement may be the completion of the previous job
            self._connection.execute("ROLLBACK")
            prepare(self._connection)
            rows = self._libpq.rows(f"BEGIN; {claim}")
        return [JobRow._make(row) for row in rows]

    def finish(self, job_id: UUID, result: object, started: datetime, finished: datetime) -> None:
        """Send the job's completion with the next commit."""
        times = f"'{started.isoformat()}'", f"'{finished.isoformat()}'"
        self._completion = FINISH.call(
            f"'{job_id}'", self._worker, *times, json_literal(result), prepared=self._prepared
        )

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        completion = self._completion
        if self._open:
            self.forget()
            self._libpq.execute(f"{completion}COMMIT")

    def forget(self) -> None:
        """Reset the state after a rollback."""
        self._completion, self._open = "", False
