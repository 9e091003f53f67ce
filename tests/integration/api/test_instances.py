"""An account's instance and its lane over HTTP: shown, deleted, pinged, held and released."""

import json
from collections.abc import Callable

import pytest

from kontor.adapters.fakes import http_reply
from models.control import Lane
from tests.support.api import Api, ResellerAccounts
from tests.support.worker import running_worker

URL = "https://customer.example/hook"


@pytest.fixture
def elbe(make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    return make_accounts("elbe")


def lane(api: Api, elbe: ResellerAccounts, **values: object) -> str:
    """Make the lane of the client's instance; return its name."""
    name = f"instance:{elbe.client}"
    with api.deps.sessions() as session:
        session.add(Lane(name=name, **values))
        session.commit()
    return name


def test_instance_is_shown_without_its_secret_until_it_is_deleted(api: Api, elbe: ResellerAccounts) -> None:
    path, mine = f"/v1/accounts/{elbe.client}/instance", api.key("read", "enqueue", account_id=elbe.client)
    shown = api.ok(f"GET {path}", key=mine)
    assert (shown["url"], shown["state"], "secret" in shown) == (URL, "ok", False)
    assert api.ok(f"GET /v1/accounts/{elbe.client}", key=mine)["instance"] == {"state": "ok"}
    assert api.ok(f"DELETE {path}", key=mine)["state"] == "none"
    assert api.call(f"GET {path}").json()["code"] == "no_instance"
    assert api.call(f"DELETE {path}").status_code == api.call(f"POST {path}/test").status_code == 404
    assert api.ok(f"GET /v1/accounts/{elbe.client}")["instance"] == {"state": "none"}


@pytest.mark.parametrize(("status", "state", "answered"), [(204, "closed", True), (500, "open", False)])
def test_ping_closes_the_breaker_when_the_instance_answers_it(
    api: Api, elbe: ResellerAccounts, status: int, state: str, answered: bool
) -> None:
    lane(api, elbe, state="open", failures=3, held_since=api.deps.clock.now(), last_error="refused")
    path = f"/v1/accounts/{elbe.client}/instance"
    assert api.ok(f"GET {path}")["state"] == "down"
    with running_worker(api.deps) as engine:
        engine.http.queue_replies(http_reply(status))
        job = api.ok(f"POST {path}/test")["job_id"]
        assert api.ok(f"POST {path}/test")["job_id"] == job
        engine.inline.drain()
        (post,) = engine.http.posted
    assert (post.url, json.loads(post.body)["type"]) == (URL, "ping")
    assert post.headers["webhook-signature"].startswith("v1,")
    assert api.ok(f"GET /v1/jobs/{job}")["result"]["answered"] is answered
    (shown,) = api.ok("GET /v1/lanes")["items"]
    assert (shown["state"], shown["account_id"]) == (state, str(elbe.client))


def test_released_lane_is_closed_when_its_ping_was_answered(api: Api, elbe: ResellerAccounts) -> None:
    name = lane(api, elbe)
    path = f"/v1/lanes/{name}"
    assert api.call(f"POST {path}/release").json()["code"] == "not_held"
    assert api.call(f"POST {path}/probe").json()["code"] == "not_open"
    assert api.ok(f"POST {path}/hold", {"reason": "they asked"})["state"] == "held"
    assert api.call(f"POST {path}/hold").json()["code"] == "already_held"
    assert api.ok(f"GET /v1/accounts/{elbe.client}")["instance"] == {"state": "held"}
    assert [each["name"] for each in api.ok("GET /v1/lanes?state=held")["items"]] == [name]
    with running_worker(api.deps) as engine:
        assert api.ok(f"POST {path}/release")["state"] == "open"
        engine.inline.drain()
    assert api.ok("GET /v1/lanes?state=closed")["items"][0]["failures"] == 0
    assert api.ok("GET /v1/lanes?state=open")["items"] == []


def test_lanes_are_for_the_provider_alone(api: Api, elbe: ResellerAccounts) -> None:
    name = lane(api, elbe)
    for owner in ({"reseller_id": elbe.reseller}, {"account_id": elbe.client}):
        key = api.key("read", "enqueue", **owner)
        assert api.call("GET /v1/lanes", key=key).status_code == 403
        assert api.call(f"POST /v1/lanes/{name}/hold", key=key).status_code == 403
    assert api.call(f"POST /v1/lanes/{name}/hold", key=api.key("read")).status_code == 403
    assert api.call("POST /v1/lanes/instance:none/hold").json()["code"] == "unknown_lane"
