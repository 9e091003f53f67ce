"""Idempotency-Key: the first response is repeated."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from kontor.adapters.fakes import ManualClock
from kontor.engine import ledger
from kontor.http import stored_responses
from kontor.kernel.database import psycopg_connection
from tests.support.api import Api, ResellerAccounts

ECHO = {"task": "probe.echo", "args": {"message": "hello"}}


def jobs(api: Api) -> int:
    """Count the jobs."""
    with api.deps.sessions() as session:
        return int(session.execute(text("SELECT count(*) FROM jobs")).scalar_one())


def test_repeated_request_gets_the_first_response_and_does_nothing(api: Api) -> None:
    key, repeat = api.key(), {"Idempotency-Key": "a"}
    first = api.call("POST /v1/jobs", ECHO, key=key, headers=repeat)
    again = api.call("POST /v1/jobs", ECHO, key=key, headers=repeat)

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert jobs(api) == 1


def test_other_body_path_or_query_under_the_same_key_is_a_mismatch(api: Api) -> None:
    key, repeat = api.key(), {"Idempotency-Key": "a"}
    api.call("POST /v1/jobs", ECHO, key=key, headers=repeat)

    for line, body in (
        ("POST /v1/jobs", {**ECHO, "priority": 1}),
        ("POST /v1/jobs?wait=0", ECHO),
        ("POST /v1/queues/probe/pause", ECHO),
    ):
        answer = api.call(line, body, key=key, headers=repeat)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


def test_idempotency_keys_are_separate_per_api_key_and_kept_for_24_hours(api: Api, clock: ManualClock) -> None:
    key, repeat = api.key(), {"Idempotency-Key": "a"}
    first = api.call("POST /v1/jobs", ECHO, key=key, headers=repeat).json()["id"]
    other = api.call("POST /v1/jobs", ECHO, key=api.key(), headers=repeat).json()["id"]
    clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    kept = api.call("POST /v1/jobs", ECHO, key=key, headers=repeat).json()["id"]
    clock.advance(timedelta(seconds=1))
    fresh = api.call("POST /v1/jobs", {**ECHO, "priority": 2}, key=key, headers=repeat)

    assert first == kept != other
    assert (fresh.status_code, fresh.json()["id"] != first) == (202, True)


def test_refusal_is_repeated_too(api: Api) -> None:
    key, repeat = api.key(), {"Idempotency-Key": "a"}
    body = {"programme": "later", "name": "A", "admin_email": "a@b.example"}
    first = api.call("POST /v1/accounts", body, key=key, headers=repeat)
    again = api.call("POST /v1/accounts", body, key=key, headers=repeat)

    assert first.status_code == 422
    assert (again.status_code, again.content) == (422, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"


def test_repeat_of_a_running_request_is_409(api: Api) -> None:
    key = api.key()
    with api.deps.sessions() as session:
        caller = session.execute(text("SELECT id FROM api_keys")).scalar_one()
        seat = stored_responses.Reservation(caller, "a", "x")
        stored_responses.reserve(session, seat, api.deps.clock.now(), api.deps.clock.wall_time())
        answer = api.call("POST /v1/jobs", ECHO, key=key, headers={"Idempotency-Key": "a"})
    after = api.call("POST /v1/jobs", ECHO, key=key, headers={"Idempotency-Key": "a"})

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
    assert (after.status_code, "idempotency-replayed" in after.headers) == (202, False)


def test_concurrent_requests_take_effect_once(api: Api) -> None:
    key, seen = api.key(), []

    def call() -> None:
        seen.append(api.call("POST /v1/jobs", ECHO, key=key, headers={"Idempotency-Key": "a"}))

    threads = [threading.Thread(target=call) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in seen} <= {202, 409}
    assert len({answer.json()["id"] for answer in seen if answer.status_code == 202}) == 1
    assert jobs(api) == 1


def test_long_poll_is_stored_when_its_response_is_final(api: Api) -> None:
    key, repeat = api.key(), {"Idempotency-Key": "a"}
    first = api.call("POST /v1/jobs?wait=0.05", ECHO, key=key, headers=repeat)
    again = api.call("POST /v1/jobs?wait=0.05", ECHO, key=key, headers=repeat)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert jobs(api) == 1


def test_repeat_during_a_long_poll_is_in_progress_and_final_later(api: Api, clock: ManualClock) -> None:
    key, repeat = api.key(), {"Idempotency-Key": "a"}
    line = "POST /v1/jobs?wait=20"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.call, line, ECHO, key=key, headers=repeat)
        api.wait_for_long_polls(1)
        during = api.call(line, ECHO, key=key, headers=repeat)
        with api.deps.sessions() as session:
            job_id = session.execute(text("SELECT id FROM jobs")).scalar_one()
            now = clock.now()
            connection = psycopg_connection(session)
            ledger.archive(connection, [(job_id, "done")], attempt_increment=1, worker="w1", started=now, finished=now)
            session.commit()
        final = first.result(30)
    again = api.call(line, ECHO, key=key, headers=repeat)

    assert (during.status_code, during.json()["code"]) == (409, "idempotency_in_progress")
    assert (final.status_code, final.json()["result"]) == (200, "done")
    assert (again.status_code, again.content) == (200, final.content)


def test_secret_is_masked_in_a_repeated_response(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    make_accounts("elbe")
    key, repeat = api.key(), {"Idempotency-Key": "a"}
    body = {"url": "https://hooks.example/in", "events": ["*"]}
    first = api.call("POST /v1/webhook-endpoints", body, key=key, headers=repeat).json()
    again = api.call("POST /v1/webhook-endpoints", body, key=key, headers=repeat).json()

    assert first["secret"].startswith("whsec_")
    assert again == {**first, "secret": "***"}
    with api.deps.sessions() as session:
        kept = session.execute(text("SELECT string_agg(body, '') FROM idempotent_answers")).scalar_one()
    assert first["secret"] not in kept


@pytest.mark.parametrize("word", ["", "x" * 256])
def test_empty_or_too_long_key_is_422(api: Api, word: str) -> None:
    answer = api.call("POST /v1/jobs", ECHO, headers={"Idempotency-Key": word})

    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, "Idempotency-Key")


def test_lockout_response_is_not_stored(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    mine = make_accounts("elbe")
    key, line = api.key(), f"POST /v1/resellers/{mine.reseller}/clients/connect"
    credentials = {"name": "no such account", "password": "wrong"}
    tries = [api.call(line, credentials, key=key).status_code for _ in range(5)]
    locked = api.call(line, credentials, key=key, headers={"Idempotency-Key": "a"})
    again = api.call(line, credentials, key=key, headers={"Idempotency-Key": "a"})

    assert tries == [403] * 5
    assert (locked.status_code, locked.json()["code"], int(locked.headers["retry-after"]) > 0) == (429, "locked", True)
    assert "idempotency-replayed" not in again.headers


def test_old_responses_are_purged(api: Api, clock: ManualClock) -> None:
    api.call("POST /v1/jobs", ECHO, headers={"Idempotency-Key": "a"})
    clock.advance(timedelta(hours=25))
    with api.deps.sessions() as session:
        assert stored_responses.purge(session, clock.now()) == 1
        assert stored_responses.purge(session, clock.now()) == 0
