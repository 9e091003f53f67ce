"""Task types are declared by admins; their jobs are checked, masked, and laned as the type says."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.support.api import Api, ResellerAccounts

CREATE: dict[str, Any] = {
    "args": {
        "type": "object",
        "required": ["plan", "region"],
        "properties": {
            "plan": {"type": "string"},
            "region": {"enum": ["eu", "us"]},
            "root_password": {"type": "string", "writeOnly": True},
        },
    },
    "queue": "vps",
    "handler": {"push": "https://provisioner.example/kontor"},
    "public": True,
    "retry": {"max_attempts": 8, "base": "5s", "cap": "1h"},
    "crash": "verify",
    "lane": "account",
    "time_limit": "10m",
    "due_by": "1m",
}
ARGS = {"plan": "s", "region": "eu", "root_password": "hunter2"}


def declared(api: Api, name: str = "vps.create", **changes: Any) -> dict[str, Any]:
    """Declare a type and return the answer."""
    answer: dict[str, Any] = api.ok(f"PUT /v1/task-types/{name}", {**CREATE, **changes})
    return answer


def stored(api: Api, job_id: str) -> dict[str, Any]:
    """Return a job's row with what it has beyond it."""
    query = (
        "SELECT j.*, d.account_id, d.reseller_id, d.places, d.sealed FROM jobs j JOIN declared_jobs d ON job_id = id"
    )
    with api.deps.sessions() as session:
        return dict(session.execute(text(f"{query} WHERE id = :id"), {"id": job_id}).mappings().one())


def test_secret_is_shown_once_when_a_push_type_is_declared(api: Api) -> None:
    first = api.call("PUT /v1/task-types/vps.create", CREATE)
    again = api.call("PUT /v1/task-types/vps.create", CREATE)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["secret"].startswith("whsec_")
    assert again.json()["secret"] is None
    assert first.json()["version"] == again.json()["version"] == 1
    shown = api.ok("GET /v1/task-types/vps.create")
    assert "secret" not in shown
    assert shown["queue"] == "vps"
    assert [item["name"] for item in api.ok("GET /v1/task-types")["items"]] == ["vps.create"]


def test_new_secret_is_made_when_a_type_is_rotated(api: Api) -> None:
    first = declared(api)["secret"]
    second = api.ok("POST /v1/task-types/vps.create/rotate")["secret"]
    assert second.startswith("whsec_")
    assert second != first


def test_version_grows_when_a_type_changes(api: Api) -> None:
    declared(api)
    assert declared(api, due_by="2m")["version"] == 2
    assert api.ok("GET /v1/task-types/vps.create")["due_by"] == "2m"


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("mail.send", {}, "reserved_name"),
        ("jobs.sweep", {}, "reserved_name"),
        ("vps", {}, "invalid"),
        ("vps.create", {"args": {"type": "strin"}}, "invalid_schema"),
        ("vps.create", {"args": {"$ref": "https://elsewhere.example/schema"}}, "invalid_schema"),
        ("vps.create", {"args": {"properties": {"a": {"pattern": "("}}}}, "invalid_schema"),
        ("vps.create", {"lane": "planet"}, "invalid"),
        ("vps.create", {"lane": "args.root_password"}, "invalid"),
        ("vps.create", {"retry": {"base": "2h", "cap": "1h"}}, "invalid"),
        ("vps.create", {"time_limit": "soon"}, "invalid"),
        ("vps.create", {"compensate": "vps.nothing"}, "invalid"),
        ("vps.create", {"compensate": "vps.strict"}, "invalid"),
        ("vps.create", {"then": {"task": "mails.send"}}, "invalid"),
        ("vps.create", {"then": {"task": "vps.create", "args": {"plan": "s"}}}, "invalid"),
        ("vps.create", {"then": {"task": "probe.echo", "args": {"seconds": "many"}}}, "invalid"),
        ("vps.create", {"handler": {"push": "http://provisioner.example/"}}, "forbidden_address"),
        ("vps.create", {"handler": {"push": "https://provisioner.example:8443/"}}, "forbidden_address"),
    ],
)
def test_type_is_refused_when_it_is_wrong(api: Api, name: str, changes: dict[str, Any], code: str) -> None:
    strict = {"type": "object", "required": ["host"], "properties": {"host": {"type": "string"}}}
    api.ok("PUT /v1/task-types/vps.strict", {"args": strict, "handler": "pull"})
    answer = api.call(f"PUT /v1/task-types/{name}", {**CREATE, **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


def test_keys_without_admin_are_refused_when_they_declare(api: Api) -> None:
    answer = api.call("PUT /v1/task-types/vps.create", CREATE, key=api.key("read", "enqueue", "operate"))
    assert answer.status_code == 403


def test_each_place_is_named_when_args_do_not_fit(api: Api) -> None:
    declared(api, lane="none")
    answer = api.call("POST /v1/jobs", {"task": "vps.create", "args": {"region": "mars", "root_password": 7}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_args")
    assert {error["loc"] for error in answer.json()["errors"]} == {"args", "args.region", "args.root_password"}
    assert "mars" not in answer.text


def test_pattern_ends_in_time_when_it_backtracks(api: Api) -> None:
    declared(api, lane="none", args={"properties": {"a": {"pattern": r"^(?=(a+)+b)\1x$"}}})
    answer = api.call("POST /v1/jobs", {"task": "vps.create", "args": {"a": "a" * 50_000}})
    assert (answer.status_code, answer.elapsed.total_seconds() < 1) == (422, True)


def test_sensitive_args_are_sealed_when_a_job_is_enqueued(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("Weser")
    declared(api)
    job = api.ok("POST /v1/jobs", {"task": "vps.create", "args": ARGS, "account_id": str(accounts.client)})
    assert job["args"] == {**ARGS, "root_password": "***"}
    assert (job["queue"], job["max_attempts"], job["tenant"]) == ("vps", 8, str(accounts.reseller))
    row = stored(api, job["id"])
    assert "hunter2" not in json.dumps(row, default=str)
    assert row["lane"] == f"account:{accounts.client}"
    assert (row["account_id"], row["reseller_id"], row["places"]) == (accounts.client, accounts.reseller, 1)
    assert json.loads(api.deps.secret_box.open(row["sealed"])) == [[["root_password"], "hunter2"]]
    matches = api.ok("GET /v1/jobs?args.root_password=hunter2")
    assert matches["items"] == []


def test_sensitive_args_are_masked_when_jobs_come_in_a_batch(api: Api) -> None:
    declared(api, lane="none")
    ids = api.ok("POST /v1/jobs/batch", {"jobs": [{"task": "vps.create", "args": ARGS}] * 2})["ids"]
    assert [api.ok(f"GET /v1/jobs/{job_id}")["args"]["root_password"] for job_id in ids] == ["***", "***"]
    assert all(stored(api, job_id)["sealed"] for job_id in ids)


def test_account_is_required_when_the_lane_is_of_accounts(api: Api) -> None:
    declared(api)
    answer = api.call("POST /v1/jobs", {"task": "vps.create", "args": ARGS})
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, "account_id")


def test_unseen_account_is_not_there_when_a_job_names_it(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    weser, fulda = make_accounts("Weser"), make_accounts("Fulda")
    declared(api)
    job = {"task": "vps.create", "args": ARGS, "account_id": str(fulda.client)}
    assert api.call("POST /v1/jobs", job, key=api.key("enqueue", reseller_id=weser.reseller)).status_code == 404
    assert api.call("POST /v1/jobs", job, key=api.key("enqueue", account_id=weser.client)).status_code == 404
    assert api.call("POST /v1/jobs", {**job, "account_id": str(uuid4())}).status_code == 404
    assert api.ok("POST /v1/jobs", job, key=api.key("enqueue", reseller_id=fulda.reseller))


def test_bound_key_is_refused_when_the_type_is_not_public(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("Weser")
    declared(api, public=False)
    job = {"task": "vps.create", "args": ARGS, "account_id": str(accounts.client)}
    answer = api.call("POST /v1/jobs", job, key=api.key("enqueue", reseller_id=accounts.reseller))
    assert (answer.status_code, answer.json()["code"]) == (403, "task_not_public")


def test_narrowed_key_enqueues_its_tasks_alone(api: Api) -> None:
    declared(api, lane="none")
    declared(api, "dns.create", lane="none")
    key = api.key("enqueue:vps.*")
    assert api.call("POST /v1/jobs", {"task": "vps.create", "args": ARGS}, key=key).status_code == 202
    assert api.call("POST /v1/jobs", {"task": "dns.create", "args": ARGS}, key=key).status_code == 403


def test_waiting_jobs_move_when_the_lane_changes(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    accounts = make_accounts("Weser")
    declared(api)
    job = api.ok("POST /v1/jobs", {"task": "vps.create", "args": ARGS, "account_id": str(accounts.client)})
    for lane, name in (
        ("reseller", f"reseller:{accounts.reseller}"),
        ("handler", "handler:https://provisioner.example/kontor"),
        ("args.plan", "args.plan:s"),
        ("none", "breaker:https://provisioner.example/kontor"),
        ("account", f"account:{accounts.client}"),
    ):
        declared(api, lane=lane)
        assert stored(api, job["id"])["lane"] == name


def test_type_is_in_use_until_its_jobs_have_finished(api: Api) -> None:
    declared(api, lane="none")
    job = api.ok("POST /v1/jobs", {"task": "vps.create", "args": ARGS})
    answer = api.call("DELETE /v1/task-types/vps.create")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
    api.ok(f"POST /v1/jobs/{job['id']}/cancel")
    assert api.ok("DELETE /v1/task-types/vps.create")["name"] == "vps.create"
    assert api.call("GET /v1/task-types/vps.create").status_code == 404
    assert declared(api, lane="none")["version"] == 2


def test_sensitive_args_are_erased_when_a_job_is_cancelled(api: Api) -> None:
    declared(api, lane="none")
    job = api.ok("POST /v1/jobs", {"task": "vps.create", "args": ARGS})
    api.ok(f"POST /v1/jobs/{job['id']}/cancel")
    with api.deps.sessions() as session:
        assert session.execute(text("SELECT sealed, places FROM declared_jobs")).one() == (None, 1)
