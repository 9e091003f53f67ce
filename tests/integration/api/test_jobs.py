"""Jobs over HTTP."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from kontor.adapters.fakes import ManualClock
from kontor.engine import ledger
from kontor.kernel.database import psycopg_connection
from tests.support.api import Api

ECHO = {"task": "probe.echo", "args": {"message": "hello"}}


def finish(api: Api, job_id: str, result: Any, clock: ManualClock) -> None:
    """Complete a job as a runner does."""
    with api.deps.sessions() as session:
        ledger.archive(
            psycopg_connection(session),
            [(UUID(job_id), result)],
            attempt_increment=1,
            worker="w1",
            started=clock.now(),
            finished=clock.now() + timedelta(seconds=1),
        )
        session.commit()


def test_response_to_a_new_job_equals_a_later_read(api: Api) -> None:
    answer = api.call("POST /v1/jobs", ECHO)

    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert api.ok(f"GET /v1/jobs/{job['id']}") == job
    assert job["args"] == {"message": "hello"}
    assert (job["state"], job["attempt"], job["attempts"]) == ("queued", 0, [])


def test_job_that_succeeds_at_once_shows_attempt_1(api: Api, clock: ManualClock) -> None:
    job_id = api.ok("POST /v1/jobs", ECHO)["id"]
    finish(api, job_id, {"message": "hello"}, clock)

    job = api.ok(f"GET /v1/jobs/{job_id}")

    assert (job["state"], job["attempt"], job["result"]) == ("succeeded", 1, {"message": "hello"})
    assert [(a["number"], a["worker"], a["outcome"]) for a in job["attempts"]] == [(1, "w1", "succeeded")]
    assert job["attempts"][0]["started_at"] < job["attempts"][0]["ended_at"] == job["finished_at"]


def test_unique_key_returns_the_unfinished_job(api: Api, clock: ManualClock) -> None:
    body = {**ECHO, "unique_key": "once"}
    first = api.call("POST /v1/jobs", body)
    again = api.call("POST /v1/jobs", body)
    finish(api, first.json()["id"], None, clock)
    later = api.call("POST /v1/jobs", body)

    assert (first.status_code, again.status_code, later.status_code) == (202, 200, 202)
    assert again.json()["id"] == first.json()["id"] != later.json()["id"]
    assert (first.json()["deduplicated"], again.json()["deduplicated"]) == (False, True)


def test_wait_returns_202_when_the_time_is_up(api: Api) -> None:
    answer = api.call("POST /v1/jobs?wait=0.05", ECHO)

    assert (answer.status_code, answer.json()["state"]) == (202, "queued")


def test_wait_returns_200_with_the_result_when_the_job_is_finished(api: Api, clock: ManualClock) -> None:
    body, answers = {**ECHO, "unique_key": "slow"}, []
    job_id = api.ok("POST /v1/jobs", body)["id"]
    waiting = [
        threading.Thread(target=lambda: answers.append(api.call("POST /v1/jobs?wait=20", body))) for _ in range(3)
    ]
    for thread in waiting:
        thread.start()
    api.wait_for_long_polls(3)
    finish(api, job_id, {"message": "hello"}, clock)
    for thread in waiting:
        thread.join()

    assert [(a.status_code, a.json()["id"], a.json()["result"]) for a in answers] == [
        (200, job_id, {"message": "hello"})
    ] * 3


def test_wait_is_limited_to_thirty_seconds(api: Api) -> None:
    for wait in ("31", "-1", "x", "NaN", "inf"):
        assert api.call(f"POST /v1/jobs?wait={wait}", ECHO).status_code == 422


BAD_JOBS: list[tuple[Any, str, str]] = [
    ({"task": "no.such", "args": {}}, "unknown_task", "task"),
    ({"task": "probe.echo", "args": {"seconds": 61}}, "invalid_args", "args.seconds"),
    ({"task": "probe.echo", "args": {"word": 1}}, "invalid_args", "args.word"),
    ({**ECHO, "queue": "nowhere"}, "unknown_queue", "queue"),
    ({**ECHO, "priority": 10}, "invalid", "priority"),
    ({**ECHO, "priority": "5"}, "invalid", "priority"),
    ({**ECHO, "run_at": "2026-03-02T12:00:00"}, "invalid", "run_at"),
    ({**ECHO, "run_at": "9999-12-31T23:59:59-12:00"}, "invalid", "run_at"),
    ({**ECHO, "unknown": 1}, "invalid", "unknown"),
    ({"args": {}}, "invalid", "task"),
]


def test_invalid_job_is_refused_with_its_field(api: Api) -> None:
    key = api.key()
    for body, code, loc in BAD_JOBS:
        answer = api.call("POST /v1/jobs", body, key=key)

        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["code"], problem["status"], answer.status_code) == (code, 422, 422)
        assert loc in [error["loc"] for error in problem["errors"]]


UNREADABLE = [
    b"",
    b"{",
    b"[]",
    b'"text"',
    b"\xff\xfe",
    b'{"task": "probe.echo", "args": {"message": "\\u0000"}}',
    b'{"task": "probe.echo\\u0000", "args": {}}',
    b'{"task": "probe.echo", "args": {"message": "\\ud800"}}',
    b'{"task": "probe.echo", "args": {"seconds": 1e999}}',
    b'{"task": "probe.echo", "args": {"seconds": NaN}}',
    b'{"task": "probe.echo", "priority": ' + b"9" * 5000 + b', "args": {}}',
    b'{"task": "probe.echo", "priority": ' + b"9" * 40 + b', "args": {}}',
    b'{"task": "probe.echo", "args": ' + b"[" * 5000 + b"]" * 5000 + b"}",
]


def test_invalid_or_unstorable_json_is_422(api: Api) -> None:
    key = api.key()
    for body in UNREADABLE:
        answer = api.call("POST /v1/jobs", body, key=key)

        assert (answer.status_code, answer.json()["status"]) == (422, 422), body[:80]


def test_nul_character_in_a_body_is_reported_with_its_location(api: Api) -> None:
    answer = api.call("POST /v1/jobs", {"task": "probe.echo", "args": {"message": "a\0b"}})

    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"loc": "args.message", "msg": "contains a NUL character"}],
    )


def test_body_over_the_limit_is_413(api: Api) -> None:
    assert api.call("POST /v1/jobs", b" " * (16 * 1024 * 1024 + 1)).status_code == 413


def test_batch_is_enqueued_in_order_or_not_at_all(api: Api) -> None:
    key = api.key("read", "enqueue")
    good = [{"task": "probe.echo", "args": {"message": str(n)}} for n in range(50)]

    ids = api.ok("POST /v1/jobs/batch", {"jobs": good}, key=key)["ids"]
    bad = api.call("POST /v1/jobs/batch", {"jobs": [*good, {"task": "no.such", "args": {}}]}, key=key)

    assert [api.ok(f"GET /v1/jobs/{i}", key=key)["args"]["message"] for i in ids] == [str(n) for n in range(50)]
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["loc"] == "jobs.50.task"
    assert len(api.ok("GET /v1/jobs?limit=1000", key=key)["items"]) == 50


def test_pages_run_newest_first_to_the_end(api: Api) -> None:
    key = api.key("read", "enqueue")
    batch = {"jobs": [{"task": "probe.echo", "args": {}} for _ in range(25)]}
    ids = api.ok("POST /v1/jobs/batch", batch, key=key)["ids"]

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.ok(f"GET /v1/jobs?limit=10{cursor and '&cursor=' + cursor}", key=key)
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]

    assert seen == ids[::-1]


def test_filters_combine(api: Api, clock: ManualClock) -> None:
    key = api.key("read", "enqueue")
    done = api.ok("POST /v1/jobs", ECHO, key=key)["id"]
    finish(api, done, None, clock)
    waiting = api.ok("POST /v1/jobs", {**ECHO, "args": {"message": "other", "seconds": 2}}, key=key)["id"]

    def ids(query: str) -> list[str]:
        return [item["id"] for item in api.ok(f"GET /v1/jobs?{query}", key=key)["items"]]

    assert ids("state=succeeded") == [done]
    assert ids("state=succeeded&state=queued") == [waiting, done]
    assert ids("args.message=other") == [waiting]
    assert ids("args.seconds=2.0&task=probe.echo&queue=probe") == [waiting]
    assert ids("args.message=nothing") == []
    assert ids("created_before=2026-03-02T11:59:59Z") == []
    assert ids("tenant=nobody") == []


def test_search_covers_the_last_seven_days_without_a_time_filter(api: Api, clock: ManualClock) -> None:
    key = api.key("read", "enqueue")
    job_id = api.ok("POST /v1/jobs", ECHO, key=key)["id"]
    clock.advance(timedelta(days=7, seconds=1))

    assert api.ok("GET /v1/jobs", key=key)["items"] == []
    listed = api.ok("GET /v1/jobs?created_after=2026-03-01T00:00:00%2B01:00", key=key)["items"]
    assert [item["id"] for item in listed] == [job_id]


def test_search_over_a_second_is_cut_and_marked_partial(api: Api) -> None:
    api.ok("POST /v1/jobs", ECHO)
    with api.deps.sessions() as session:
        session.execute(
            text(
                "CREATE FUNCTION slow(jsonb, text) RETURNS text VOLATILE LANGUAGE plpgsql AS"
                " $$ BEGIN PERFORM pg_sleep(5); RETURN ''; END $$"
            )
        )
        session.execute(text("ALTER TABLE jobs RENAME TO jobs_real"))
        session.execute(
            text(
                "CREATE VIEW jobs AS SELECT id, task, slow(payload, '') AS queue, tenant, lane, priority, state,"
                " payload, unique_key, run_at, attempt, max_attempts, worker, result, error, reason, parent_id,"
                " trace_id, created_at, started_at, finished_at FROM jobs_real"
            )
        )
        session.commit()

    answer = api.ok("GET /v1/jobs")

    assert answer == {"items": [], "next": None, "partial": True}


BAD_QUERIES = [
    "limit=0",
    "limit=1001",
    "limit=x",
    "cursor=nonsense",
    "cursor=%00",
    "state=odd",
    "created_after=2026-03-02T12:00:00",
    "created_after=0.5",
    "nonsense=1",
    "args.%00=1",
]


def test_invalid_query_is_422(api: Api) -> None:
    key = api.key()
    answers = {query: api.call(f"GET /v1/jobs?{query}", key=key).status_code for query in BAD_QUERIES}

    assert answers == dict.fromkeys(BAD_QUERIES, 422)


def test_unknown_job_is_404(api: Api) -> None:
    for job_id in ("x", str(uuid4()), "%00", "01890000-0000-7000-8000-00000000000g"):
        assert api.call(f"GET /v1/jobs/{job_id}").json()["code"] == "not_found"


def test_waiting_job_is_cancelled_once(api: Api) -> None:
    job_id = api.ok("POST /v1/jobs", ECHO)["id"]

    cancelled = api.ok(f"POST /v1/jobs/{job_id}/cancel", {"reason": "not needed"})
    again = api.call(f"POST /v1/jobs/{job_id}/cancel")

    assert cancelled["state"] == "cancelled"
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "not_cancellable", "cancelled")


def test_cancelled_job_can_be_retried_and_a_finished_one_cannot(api: Api, clock: ManualClock) -> None:
    job_id = api.ok("POST /v1/jobs", ECHO)["id"]
    api.ok(f"POST /v1/jobs/{job_id}/cancel")

    assert api.ok(f"POST /v1/jobs/{job_id}/retry")["state"] == "queued"
    finish(api, job_id, None, clock)
    refused = api.call(f"POST /v1/jobs/{job_id}/retry")
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (
        409,
        "not_retryable",
        "succeeded",
    )


def test_queue_is_paused_and_resumed(api: Api) -> None:
    api.ok("POST /v1/jobs", ECHO)

    assert api.ok("POST /v1/queues/probe/pause", {"reason": "maintenance"})["paused"] is True
    queues = {queue["name"]: queue for queue in api.ok("GET /v1/queues")["items"]}
    assert (queues["probe"]["queued"], queues["probe"]["oldest_queued_seconds"]) == (1, 0.0)
    assert api.ok("POST /v1/queues/probe/resume")["paused"] is False
    assert api.call("POST /v1/queues/nowhere/pause").status_code == 404
