"""Searches without an index: read the ledger backwards in slices, as long as the caller continues."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from store.jobs_read import COLD, HOT, JobQuery, JobRecord, conditions, newest, tables

SLICE: Final = 20_000
"""Jobs of one table per slice: about 10 ms of work."""
CREATED: Final = " UNION ALL ".join(f"SELECT created_at FROM {table} WHERE id = %(id)s" for table in (HOT, COLD))  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Slice:
    """The matches of one slice. `edge`: the search continues below this job; None at the end."""

    rows: list[JobRecord]
    edge: UUID | None


def next_slice(connection: Connection[Any], query: JobQuery, limit: int, size: int) -> Slice:
    """Return up to `limit` newest matches among the next `size` jobs of each table below `query.before`."""
    edges = [edge for table in tables(query) if (edge := _edge(connection, table, query, size)) is not None]
    edge = max(edges, default=None)
    bounded = query if edge is None else replace(query, floor=edge)
    return Slice(newest(connection, bounded, limit), edge)


def created_at(connection: Connection[Any], job_id: UUID) -> datetime | None:
    """Return when a job was enqueued; None when it no longer exists."""
    row = connection.execute(CREATED, {"id": job_id}).fetchone()
    return None if row is None else row[0]


def _edge(connection: Connection[Any], table: str, query: JobQuery, size: int) -> UUID | None:
    """Return the last job of a table in the slice; None when no job lies below. An index-only scan."""
    where, values = conditions(JobQuery(before=query.before, floor=query.floor))
    statement = f"SELECT id FROM {table} WHERE {where} ORDER BY id DESC OFFSET {size} LIMIT 1"  # noqa: S608 -- constants
    row = connection.execute(statement, values, prepare=False).fetchone()
    return None if row is None else row[0]
