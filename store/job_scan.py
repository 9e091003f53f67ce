"""Searches that no index serves: the ledger is read backwards, slice by slice, for as long as the caller likes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from store.jobs_read import COLD, HOT, JobQuery, JobRecord, conditions, newest, tables

SLICE: Final = 20_000
"""Jobs of one table that a slice goes through: some 10 ms of work."""
CREATED: Final = " UNION ALL ".join(f"SELECT created_at FROM {table} WHERE id = %(id)s" for table in (HOT, COLD))  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice has. `edge`: the search goes on below this job; None when that was all."""

    rows: list[JobRecord]
    edge: UUID | None


def next_slice(driver: Connection[Any], query: JobQuery, limit: int, size: int) -> Slice:
    """The newest matching jobs, `limit` at most, among the next `size` of each table below `query.before`."""
    edges = [edge for table in tables(query) if (edge := _edge(driver, table, query, size)) is not None]
    edge = max(edges, default=None)
    bounded = query if edge is None else replace(query, floor=edge)
    return Slice(newest(driver, bounded, limit), edge)


def created_at(driver: Connection[Any], job_id: UUID) -> datetime | None:
    """When a job was enqueued; None when it is gone."""
    row = driver.execute(CREATED, {"id": job_id}).fetchone()
    return None if row is None else row[0]


def _edge(driver: Connection[Any], table: str, query: JobQuery, size: int) -> UUID | None:
    """The last job of a table in the slice; None when the slice has all the rest. Reads an index alone."""
    where, values = conditions(JobQuery(before=query.before, floor=query.floor))
    statement = f"SELECT id FROM {table} WHERE {where} ORDER BY id DESC OFFSET {size} LIMIT 1"  # noqa: S608 -- constants
    row = driver.execute(statement, values, prepare=False).fetchone()
    return None if row is None else row[0]
