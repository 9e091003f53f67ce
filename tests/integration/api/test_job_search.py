"""Searches without an index: slices together return every job."""

from datetime import timedelta
from uuid import UUID

from kontor.adapters.clock import SystemClock
from kontor.adapters.fakes import ManualClock
from kontor.engine import ledger
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.admin.job_queries import newest_jobs
from kontor.jobs import search
from kontor.jobs.search import Searcher, SearchPage
from kontor.kernel.database import psycopg_connection
from tests.support.api import Api
from tests.support.slow_jobs import make_slow

JOBS = 40


def mixed(api: Api, clock: ManualClock) -> list[UUID]:
    """Create jobs of which every third is finished; returns their ids, newest first."""
    bodies = [{"task": "probe.echo", "args": {"message": str(number % 4)}} for number in range(JOBS)]
    ids = [UUID(job_id) for job_id in api.ok("POST /v1/jobs/batch", {"jobs": bodies})["ids"]]
    with api.deps.sessions() as session:
        done = [(job_id, None) for job_id in ids[::3]]
        later = clock.now() + timedelta(seconds=1)
        ledger.archive(
            psycopg_connection(session), done, attempt_increment=1, worker="w1", started=clock.now(), finished=later
        )
        session.commit()
    return sorted(ids, reverse=True)


def test_slices_return_every_job_of_both_tables_once_and_in_order(api: Api, clock: ManualClock) -> None:
    ids = mixed(api, clock)
    with api.deps.sessions() as session:
        query, ids_seen, edges = JobFilter(), list[UUID](), 0
        while True:
            part = search.next_slice(psycopg_connection(session), query, JOBS, 4)
            ids_seen += [row.id for row in part.rows]
            if part.edge is None:
                break
            query, edges = JobFilter(before=part.edge), edges + 1
    assert ids_seen == ids
    assert edges > 3


def test_slice_applies_the_filter_and_the_time_limit(api: Api, clock: ManualClock) -> None:
    ids = mixed(api, clock)
    query = JobFilter(args=(("message", "2"),), floor=ids[30])
    with api.deps.sessions() as session:
        part = search.next_slice(psycopg_connection(session), query, JOBS, JOBS)
        assert [row.id for row in part.rows] == [
            row.id for row in newest_jobs(psycopg_connection(session), query, JOBS)
        ]
    assert len(part.rows) == 8
    assert part.edge is None


def test_search_that_takes_too_long_continues_where_it_stopped(api: Api, clock: ManualClock) -> None:
    ids = mixed(api, clock)
    searcher = Searcher(api.deps.jobs.catalogue, SystemClock(), limit_ms=300, slice=3)
    query, pages = JobFilter(args=(("message", "1"),)), list[SearchPage]()
    with api.deps.sessions() as session:
        expected = [row.id for row in newest_jobs(psycopg_connection(session), query, JOBS)]
        make_slow(session)
        while not pages or pages[-1].next is not None:
            query = query.replace(before=pages[-1].next if pages else None)
            pages.append(searcher.search(session, query, JOBS))
            assert len(pages) < JOBS

    assert [view.job.id for page in pages for view in page.items] == expected
    assert len(expected) == JOBS / 4
    assert pages[0].partial
    assert pages[0].next in ids
    assert pages[0].reached == clock.now()
    assert not pages[-1].partial
