from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import monotonic

import psycopg
import pytest
from sqlalchemy import Engine, text

from kontor.engine.testing import InlineWorker
from tasks.maintenance import ProbeEchoHandler
from tests.conftest import libpq
from tests.support.api import Api, ResellerAccounts

ECHO = {"task": "probe.echo", "args": {"message": "hello"}}
CLIENTS, KEYS, ROUNDS = 3, 1_500, 3

CLASH = """
CREATE SEQUENCE clashes;
CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('clashes') <= {times} THEN
        RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER clash BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION clash()
"""


@pytest.mark.parametrize(("times", "status"), [(1, 201), (2, 201), (3, 409)])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}], ids=["plain", "idempotent"])
def test_request_is_run_again_after_a_deadlock(
    api: Api, make_accounts: ResellerAccounts, times: int, status: int, headers: dict[str, str]
) -> None:
    with api.deps.sessions() as session:
        session.connection().exec_driver_sql(CLASH.format(times=times))
        session.commit()
    new = {"programme": "learning", "name": "Once", "admin_email": "a@once.example"}
    assert api.call("POST /v1/accounts", new, headers=headers).status_code == status
    with api.deps.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM accounts WHERE name = 'Once'")) == (status == 201)


def test_lasting_deadlock_is_named_and_not_stored_when_the_request_has_a_key(
    api: Api, make_accounts: ResellerAccounts
) -> None:
    with api.deps.sessions() as session:
        session.connection().exec_driver_sql(CLASH.format(times=3))
        session.commit()
    new = {"programme": "learning", "name": "Once", "admin_email": "a@once.example"}
    headers, key = {"Idempotency-Key": "once"}, api.key()
    refused = api.call("POST /v1/accounts", new, headers=headers, key=key)
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (409, "busy", "1")
    assert "database" not in refused.json()["detail"]
    assert api.call("POST /v1/accounts", new, headers=headers, key=key).status_code == 201


@pytest.mark.parametrize(
    ("state", "status", "code"), [("55P03", 409, "busy"), ("25006", 503, "unavailable"), ("53100", 503, "unavailable")]
)
def test_refusal_by_postgresql_is_named_when_it_answers(
    api: Api, make_accounts: ResellerAccounts, state: str, status: int, code: str
) -> None:
    with api.deps.sessions() as session:
        session.connection().exec_driver_sql(CLASH.format(times=99).replace("40P01", state))
        session.commit()
    new = {"programme": "learning", "name": "Once", "admin_email": "a@once.example"}
    refused = api.call("POST /v1/accounts", new)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert "does not respond" not in refused.json()["detail"]


def test_no_batch_fails_when_batches_have_the_same_keys_in_another_order(api: Api) -> None:
    secret = api.key()

    def post(round_: int, client: int) -> tuple[int, list[str]]:
        keys = [f"{round_}-{number}" for number in range(KEYS)]
        Random(client).shuffle(keys)
        answer = api.call("POST /v1/jobs/batch", {"jobs": [{**ECHO, "unique_key": key} for key in keys]}, key=secret)
        by_key = dict(zip(keys, answer.json().get("ids", []), strict=False))
        return answer.status_code, [by_key.get(key, "") for key in sorted(keys)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        for round_ in range(ROUNDS):
            answers = list(pool.map(post, [round_] * CLIENTS, range(CLIENTS)))
            assert [status for status, _ in answers] == [202] * CLIENTS
            assert answers[0][1] == answers[1][1] == answers[2][1]
    with api.deps.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs")) == KEYS * ROUNDS
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert session.scalar(text(deadlocks)) == 0


def test_cancel_of_a_locked_job_answers_202_within_a_second_and_ends_it(
    api: Api, engine: Engine, database_url: str
) -> None:
    job_id = api.ok("POST /v1/jobs", ECHO)["id"]
    with psycopg.connect(libpq(database_url)) as other:
        other.execute("SELECT 1 FROM jobs WHERE id = %s FOR UPDATE", (job_id,))
        began = monotonic()
        cancelled = api.call(f"POST /v1/jobs/{job_id}/cancel", {"reason": "wrong"})
        retried = api.call(f"POST /v1/jobs/{job_id}/retry")
        assert monotonic() - began < 2
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "queued")
    assert (retried.status_code, retried.json()["code"], retried.json()["state"]) == (409, "not_retryable", "queued")
    with InlineWorker(engine, [ProbeEchoHandler(lambda _: None)], api.deps.clock) as inline:
        inline.tick()
    job = api.ok(f"GET /v1/jobs/{job_id}")
    assert (job["state"], job["reason"]) == ("cancelled", "wrong")


def test_busy_answer_is_not_stored_when_a_retry_was_refused(api: Api, database_url: str) -> None:
    job_id = api.ok("POST /v1/jobs", ECHO)["id"]
    with api.deps.sessions() as session:
        session.execute(text("UPDATE jobs SET state = 'dead', finished_at = now()"))
        session.commit()
    headers, key = {"Idempotency-Key": "once"}, api.key()
    with psycopg.connect(libpq(database_url)) as other:
        other.execute("SELECT 1 FROM jobs WHERE id = %s FOR UPDATE", (job_id,))
        refused = api.call(f"POST /v1/jobs/{job_id}/retry", headers=headers, key=key)
    assert (refused.status_code, refused.json()["code"]) == (409, "busy")
    assert api.call(f"POST /v1/jobs/{job_id}/retry", headers=headers, key=key).status_code == 200
