"""Large jobs: refused above 1 MiB of args, cut in lists."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.api import Api

KIB = 1024
LARGE = 900 * KIB
PUT = text(
    "INSERT INTO jobs (id, task, queue, state, payload, run_at, max_attempts, created_at, result, error)"
    " VALUES (gen_random_uuid(), 'probe.echo', 'probe', 'dead', :payload, now(), 5, now(), :result, :error)"
)


def put(api: Api, payload: Any, result: Any = None, error: Any = None) -> None:
    """Insert a job as an older release stored it."""
    values = {"payload": json.dumps(payload), "result": result and json.dumps(result), "error": json.dumps(error)}
    with api.deps.sessions() as session:
        session.execute(PUT, values)
        session.commit()


def listed(api: Api) -> list[dict[str, Any]]:
    """All jobs of the list."""
    items: list[dict[str, Any]] = api.ok("GET /v1/jobs")["items"]
    return items


def test_list_is_small_when_its_jobs_have_large_args(api: Api) -> None:
    job_ids = [
        api.ok("POST /v1/jobs", {"task": "probe.echo", "args": {"message": f"{n}" * LARGE, "seconds": 0}})["id"]
        for n in range(1, 10)
    ]
    answer = api.call("GET /v1/jobs")
    assert len(answer.content) < 12 * 5 * KIB
    for job in answer.json()["items"]:
        assert job["args_truncated"]
        assert job["args"]["seconds"] == 0
        assert job["args"]["message"].endswith("…")
    whole = api.ok(f"GET /v1/jobs/{job_ids[0]}")
    assert (len(whole["args"]["message"]), whole["args_truncated"]) == (LARGE, False)


@pytest.mark.parametrize(
    "payload",
    [
        {f"k{n}": n for n in range(10_000)},
        {"deep": [[{"x": "y" * 5_000}]] * 200},
        {"k" * 8_000: 1},
        {"text": "\u0001" * 4_000},
        {"text": "ж" * 3_000, "n": None, "flag": True},
    ],
)
def test_listed_args_take_at_most_4_kib_when_they_are_large(api: Api, payload: dict[str, Any]) -> None:
    put(api, payload, result=payload)
    (job,) = listed(api)
    assert (job["args_truncated"], job["result_truncated"]) == (True, True)
    assert len(json.dumps(job["args"], ensure_ascii=False, separators=(",", ":")).encode()) <= 4 * KIB
    assert len(job["result"]) <= 1_001


def test_listed_args_are_whole_when_they_are_small(api: Api) -> None:
    payload = {"numbers": list(range(700)), "text": "x" * 300}
    put(api, payload, result={"a": [1, None]}, error={"type": "E", "message": "m", "traceback": "t" * 3_000})
    (job,) = listed(api)
    assert (job["args"], job["args_truncated"], job["result_truncated"]) == (payload, False, False)
    assert len(job["error"]["traceback"]) == 3_000


def test_listed_error_is_cut_when_it_is_large(api: Api) -> None:
    put(api, {}, error={"type": "E", "message": "m" * 4_000, "traceback": "t" * 16_000 + "end"})
    (job,) = listed(api)
    assert job["error"]["type"] == "E"
    assert job["error"]["traceback"].endswith("end")
    assert len(json.dumps(job["error"])) < 2 * KIB


@pytest.mark.parametrize("message", ["x" * KIB * KIB, "ж" * (KIB * KIB // 2)], ids=["ascii", "utf-8"])
def test_args_over_1_mib_are_refused_with_the_field_and_the_remedy(api: Api, message: str) -> None:
    job = {"task": "probe.echo", "args": {"message": message}}
    alone = api.call("POST /v1/jobs", job)
    small = {"task": "probe.echo", "args": {}}
    batch = api.call("POST /v1/jobs/batch", {"jobs": [small, small, small, job]})
    for answer, loc in ((alone, "args"), (batch, "jobs.3.args")):
        assert (answer.status_code, answer.json()["code"]) == (422, "args_too_large")
        (error,) = answer.json()["errors"]
        assert error["loc"] == loc
        assert "pass its id" in error["msg"]
    assert listed(api) == []
