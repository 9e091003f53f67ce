"""Job search: one full query if it is fast enough, otherwise slice by slice until the time budget is used up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.ports import Clock
from engine.catalogue import Catalogue
from engine.driver import driver
from services.jobs import JobView, views
from store import job_scan, jobs_read
from store.jobs_read import JobQuery, JobRecord
from store.patience import within

LIMIT_MS: Final = 1_000
AT_ONCE: Final = 0.25
"""Share of the time budget for a single full query before slicing."""


@dataclass(frozen=True, slots=True)
class Found:
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
    slice: int = job_scan.SLICE
    at_once: float = AT_ONCE

    def search(self, session: Session, query: JobQuery, limit: int) -> Found:
        """Return a page of matching jobs, newest first."""
        deadline = self.clock.monotonic() + self.limit_ms / 1000
        full_query_ms = int(self.limit_ms * self.at_once)
        query_page = partial(jobs_read.newest, driver(session), query, limit + 1)
        rows = within(session, full_query_ms, query_page) if full_query_ms else None
        if rows is not None:
            return self._page(session, rows, limit)
        return self._in_slices(session, query, limit, deadline)

    def _page(self, session: Session, rows: Sequence[JobRecord], limit: int) -> Found:
        shown = rows[:limit]
        next_id = shown[-1].id if len(rows) > limit else None
        return Found(views(session, self.catalogue, shown), next_id, partial=False)

    def _in_slices(self, session: Session, query: JobQuery, limit: int, deadline: float) -> Found:
        rows: list[JobRecord] = []
        edge = query.before
        while len(rows) <= limit:
            left_ms = int((deadline - self.clock.monotonic()) * 1000)
            slice_query, limit_left = replace(query, before=edge), limit + 1 - len(rows)
            query_slice = partial(job_scan.next_slice, driver(session), slice_query, limit_left, self.slice)
            result = within(session, left_ms, query_slice) if left_ms > 0 else None
            if result is None:
                return self._cut(session, rows, None if edge == query.before else edge)
            rows += result.rows
            edge = result.edge
            if edge is None:
                break
        return self._page(session, rows, limit)

    def _cut(self, session: Session, rows: Sequence[JobRecord], edge: UUID | None) -> Found:
        """Return what was found in time; without one complete slice there is no place to continue from."""
        reached = None if edge is None else job_scan.created_at(driver(session), edge)
        return Found(views(session, self.catalogue, rows), edge, partial=True, reached=reached)
