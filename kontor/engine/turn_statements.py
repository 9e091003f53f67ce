"""What a group of turns reads and writes in the ledger: two round trips and a COMMIT, whatever its size."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from psycopg.errors import InvalidSqlStatementName
from psycopg.sql import quote

from kontor.engine import prepared
from kontor.engine.ledger import JobRow
from kontor.engine.prepared import (
    ARCHIVE,
    ARCHIVE_RESULTS,
    LOCK_TURNS,
    START,
    START_REGISTERED,
    Libpq,
    json_literal,
    uuids,
)
from kontor.kernel.database import PgConnection

BEGIN_ALONE = "BEGIN; "
BEGIN_SHARED = "BEGIN; SET LOCAL lock_timeout = '100ms'; "
"""In a shared transaction a lock held elsewhere is waited for 0.1 s only: others wait with it."""


class NotRegistered(Exception):
    """The worker was struck off the list of workers: it claims nothing until it has registered again."""


class Locked(NamedTuple):
    """What a group may write: the jobs that still run under their lease, and those that wait and are now locked."""

    held: frozenset[UUID]
    waiting: Sequence[JobRow]


class TurnStatements:
    """The statements of one transaction. `shared`: several threads wait for it.

    `again`: what failed before is tried once more, without prepared statements. After a handler's DROP or
    ALTER, psycopg drops them in the middle of the transaction.
    """

    def __init__(self, connection: PgConnection, worker: str, *, shared: bool, again: bool) -> None:
        self._connection = connection
        self._libpq = Libpq(connection)
        self._worker = worker
        self._prepared = not again and prepared.is_prepared(connection)
        self._begin = BEGIN_SHARED if shared else BEGIN_ALONE

    def begin(self, leases: Sequence[tuple[UUID, UUID]], ids: Sequence[UUID]) -> Locked:
        """BEGIN; lock the jobs (id, lease) that still run under their lease, and those of `ids` that wait."""
        jobs, its_leases = (job for job, _ in leases), (lease for _, lease in leases)
        lock = LOCK_TURNS.call(uuids(jobs), uuids(its_leases), uuids(ids), prepared=self._prepared)
        try:
            rows = self._libpq.rows(self._begin + lock)
        except InvalidSqlStatementName:
            self._connection.execute("ROLLBACK")
            prepared.prepare(self._connection)
            rows = self._libpq.rows(self._begin + lock)
        # The task of a job that runs is not read: NULL tells the two apart.
        held = frozenset(cast(UUID, row[0]) for row in rows if row[1] is None)
        return Locked(held, [JobRow._make(row) for row in rows if row[1] is not None])

    def write(
        self,
        done: Sequence[tuple[UUID, object]],
        claims: Sequence[tuple[UUID, UUID]],
        now: datetime,
        *,
        registered_only: bool,
    ) -> None:
        """Archive jobs (id, result) that succeeded; mark locked jobs (id, lease) as running.

        The lease is the fence for recording them. Raises NotRegistered if `registered_only` and the worker has no
        row in `worker_processes`.
        """
        query = self._archive(done, now) if done else ""
        if claims:
            query += self._start(claims, now, registered_only=registered_only)
        if query:
            result = self._libpq.execute(query)
            if claims and (result.command_tuples or 0) < len(claims):
                raise NotRegistered(self._worker)

    def _archive(self, done: Sequence[tuple[UUID, object]], now: datetime) -> str:
        literals = uuids(job_id for job_id, _ in done), quote(self._worker), f"'{now.isoformat()}'"
        if all(result is None for _, result in done):
            return ARCHIVE.call(*literals, prepared=self._prepared)
        results = f"ARRAY[{', '.join(json_literal(result) for _, result in done)}]::jsonb[]"
        return ARCHIVE_RESULTS.call(*literals, results, prepared=self._prepared)

    def _start(self, claims: Sequence[tuple[UUID, UUID]], now: datetime, *, registered_only: bool) -> str:
        statement = START_REGISTERED if registered_only else START
        ids, leases = uuids(job_id for job_id, _ in claims), uuids(lease for _, lease in claims)
        return statement.call(quote(self._worker), f"'{now.isoformat()}'", ids, leases, prepared=self._prepared)
