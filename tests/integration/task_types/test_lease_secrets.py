"""What a lease opens: its token, and the sensitive args."""

from tests.integration.task_types.test_declaring import ARGS
from tests.integration.task_types.test_pull import leased, pull_type
from tests.integration.task_types.test_push import enqueued, job
from tests.support.api import Api
from tests.support.worker import WorkerHarness


def test_token_of_a_lease_opens_that_lease_alone(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    ids = [enqueued(api), enqueued(api)]
    worker.inline.drain()
    asked = {"tasks": ["vps.*"], "max": 2, "worker": "puller", "tokens": True}
    first, second = api.ok("POST /v1/leases", asked, key=key)["items"]
    assert api.call(f"POST /v1/leases/{second['lease']}/complete", {}, key=first["token"]).status_code == 401
    assert api.call("GET /v1/jobs", key=first["token"]).status_code == 401
    api.ok(f"POST /v1/leases/{first['lease']}/heartbeat", key=first["token"])
    api.ok(f"POST /v1/leases/{first['lease']}/complete", {"result": 1}, key=first["token"])
    over = api.call(f"POST /v1/leases/{first['lease']}/heartbeat", key=first["token"])
    assert (over.status_code, over.json()["code"]) == (409, "lease_lost")
    assert [job(api, each)["state"] for each in ids] == ["succeeded", "running"]
    assert leased(api, key) == []


def test_stored_answer_has_neither_args_nor_token(api: Api, worker: WorkerHarness, key: str) -> None:
    pull_type(api)
    enqueued(api)
    worker.inline.drain()
    asked, once = {"tasks": ["vps.*"], "worker": "puller", "tokens": True}, {"Idempotency-Key": "lease once"}
    first, again = (api.call("POST /v1/leases", asked, key=key, headers=once) for _ in range(2))
    (item,), (stored,) = first.json()["items"], again.json()["items"]
    assert (item["job"]["args"], again.headers["Idempotency-Replayed"]) == (ARGS, "true")
    assert (stored["lease"], stored["token"], stored["job"]["args"]) == (item["lease"], "***", "***")
