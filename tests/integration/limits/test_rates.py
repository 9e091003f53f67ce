"""Rates of keys and waiting requests over HTTP and Redis."""

import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
import redis

from kontor.adapters.redis_client import client_of
from kontor.adapters.redis_doorbell import RedisKeys
from kontor.adapters.redis_rates import RedisRates
from kontor.audit import Actor
from kontor.kernel.limits import Spent
from kontor.limits import service as limits
from tests.support.api import Api, ResellerAccounts

PROBE = {"task": "probe.echo", "args": {}}


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    opened = client_of(redis_url)
    yield opened
    opened.close()


def lower(api: Api, name: str, value: int, subject: UUID | None = None) -> None:
    with api.deps.sessions() as session:
        limits.set_limit(session, name, value, Actor("test"), api.deps.clock.now(), subject)
        session.commit()


def test_key_is_refused_with_headers_when_it_sends_more_than_its_burst_and_others_are_not(api: Api) -> None:
    lower(api, "api_rate", 1)
    key, other = api.key("read"), api.key("read")
    answers = [api.call(f"GET /v1/tasks{query}", key=key) for query in ("", "?wait=9") * 4]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 3
    assert (refused[0].json()["code"], refused[0].json()["limit"]) == ("too_many", "api_rate")
    assert refused[0].headers["Retry-After"] == "1"
    assert refused[0].headers["RateLimit-Policy"] == '"api_rate";q=1;w=1'
    assert api.call("GET /v1/tasks", key=other).status_code == 200
    scraped = api.http.get("/metrics").text
    assert f'kontor_limit_refusals_total{{limit="api_rate"}} {len(refused)}.0' in scraped


def test_waiting_request_is_refused_when_its_key_has_enough_and_creates_no_job(api: Api) -> None:
    key = api.key("read", "enqueue")
    lower(api, "waiting", 1)
    assert api.call("GET /v1/tasks", key=key).status_code == 200
    first = threading.Thread(target=lambda: api.call("POST /v1/jobs?wait=3", PROBE, key=key))
    first.start()
    api.wait_for_long_polls(1)
    second = api.call("POST /v1/jobs?wait=3", PROBE, key=key)
    assert (second.status_code, second.json()["limit"]) == (429, "waiting")
    assert len(api.ok("GET /v1/jobs")["items"]) == 1
    first.join(10)
    assert api.call("POST /v1/jobs?wait=0.01", PROBE, key=key).status_code == 202


def test_job_and_batch_are_refused_when_the_tenant_of_a_bound_key_has_enough_unfinished(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("elbe")
    lower(api, "jobs_unfinished", 3)
    key = api.key("read", "enqueue", reseller_id=accounts.reseller)
    assert api.call("POST /v1/jobs", PROBE, key=key).status_code == 202
    batch = api.call("POST /v1/jobs/batch", {"jobs": [PROBE] * 20}, key=key)
    assert (batch.status_code, batch.json()["limit"]) == (429, "jobs_unfinished")
    assert api.call("POST /v1/jobs/batch", {"jobs": [PROBE] * 20}).status_code == 202


def test_processes_share_a_bucket_when_they_settle_through_redis(client: "redis.Redis", namespace: str) -> None:
    first, second = (RedisRates(client, RedisKeys(namespace)) for _ in range(2))
    assert first.settle({"key": Spent(150, 50)})["key"] == pytest.approx(50, abs=5)
    assert second.settle({"key": Spent(150, 50)})["key"] == pytest.approx(-100, abs=10)
    assert second.settle({"key": Spent(900, 50)})["key"] == pytest.approx(-200, abs=5)


def test_nothing_is_settled_when_redis_is_away(namespace: str) -> None:
    away = RedisRates(client_of("redis://127.0.0.1:1"), RedisKeys(namespace))
    assert away.settle({"key": Spent(1, 50)}) == {}
