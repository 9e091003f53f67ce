"""Access checks in order: 401, 404, 403, then the body."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from kontor.adapters.fakes import ManualClock
from kontor.http import keys as http_keys
from kontor.operators import keys
from tests.support.api import Api, ResellerAccounts

BROKEN = b"{"


def test_missing_or_wrong_key_is_401_before_anything_else(api: Api) -> None:
    for sent in (b"", b"Bearer", b"Bearer wrong", b"Basic abc", b"Bearer \xff"):
        answer = api.http.post("/v1/jobs", content=BROKEN, headers={b"Authorization": sent})

        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_revoked_or_expired_key_is_401(api: Api, clock: ManualClock) -> None:
    with api.deps.sessions() as session:
        gone = keys.create(session, "gone", ["read"], clock.now())
        keys.revoke(session, gone.id, clock.now())
        until = clock.now() + timedelta(hours=1)
        short = keys.create(session, "short", ["read"], clock.now(), expires_at=until)
        session.commit()

    assert api.call("GET /v1/jobs", key=gone.secret).status_code == 401
    assert api.call("GET /v1/jobs", key=short.secret).status_code == 200
    clock.advance(timedelta(hours=1))
    expired = api.call("GET /v1/jobs", key=short.secret)
    assert (expired.status_code, expired.json()["code"]) == (401, "key_expired")
    assert expired.headers["www-authenticate"] == "Bearer"


def test_key_secrets_are_stored_hashed(api: Api) -> None:
    secret = api.key("read")
    with api.deps.sessions() as session:
        stored = [key.secret_hash for key in keys.list_keys(session)]

    assert secret not in stored
    assert http_keys.hash_key(secret) in stored


def test_missing_scope_is_403_before_the_body_is_validated(api: Api) -> None:
    for scopes, line in (
        (("enqueue",), "GET /v1/jobs"),
        (("read", "operate", "admin"), "POST /v1/jobs"),
        (("read", "enqueue", "admin"), "POST /v1/queues/probe/pause"),
        (("read", "enqueue", "operate"), "POST /v1/clock"),
        (("read", "operate"), "POST /v1/accounts"),
    ):
        answer = api.call(line, None if line.startswith("GET") else BROKEN, key=api.key(*scopes))

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), line


def test_resource_of_another_reseller_is_404_before_a_missing_scope_is_403(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine, other = make_accounts("elbe"), make_accounts("weser")
    reader = api.key("read", reseller_id=mine.reseller)

    assert api.call(f"PATCH /v1/accounts/{other.client}", BROKEN, key=reader).status_code == 404
    assert api.call(f"PATCH /v1/accounts/{mine.client}", BROKEN, key=reader).status_code == 403
    assert api.call(f"PATCH /v1/accounts/{uuid4()}", BROKEN).status_code == 404


def test_bound_key_enqueues_public_tasks_under_its_own_tenant(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine, other = make_accounts("elbe"), make_accounts("weser")
    key = api.key("read", "enqueue", reseller_id=mine.reseller)
    theirs = api.key("read", "enqueue", reseller_id=other.reseller)
    body = {"task": "probe.echo", "args": {}, "tenant": str(other.reseller), "unique_key": "same"}

    job = api.ok("POST /v1/jobs", body, key=key)
    internal = api.call("POST /v1/jobs", {"task": "mail.send", "args": {"mail_id": str(uuid4())}}, key=key)

    assert job["tenant"] == str(mine.reseller)
    assert api.ok("POST /v1/jobs", body, key=theirs)["id"] != job["id"]
    assert api.call(f"GET /v1/jobs/{job['id']}", key=theirs).status_code == 404
    assert job["id"] not in [item["id"] for item in api.ok("GET /v1/jobs", key=theirs)["items"]]
    assert (internal.status_code, internal.json()["code"]) == (403, "task_internal")


def test_cancelling_jobs_of_others_requires_operate(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    mine = make_accounts("elbe")
    theirs = api.ok("POST /v1/jobs", {"task": "probe.echo", "args": {}, "tenant": str(mine.reseller)})["id"]
    own = api.ok("POST /v1/jobs", {"task": "probe.echo", "args": {}}, key=api.key("enqueue"))["id"]

    assert api.call(f"POST /v1/jobs/{theirs}/cancel", key=api.key("enqueue")).status_code == 403
    assert api.call(f"POST /v1/jobs/{own}/cancel", key=api.key("enqueue")).status_code == 200
    assert api.call(f"POST /v1/jobs/{theirs}/cancel", key=api.key("operate")).status_code == 200


def test_account_key_cannot_suspend_brand_or_delete_the_account(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    mine = make_accounts("elbe")
    key = api.key("read", "enqueue", account_id=mine.client)
    path = f"/v1/accounts/{mine.client}"

    assert api.call(f"PATCH {path}", {"suspended": False, "nonsense": 1}, key=key).status_code == 403
    assert api.call(f"PATCH {path}", b'{"\\u0073uspended": true}', key=key).status_code == 403
    assert api.call(f"PUT {path}/brand", BROKEN, key=key).status_code == 403
    assert api.call(f"DELETE {path}", key=key).status_code == 403
    assert api.call(f"POST {path}/restore", key=key).status_code == 403
    assert api.ok(f"PATCH {path}", {"locale": "fr"}, key=key)["locale"] == "fr"
    assert api.call(f"GET /v1/accounts/{mine.reseller}", key=key).status_code == 404


def test_reseller_cannot_decide_its_own_offer(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    mine = make_accounts("elbe")
    line = {"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}
    new = {"reseller_id": str(mine.reseller), "account_id": str(mine.client), "lines": [line]}
    offer = api.ok("POST /v1/offers", new)["id"]
    reseller = api.key("read", "enqueue", "operate", reseller_id=mine.reseller)

    for verdict in ("accept", "reject"):
        assert api.call(f"POST /v1/offers/{offer}/{verdict}", key=reseller).status_code == 403
        assert api.call(f"POST /v1/offers/{offer}/{verdict}", key=api.key("read", "enqueue")).status_code == 403
        refused = api.call(f"POST /v1/offers/{offer}/{verdict}", key=api.key("operate"))
        assert (refused.status_code, refused.json()["state"]) == (409, "waiting")


def test_unknown_path_is_a_problem_document(api: Api) -> None:
    for path in ("/v1/nothing", "/v1/jobs/x/y/z", "/nothing"):
        answer = api.http.get(path)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["content-type"] == "application/problem+json"


def test_unsupported_method_is_405_with_allowed_methods(api: Api) -> None:
    answer = api.http.delete("/v1/jobs")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "POST"}


def test_response_carries_the_trace_id_of_the_request(api: Api) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    answer = api.call("POST /v1/jobs", {"task": "probe.echo", "args": {}}, headers=headers)

    assert answer.headers["x-trace-id"] == answer.json()["trace_id"] == trace
