"""Search jobs: indexed filters answer in full, others within a time limit and resumable by cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine.admin import job_queries
from kontor.engine.admin.job_filter import COLD, HOT, JobFilter, conditions, tables
from kontor.engine.admin.job_queries import JobRecord, newest_jobs
from kontor.engine.catalogue import Catalogue
from kontor.jobs.service import JobView, views
from kontor.kernel.database import PgConnection, psycopg_connection, timeboxed
from kontor.kernel.ports import Clock

SLICE: Final = 20_000
"""Jobs of one table per slice: about 10 ms of work."""
CREATED: Final = " UNION ALL ".join(f"SELECT created_at FROM {table} WHERE id = %(id)s" for table in (HOT, COLD))  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Slice:
    """The matches of one slice. `edge`: the search continues below this job; None at the end."""

    rows: list[JobRecord]
    edge: UUID | None


def next_slice(connection: PgConnection, job_filter: JobFilter, limit: int, size: int) -> Slice:
    """Return up to `limit` newest matches among the next `size` jobs of each table below `job_filter.before`."""
    edges = [edge for table in tables(job_filter) if (edge := _edge(connection, table, job_filter, size)) is not None]
    edge = max(edges, default=None)
    bounded = job_filter if edge is None else job_filter.replace(floor=edge)
    return Slice(newest_jobs(connection, bounded, limit), edge)


def created_at(connection: PgConnection, job_id: UUID) -> datetime | None:
    """Return when a job was enqueued; None when it no longer exists."""
    row = connection.execute(CREATED, {"id": job_id}).fetchone()
    return None if row is None else row[0]


def _edge(connection: PgConnection, table: str, job_filter: JobFilter, size: int) -> UUID | None:
    """Return the last job of a table in the slice; None when no job lies below. An index-only scan."""
    where, values = conditions(JobFilter(before=job_filter.before, floor=job_filter.floor))
    statement = f"SELECT id FROM {table} WHERE {where} ORDER BY id DESC OFFSET {size} LIMIT 1"  # noqa: S608 -- constants
    row = connection.execute(statement, values, prepare=False).fetchone()
    return None if row is None else row[0]


LIMIT_MS: Final = 1_000
FULL_QUERY_SHARE: Final = 0.25
"""Share of the time budget for a single full query before slicing."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of results. `partial`: time ran out; every job down to `next`, enqueued at `reached`, was searched."""

    items: Sequence[JobView]
    next: UUID | None
    partial: bool
    reached: datetime | None = None


@dataclass(frozen=True, slots=True)
class Searcher:
    """Searches for at most `limit_ms`.

    `at_once`: share of the time budget (0 to 1) for a single full query before slicing.
    """

    catalogue: Catalogue
    clock: Clock
    limit_ms: int = LIMIT_MS
    slice: int = SLICE
    full_query_share: float = FULL_QUERY_SHARE

    def search(self, session: Session, job_filter: JobFilter, limit: int) -> SearchPage:
        """Return a page of matching jobs, newest first."""
        deadline = self.clock.monotonic() + self.limit_ms / 1000
        full_query_ms = int(self.limit_ms * self.full_query_share)
        query_page = partial(job_queries.newest_jobs, psycopg_connection(session), job_filter, limit + 1)
        rows = timeboxed(session, full_query_ms, query_page) if full_query_ms else None
        if rows is not None:
            return self._page(session, rows, limit)
        return self._in_slices(session, job_filter, limit, deadline)

    def _page(self, session: Session, rows: Sequence[JobRecord], limit: int) -> SearchPage:
        shown = rows[:limit]
        next_id = shown[-1].id if len(rows) > limit else None
        return SearchPage(views(session, self.catalogue, shown), next_id, partial=False)

    def _in_slices(self, session: Session, job_filter: JobFilter, limit: int, deadline: float) -> SearchPage:
        rows: list[JobRecord] = []
        edge = job_filter.before
        while len(rows) <= limit:
            left_ms = int((deadline - self.clock.monotonic()) * 1000)
            slice_filter, limit_left = job_filter.replace(before=edge), limit + 1 - len(rows)
            query_slice = partial(next_slice, psycopg_connection(session), slice_filter, limit_left, self.slice)
            result = timeboxed(session, left_ms, query_slice) if left_ms > 0 else None
            if result is None:
                return self._cut(session, rows, None if edge == job_filter.before else edge)
            rows += result.rows
            edge = result.edge
            if edge is None:
                break
        return self._page(session, rows, limit)

    def _cut(self, session: Session, rows: Sequence[JobRecord], edge: UUID | None) -> SearchPage:
        """Return what was found in time; without one complete slice there is no place to continue from."""
        reached = None if edge is None else created_at(psycopg_connection(session), edge)
        return SearchPage(views(session, self.catalogue, rows), edge, partial=True, reached=reached)
