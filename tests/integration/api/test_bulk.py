"""Bulk actions: counted first, then run by a job in chunks."""

from typing import Any
from uuid import UUID

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.bulk import service as bulk
from kontor.bulk.payloads import JobsBulk
from kontor.engine.handlers import Done, JobContext
from kontor.kernel.states import BulkAction
from tasks.bulk import JobsBulkHandler
from tests.support.api import Api


def enqueue(api: Api, count: int, tenant: str) -> list[str]:
    """Enqueue probes of a tenant."""
    jobs = [{"task": "probe.echo", "args": {"message": str(n)}, "tenant": tenant} for n in range(count)]
    ids: list[str] = api.ok("POST /v1/jobs/batch", {"jobs": jobs})["ids"]
    return ids


def run(api: Api, job_id: str) -> Any:
    """Run a bulk job and all its continuations; returns the last result."""
    following: str | None = job_id
    result: Any = None
    while following is not None:
        job = api.ok(f"GET /v1/jobs/{following}")
        with api.deps.sessions() as session:
            context = JobContext(
                id=UUID(job["id"]),
                task=job["task"],
                tenant=job["tenant"],
                lane=None,
                attempt=1,
                now=api.deps.clock.now(),
                jobs=api.deps.jobs.child_of(UUID(job["id"]), None),
                cancelled=lambda: False,
            )
            outcome = JobsBulkHandler().run(context, session, JobsBulk.model_validate(job["args"]))
            session.commit()
        assert isinstance(outcome, Done)
        result = outcome.result
        following = result["continued_by"]
    return result


def test_dry_run_counts_by_task_and_tenant_and_changes_nothing(api: Api) -> None:
    enqueue(api, 3, "a")
    enqueue(api, 2, "b")
    body = {"action": "cancel", "filter": {"task": "probe.echo"}, "dry_run": True}

    preview = api.ok("POST /v1/jobs/bulk", body)

    assert (preview["total"], preview["partial"]) == (5, False)
    assert [(c["task"], c["tenant"], c["count"]) for c in preview["counts"]] == [
        ("probe.echo", "a", 3),
        ("probe.echo", "b", 2),
    ]
    assert len(api.ok("GET /v1/jobs?state=queued")["items"]) == 5


def test_bulk_action_runs_in_chunks_and_leaves_other_jobs_alone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 4)
    mine, others = enqueue(api, 10, "a"), enqueue(api, 2, "b")
    body = {"action": "cancel", "filter": {"state": "queued", "tenant": "a"}, "reason": "not needed"}

    job = api.call("POST /v1/jobs/bulk", body)
    result = run(api, job.json()["id"])

    assert (job.status_code, job.json()["task"]) == (202, "jobs.bulk")
    assert (result["done"], result["refused"]) == (10, 0)
    cancelled = {item["id"] for item in api.ok("GET /v1/jobs?state=cancelled")["items"]}
    assert cancelled == set(mine)
    assert {item["state"] for item in api.ok("GET /v1/jobs?tenant=b")["items"]} == {"queued"}
    assert len(others) == 2


def test_cancelled_jobs_are_retried_in_bulk(api: Api, clock: ManualClock) -> None:
    ids = enqueue(api, 3, "a")
    for job_id in ids:
        api.ok(f"POST /v1/jobs/{job_id}/cancel")
    body = {"action": "retry", "filter": {"state": ["cancelled"], "args.message": "1"}}

    result = run(api, api.ok("POST /v1/jobs/bulk", body)["id"])

    assert (result["done"], result["refused"]) == (1, 0)
    assert api.ok(f"GET /v1/jobs/{ids[1]}")["state"] == "queued"


def test_bulk_requires_operate_and_a_valid_filter(api: Api) -> None:
    body = {"action": "cancel", "filter": {}}
    assert api.call("POST /v1/jobs/bulk", body, key=api.key("read", "enqueue")).status_code == 403
    assert api.call("POST /v1/jobs/bulk", {**body, "filter": {"nonsense": 1}}).status_code == 422
    assert api.call("POST /v1/jobs/bulk", {**body, "action": "explode"}).status_code == 422
    assert BulkAction("retry") in bulk.STATES
