"""Pull workers: leases, their end, and who gets which job (provisioning.md 2)."""

import json
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from kontor.adapters.fakes import ManualClock
from tests.integration.task_types.test_declaring import ARGS, declared
from tests.integration.task_types.test_push import enqueued, job, reply, run_once
from tests.support.api import Api
from tests.support.worker import WorkerHarness


def leased(api: Api, key: str, worker: str = "puller", most: int = 10, wait: float = 0) -> list[dict[str, Any]]:
    """Lease jobs of vps.*; return them."""
    asked = {"tasks": ["vps.*"], "max": most, "wait": wait, "worker": worker}
    items: list[dict[str, Any]] = api.ok("POST /v1/leases", asked, key=key)["items"]
    return items


def pull_type(api: Api, **changes: Any) -> None:
    """Declare vps.create as a pull type."""
    declared(api, **{"handler": "pull", "lane": "none", "crash": "rerun", **changes})


def make_stale(api: Api, worker: WorkerHarness) -> None:
    """Let all leases lie without a heartbeat for more than 60 s."""
    with api.deps.sessions() as session:
        session.execute(text("UPDATE job_leases SET beat_at = beat_at - interval '61 s'"))
        session.commit()
    worker.inline.tick()


def test_worker_gets_the_job_and_completes_it(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    job_id = enqueued(api, external_id="order 7")
    worker.inline.drain()
    (item,) = leased(api, key)
    assert (item["job"]["id"], item["job"]["args"], item["job"]["external_id"]) == (job_id, ARGS, "order 7")
    assert (job(api, job_id)["state"], job(api, job_id)["attempt"]) == ("running", 1)
    assert leased(api, key) == []
    result = {"host": "a", "root_password": "hunter2"}
    done = api.ok(f"POST /v1/leases/{item['lease']}/complete", {"result": result}, key=key)
    assert api.ok(f"POST /v1/leases/{item['lease']}/complete", {"result": {"host": "b"}}, key=key) == done
    after = job(api, job_id)
    assert (after["state"], after["result"], after["attempt"]) == ("succeeded", {**result, "root_password": "***"}, 1)
    beat = api.call(f"POST /v1/leases/{item['lease']}/heartbeat", key=key)
    assert (beat.status_code, beat.json()["code"]) == (409, "lease_lost")


def test_job_runs_again_under_its_id_when_its_puller_is_gone(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    job_id = enqueued(api)
    worker.inline.drain()
    (first,) = leased(api, key)
    worker.inline.tick()
    assert job(api, job_id)["state"] == "running"
    make_stale(api, worker)
    (second,) = leased(api, key, "another")
    assert (second["job"]["id"], second["job"]["attempt"]) == (job_id, 2)
    for verb, body in (("complete", {}), ("heartbeat", None), ("fail", {"error": "x"}), ("release", None)):
        lost = api.call(f"POST /v1/leases/{first['lease']}/{verb}", body, key=key)
        assert (lost.status_code, lost.json()["code"]) == (409, "lease_lost")
    assert job(api, job_id)["attempts"][0]["outcome"] == "crashed"


def test_heartbeat_keeps_the_job(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    job_id = enqueued(api)
    worker.inline.drain()
    (item,) = leased(api, key)
    with api.deps.sessions() as session:
        session.execute(text("UPDATE job_leases SET beat_at = beat_at - interval '59 s'"))
        session.commit()
    assert not api.ok(f"POST /v1/leases/{item['lease']}/heartbeat", key=key)["cancel_requested"]
    worker.inline.tick()
    assert job(api, job_id)["state"] == "running"


@pytest.mark.parametrize(
    ("verb", "body", "state", "attempt"),
    [
        ("fail", {"error": "no"}, "retrying", 1),
        ("fail", {"error": "no", "permanent": True}, "dead", 1),
        ("fail", {"error": "no", "retry_in": 3600}, "retrying", 1),
        ("snooze", {"until": "2026-03-03T12:00:00Z"}, "scheduled", 0),
        ("release", None, "queued", 0),
    ],
)
def test_attempt_ends_as_its_worker_says(
    api: Api, worker: WorkerHarness, key: str, verb: str, body: Any, state: str, attempt: int
) -> None:
    pull_type(api)
    job_id = enqueued(api)
    worker.inline.drain()
    (item,) = leased(api, key)
    assert api.ok(f"POST /v1/leases/{item['lease']}/{verb}", body, key=key)["ended"] == verb
    assert (job(api, job_id)["state"], job(api, job_id)["attempt"]) == (state, attempt)


def test_worker_holds_no_more_than_it_said(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    for _ in range(4):
        enqueued(api)
    worker.inline.drain()
    assert [len(leased(api, key, most=3)), len(leased(api, key, most=3)), len(leased(api, key, "other"))] == [3, 0, 1]


def test_lane_and_pause_hold_for_pull_workers(api: Api, worker: WorkerHarness, key: str, make_accounts: Any) -> None:
    account = str(make_accounts("Weser").client)
    pull_type(api, lane="account")
    ids = [enqueued(api, account_id=account) for _ in range(2)]
    worker.inline.drain()
    api.ok("POST /v1/queues/vps/pause")
    assert leased(api, key) == []
    api.ok("POST /v1/queues/vps/resume")
    (first,) = leased(api, key)
    worker.inline.drain()
    assert leased(api, key) == []
    api.ok(f"POST /v1/leases/{first['lease']}/complete", {}, key=key)
    worker.inline.drain()
    (second,) = leased(api, key)
    assert [first["job"]["id"], second["job"]["id"]] == ids


def test_limit_of_the_queue_holds_for_pull_workers(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    for _ in range(4):
        enqueued(api)
    with api.deps.sessions() as session:
        session.execute(text("INSERT INTO queues (name, paused, concurrency) VALUES ('vps', false, 3)"))
        session.commit()
    first = leased(api, key, "a", most=2)
    assert [len(first), len(leased(api, key, "b")), len(leased(api, key, "c"))] == [2, 1, 0]
    api.ok(f"POST /v1/leases/{first[0]['lease']}/complete", {}, key=key)
    assert len(leased(api, key, "c")) == 1


def test_higher_priority_comes_first(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    low, high = enqueued(api), enqueued(api, priority=5)
    worker.inline.drain()
    assert [item["job"]["id"] for item in leased(api, key)] == [high, low]


def test_bound_key_gets_jobs_of_its_own_tenant_alone(api: Api, worker: WorkerHarness, make_accounts: Any) -> None:
    weser, fulda = make_accounts("Weser"), make_accounts("Fulda")
    pull_type(api)
    own = enqueued(api, account_id=str(weser.client))
    enqueued(api, account_id=str(fulda.client))
    enqueued(api)
    worker.inline.drain()
    bound = api.key("work", reseller_id=weser.reseller)
    assert [item["job"]["id"] for item in leased(api, bound)] == [own]


def test_lease_of_another_key_is_not_there(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    enqueued(api)
    worker.inline.drain()
    (item,) = leased(api, key)
    assert api.call(f"POST /v1/leases/{item['lease']}/complete", {}, key=api.key("work")).status_code == 404
    assert api.call(f"POST /v1/leases/{uuid4()}/complete", {}, key=key).status_code == 404
    assert api.call("POST /v1/leases", {"tasks": ["*"], "worker": "w"}, key=api.key("read")).status_code == 403
    narrowed = api.call("POST /v1/leases", {"tasks": ["vps.*"], "worker": "w"}, key=api.key("work:dns.*"))
    assert narrowed.status_code == 403


def test_too_large_result_is_refused_and_the_job_goes_on(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    job_id = enqueued(api)
    worker.inline.drain()
    (item,) = leased(api, key)
    answer = api.call(f"POST /v1/leases/{item['lease']}/complete", {"result": "x" * 65_536}, key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "result_too_large")
    assert job(api, job_id)["state"] == "running"


def test_waiting_worker_is_woken_when_a_job_comes(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    answers: list[list[dict[str, Any]]] = []
    thread = threading.Thread(target=lambda: answers.append(leased(api, key, wait=20)))
    thread.start()
    job_id = enqueued(api)
    while thread.is_alive():
        worker.inline.tick()
        thread.join(0.01)
    assert [item["job"]["id"] for item in answers[0]] == [job_id]


def test_worker_waits_when_there_is_no_type_for_it_yet(api: Api, key: str) -> None:
    answer = api.call("POST /v1/leases", {"tasks": ["none.*"], "wait": 0.3, "worker": "early"}, key=key)
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert answer.elapsed.total_seconds() >= 0.3


def test_cancelled_job_ends_when_its_worker_lets_go(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    job_id = enqueued(api)
    worker.inline.drain()
    (item,) = leased(api, key)
    api.ok(f"POST /v1/jobs/{job_id}/cancel")
    assert api.ok(f"POST /v1/leases/{item['lease']}/heartbeat", key=key)["cancel_requested"]
    api.ok(f"POST /v1/leases/{item['lease']}/release", key=key)
    assert job(api, job_id)["state"] == "cancelled"


def test_cancelled_job_ends_when_its_worker_is_gone_and_no_other_comes(
    api: Api, worker: WorkerHarness, key: str, clock: ManualClock
) -> None:
    pull_type(api)
    job_id = enqueued(api)
    leased(api, key)
    api.ok(f"POST /v1/jobs/{job_id}/cancel")
    worker.inline.drain()
    assert job(api, job_id)["state"] == "running"
    make_stale(api, worker)
    clock.advance(timedelta(seconds=10))
    worker.inline.drain()
    assert job(api, job_id)["state"] == "cancelled"


def test_handler_that_answered_202_goes_on_with_its_token(api: Api, worker: WorkerHarness, clock: ManualClock) -> None:
    declared(api, lane="none", crash="rerun")
    job_id = enqueued(api)
    run_once(worker, reply(202))
    data = json.loads(worker.http.posted[0].body)["data"]
    worker.inline.tick()
    assert job(api, job_id)["state"] == "running"
    lease, token = data["lease"], data["token"]
    assert api.call(f"POST /v1/leases/{lease}/heartbeat", key=token).status_code == 200
    assert api.call(f"POST /v1/leases/{lease}/heartbeat", key=token + "x").status_code == 401
    assert api.call(f"POST /v1/leases/{uuid4()}/heartbeat", key=token).status_code == 401
    assert api.call("GET /v1/jobs", key=token).status_code == 401
    assert api.ok(f"POST /v1/leases/{lease}/complete", {"result": 1}, key=token)["ended"] == "complete"
    assert (job(api, job_id)["state"], job(api, job_id)["result"]) == ("succeeded", 1)
    clock.advance(timedelta(hours=1))
    assert api.call(f"POST /v1/leases/{lease}/heartbeat", key=token).status_code == 409
