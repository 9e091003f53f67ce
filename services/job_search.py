"""Searching jobs: what an index finds comes whole, anything else as far as the time allows, to be gone on with."""

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
"""Which part of the time a search may take before it is taken slice by slice."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search. `partial`: time was up; every job down to `next`, enqueued at `reached`, was looked at."""

    items: Sequence[JobView]
    next: UUID | None
    partial: bool
    reached: datetime | None = None


@dataclass(frozen=True, slots=True)
class Searcher:
    """Searches for `limit_ms` at most; `at_once` is the part of it, 0 for none, that one query for all gets."""

    catalogue: Catalogue
    clock: Clock
    limit_ms: int = LIMIT_MS
    slice: int = job_scan.SLICE
    at_once: float = AT_ONCE

    def search(self, session: Session, query: JobQuery, limit: int) -> Found:
        """A page of matching jobs, newest first."""
        ends = self.clock.monotonic() + self.limit_ms / 1000
        at_once = int(self.limit_ms * self.at_once)
        ask = partial(jobs_read.newest, driver(session), query, limit + 1)
        rows = within(session, at_once, ask) if at_once else None
        if rows is not None:
            return self._page(session, rows, limit)
        return self._in_slices(session, query, limit, ends)

    def _page(self, session: Session, rows: Sequence[JobRecord], limit: int) -> Found:
        shown = rows[:limit]
        following = shown[-1].id if len(rows) > limit else None
        return Found(views(session, self.catalogue, shown), following, partial=False)

    def _in_slices(self, session: Session, query: JobQuery, limit: int, ends: float) -> Found:
        rows: list[JobRecord] = []
        edge = query.before
        while len(rows) <= limit:
            left_ms = int((ends - self.clock.monotonic()) * 1000)
            wanted, missing = replace(query, before=edge), limit + 1 - len(rows)
            ask = partial(job_scan.next_slice, driver(session), wanted, missing, self.slice)
            found = within(session, left_ms, ask) if left_ms > 0 else None
            if found is None:
                return self._cut(session, rows, None if edge == query.before else edge)
            rows += found.rows
            edge = found.edge
            if edge is None:
                break
        return self._page(session, rows, limit)

    def _cut(self, session: Session, rows: Sequence[JobRecord], edge: UUID | None) -> Found:
        """What was found in time. Without one whole slice there is nothing to go on from."""
        reached = None if edge is None else job_scan.created_at(driver(session), edge)
        return Found(views(session, self.catalogue, rows), edge, partial=True, reached=reached)
