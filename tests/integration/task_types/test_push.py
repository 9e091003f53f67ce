"""Push handlers: one signed call per attempt, and what each answer means (provisioning.md 2)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from kontor.adapters.fakes import ManualClock, http_reply, refused, timed_out
from kontor.engine.cancellation import remember
from kontor.engine.turns import CRASHED
from kontor.kernel.database import psycopg_connection
from kontor.kernel.ports import HttpReply
from tests.integration.task_types.test_declaring import ARGS, declared
from tests.support.api import Api
from tests.support.worker import WorkerHarness, running_worker


@pytest.fixture
def worker(api: Api) -> Iterator[WorkerHarness]:
    """A worker with every handler, over a fake network."""
    with running_worker(api.deps) as harness:
        yield harness


def reply(status: int, body: object = None) -> HttpReply:
    """An answer with a JSON body."""
    return HttpReply(status, {}, b"" if body is None else json.dumps(body).encode())


def enqueued(api: Api, **more: Any) -> str:
    """Enqueue a job of vps.create; return its id."""
    return str(api.ok("POST /v1/jobs", {"task": "vps.create", "args": ARGS, **more})["id"])


def job(api: Api, job_id: str) -> dict[str, Any]:
    """Return a job."""
    document: dict[str, Any] = api.ok(f"GET /v1/jobs/{job_id}")
    return document


def calls(worker: WorkerHarness) -> list[dict[str, Any]]:
    """Return the bodies of the calls made."""
    return [json.loads(post.body) for post in worker.http.posted]


def run_once(worker: WorkerHarness, *answers: Any) -> None:
    """Run what is due, the handler answering so."""
    worker.http.queue_replies(*answers)
    worker.inline.tick()


def test_signed_call_carries_the_job_when_it_runs(api: Api, worker: WorkerHarness) -> None:
    secret = declared(api, lane="none")["secret"]
    job_id = enqueued(api, external_id="order 7")
    run_once(worker, reply(200, {"result": {"host": "vps7"}}))
    (post,) = worker.http.posted
    message = json.loads(post.body)
    sent_at = datetime.fromtimestamp(int(post.headers["webhook-timestamp"]), UTC)
    assert post.headers["webhook-signature"] == Webhook(secret).sign(job_id, sent_at, post.body.decode())
    assert post.url == "https://provisioner.example/kontor"
    assert post.headers["webhook-id"] == job_id
    assert message["type"] == "job.run"
    data = message["data"]
    assert (data["job_id"], data["task"], data["attempt"], data["external_id"]) == (job_id, "vps.create", 1, "order 7")
    assert data["args"] == ARGS
    assert data["lease"]
    assert len(data["token"]) >= 32
    done = job(api, job_id)
    assert (done["state"], done["result"], done["attempt"]) == ("succeeded", {"host": "vps7"}, 1)
    assert done["args"]["root_password"] == "***"
    with api.deps.sessions() as session:
        assert session.execute(text("SELECT sealed FROM declared_jobs")).scalar_one() is None
        assert session.execute(text("SELECT count(*) FROM job_leases")).scalar_one() == 0


def test_sensitive_members_of_the_answer_are_masked(api: Api, worker: WorkerHarness) -> None:
    declared(api, lane="none")
    job_id = enqueued(api)
    run_once(worker, reply(200, {"result": {"hosts": [{"name": "vps7", "root_password": "hunter2"}]}}))
    assert job(api, job_id)["result"] == {"hosts": [{"name": "vps7", "root_password": "***"}]}
    assert "hunter2" not in str(api.ok("GET /v1/events"))


@pytest.mark.parametrize(
    ("answer", "state", "attempt", "outcome"),
    [
        (reply(422, {"error": "no such plan"}), "dead", 1, "failed"),
        (reply(409, {"error": "busy"}), "retrying", 1, "failed"),
        (reply(404), "retrying", 1, "failed"),
        (reply(503), "queued", 0, "down"),
        (reply(429), "queued", 0, "down"),
        (refused(), "queued", 0, "down"),
        (timed_out(), "queued", 0, "down"),
        (HttpReply(200, {}, b"<html>"), "retrying", 1, "failed"),
        (HttpReply(200, {}, b'{"result": "' + b"x" * 65_536), "dead", 1, "failed"),
    ],
)
def test_answer_means_what_the_table_says(
    api: Api, worker: WorkerHarness, answer: Any, state: str, attempt: int, outcome: str
) -> None:
    declared(api, lane="none", crash="rerun")
    job_id = enqueued(api)
    run_once(worker, answer)
    after = job(api, job_id)
    assert (after["state"], after["attempt"]) == (state, attempt)
    assert after["attempts"][0]["outcome"] == outcome


def test_handler_that_is_down_gets_no_further_calls_until_its_probe(
    api: Api, worker: WorkerHarness, clock: ManualClock
) -> None:
    declared(api, lane="none", crash="rerun")
    ids = [enqueued(api) for _ in range(5)]
    worker.http.queue_replies(*[reply(503)] * 5)
    worker.inline.tick()
    made = len(worker.http.posted)
    worker.http.answers.clear()
    worker.inline.tick()
    assert len(worker.http.posted) == made
    clock.advance(timedelta(minutes=10))
    worker.inline.drain()
    assert {job(api, job_id)["state"] for job_id in ids} == {"succeeded"}
    assert {job(api, job_id)["attempt"] for job_id in ids} == {1}


@pytest.mark.parametrize(
    ("answer", "state", "asked"),
    [
        ({"state": "done", "result": 7}, "succeeded", ["job.run", "job.verify"]),
        ({"state": "not_done"}, "succeeded", ["job.run", "job.verify", "job.run"]),
        ({"state": "unknown"}, "dead", ["job.run", "job.verify"]),
    ],
)
def test_handler_is_asked_first_when_it_may_have_acted(
    api: Api, worker: WorkerHarness, clock: ManualClock, answer: Any, state: str, asked: list[str]
) -> None:
    declared(api, lane="none", crash="verify")
    job_id = enqueued(api)
    run_once(worker, timed_out())
    clock.advance(timedelta(minutes=10))
    run_once(worker, reply(200, answer))
    assert [body["type"] for body in calls(worker)] == asked
    assert {post.headers["webhook-id"] for post in worker.http.posted} == {job_id}
    after = job(api, job_id)
    assert after["state"] == state
    assert after["reason"] == ("unknown" if state == "dead" else None)


def test_job_is_parked_when_its_worker_died_in_the_act(api: Api, worker: WorkerHarness) -> None:
    declared(api, lane="none", crash="park")
    job_id = enqueued(api)
    with api.deps.sessions() as session:
        session.execute(text("UPDATE jobs SET reason = :reason, crashes = 1"), {"reason": CRASHED})
        session.commit()
    run_once(worker)
    assert (job(api, job_id)["state"], worker.http.posted) == ("dead", [])


def test_lane_of_an_account_runs_one_job_at_a_time(api: Api, worker: WorkerHarness, make_accounts: Any) -> None:
    account = str(make_accounts("Weser").client)
    declared(api, crash="rerun")
    worker.inline.drain()
    first, second = enqueued(api, account_id=account), enqueued(api, account_id=account)
    run_once(worker, reply(202))
    assert [job(api, each)["state"] for each in (first, second)] == ["running", "queued"]
    worker.inline.tick()
    assert [call["data"]["job_id"] for call in calls(worker) if call["type"] == "job.run"] == [first]


def test_follow_up_is_enqueued_when_a_job_succeeds(api: Api, worker: WorkerHarness) -> None:
    declared(api, "vps.announce", lane="none", args={})
    declared(api, lane="none", then={"task": "vps.announce", "args": {"to": "noc"}})
    job_id = enqueued(api)
    worker.inline.drain()
    (follow_up,) = api.ok("GET /v1/jobs?task=vps.announce")["items"]
    assert (follow_up["parent_id"], follow_up["args"], follow_up["state"]) == (job_id, {"to": "noc"}, "succeeded")


def test_newest_version_is_called_when_a_type_changed_meanwhile(api: Api, worker: WorkerHarness) -> None:
    declared(api, lane="none")
    enqueued(api)
    declared(api, lane="none", handler={"push": "https://moved.example/kontor"})
    worker.inline.tick()
    assert worker.http.posted[0].url == "https://moved.example/kontor"


def test_empty_answer_is_success_without_a_result(api: Api, worker: WorkerHarness) -> None:
    declared(api, lane="none")
    job_id = enqueued(api)
    run_once(worker, http_reply(200))
    assert (job(api, job_id)["state"], job(api, job_id)["result"]) == ("succeeded", None)


def cancellable(api: Api) -> None:
    """Declare vps.create with vps.delete, which undoes it."""
    declared(api, "vps.delete", lane="none", args={})
    declared(api, lane="none", crash="rerun", compensate="vps.delete")


def test_handler_is_asked_to_stop_when_a_running_job_is_cancelled(api: Api, worker: WorkerHarness) -> None:
    cancellable(api)
    job_id = enqueued(api)
    run_once(worker, reply(202))
    api.ok(f"POST /v1/jobs/{job_id}/cancel")
    assert job(api, job_id)["state"] == "running"
    worker.inline.drain()
    assert [body["type"] for body in calls(worker)] == ["job.run", "job.cancel", "job.run"]
    assert job(api, job_id)["state"] == "cancelled"
    (undo,) = api.ok("GET /v1/jobs?task=vps.delete")["items"]
    assert (undo["parent_id"], undo["state"]) == (job_id, "succeeded")


def test_compensation_has_the_real_args_sealed_when_it_runs(api: Api, worker: WorkerHarness) -> None:
    cancellable(api)
    job_id = enqueued(api)
    run_once(worker, reply(202))
    api.ok(f"POST /v1/jobs/{job_id}/cancel")
    worker.inline.drain()
    assert calls(worker)[-1]["data"]["args"] == ARGS
    (undo,) = api.ok("GET /v1/jobs?task=vps.delete")["items"]
    assert undo["args"] == {**ARGS, "root_password": "***"}
    with api.deps.sessions() as session:
        assert "hunter2" not in str(session.execute(text("SELECT payload FROM jobs_archive")).scalars().all())


def test_handlers_are_asked_when_jobs_are_cancelled_in_bulk(api: Api, worker: WorkerHarness) -> None:
    cancellable(api)
    job_id = enqueued(api)
    run_once(worker, reply(202))
    api.ok("POST /v1/jobs/bulk", {"action": "cancel", "filter": {"task": "vps.create", "state": ["running"]}})
    worker.inline.drain()
    assert job(api, job_id)["state"] == "cancelled"
    assert [body["type"] for body in calls(worker)] == ["job.run", "job.cancel", "job.run"]


@pytest.mark.parametrize(("answer", "undone"), [(timed_out(), 1), (reply(503), 0)])
def test_waiting_job_is_undone_when_it_may_have_acted(
    api: Api, worker: WorkerHarness, clock: ManualClock, answer: Any, undone: int
) -> None:
    cancellable(api)
    job_id = enqueued(api)
    run_once(worker, answer)
    api.ok(f"POST /v1/jobs/{job_id}/cancel")
    assert job(api, job_id)["state"] == "cancelled"
    assert len(api.ok("GET /v1/jobs?task=vps.delete")["items"]) == undone


def test_remembered_cancellation_is_carried_out_with_what_follows(
    api: Api, worker: WorkerHarness, clock: ManualClock
) -> None:
    cancellable(api)
    job_id = enqueued(api)
    run_once(worker, timed_out())
    with api.deps.sessions() as session:
        remember(psycopg_connection(session), UUID(job_id), "key:ops", None, clock.now())
        session.commit()
    worker.inline.tick()
    worker.inline.tick()
    assert (job(api, job_id)["state"], job(api, job_id)["reason"]) == ("cancelled", "cancelled by key:ops")
    assert len(api.ok("GET /v1/jobs?task=vps.delete")["items"]) == 1


def test_jobs_are_dead_when_their_lane_is_held_for_72_hours(
    api: Api, worker: WorkerHarness, clock: ManualClock, make_accounts: Any
) -> None:
    account = str(make_accounts("Weser").client)
    declared(api, crash="rerun")
    ids = [enqueued(api, account_id=account) for _ in range(2)]
    run_once(worker, reply(503))
    clock.advance(timedelta(hours=73))
    run_once(worker, reply(503))
    assert {(job(api, each)["state"], job(api, each)["reason"]) for each in ids} == {("dead", "lane_held")}
