"""Jobs of pull types in Kontor's own relay, in its counts and metrics, and when their type changes."""

from datetime import timedelta

from sqlalchemy import text

from kontor.adapters.fakes import ManualClock
from kontor.engine.admin import overview
from kontor.kernel.database import psycopg_connection
from tests.integration.task_types.test_declaring import declared
from tests.integration.task_types.test_pull import leased, pull_type
from tests.integration.task_types.test_push import enqueued, job
from tests.support.api import Api
from tests.support.worker import WorkerHarness


def test_waiting_pull_jobs_are_no_unknown_work(api: Api, worker: WorkerHarness) -> None:
    pull_type(api)
    enqueued(api)
    worker.inline.drain()
    with api.deps.sessions() as session:
        assert overview.unsupported_by_task(psycopg_connection(session)) == {}


def test_waiting_jobs_are_pushed_when_their_type_becomes_one(api: Api, worker: WorkerHarness) -> None:
    pull_type(api)
    job_id = enqueued(api)
    worker.inline.drain()
    declared(api, lane="none", crash="rerun")
    worker.inline.drain()
    assert job(api, job_id)["state"] == "succeeded"


def test_attempts_are_counted_for_metrics_when_they_end_with_a_call(
    api: Api, worker: WorkerHarness, key: str, clock: ManualClock
) -> None:
    pull_type(api)
    for _ in range(3):
        enqueued(api)
    done, failed, given_back = leased(api, key)
    clock.advance(timedelta(seconds=7))
    api.ok(f"POST /v1/leases/{done['lease']}/complete", {}, key=key)
    api.ok(f"POST /v1/leases/{failed['lease']}/fail", {"error": "no"}, key=key)
    api.ok(f"POST /v1/leases/{given_back['lease']}/release", key=key)
    with api.deps.sessions() as session:
        api.deps.job_stats.flush(psycopg_connection(session))
        totals = session.execute(text("SELECT outcome, jobs, run_seconds FROM job_totals WHERE task = 'vps.create'"))
        assert sorted(map(tuple, totals)) == [("failed", 1, 7.0), ("released", 1, 7.0), ("succeeded", 1, 7.0)]
