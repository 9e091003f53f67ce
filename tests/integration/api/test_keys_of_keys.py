"""Keys made, listed and revoked by other keys: for oneself or one's clients, never with more than one has."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from kontor.operators.keys import LIFETIME
from tests.support.api import ALL_SCOPES, Api, ResellerAccounts

Made = dict[str, Any]
WORK = ["read", "enqueue"]


@pytest.fixture
def elbe(make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    return make_accounts("elbe")


def new(scopes: list[str], **more: Any) -> Made:
    return {
        "name": "made",
        "scopes": scopes,
        **{name: str(value) if isinstance(value, UUID) else value for name, value in more.items()},
    }


def code(api: Api, key: str, body: Made) -> tuple[int, str]:
    answer = api.call("POST /v1/keys", body, key=key)
    return answer.status_code, answer.json().get("code", "")


def test_key_made_by_a_key_expires_after_a_year_and_shows_its_secret_once(api: Api) -> None:
    made = api.ok("POST /v1/keys", new(["read"]))
    assert made["expires_at"] == (api.deps.clock.wall_time() + LIFETIME).isoformat().replace("+00:00", "Z")
    assert api.call("GET /v1/jobs", key=made["secret"]).status_code == 200
    listed = api.ok("GET /v1/keys")["items"]
    assert {"secret"} & {name for item in listed for name in item} == set()
    said = api.ok(
        "POST /v1/keys", new(["read"], expires_at="2031-01-01T00:00:00Z", **{"from": ["127.0.0.0/8"]}, rate=7)
    )
    assert (said["expires_at"], said["from"], said["rate"]) == ("2031-01-01T00:00:00Z", ["127.0.0.0/8"], 7)
    assert said["created_by"].startswith("key:")


def test_managing_keys_requires_keys_or_admin(api: Api) -> None:
    assert code(api, api.key("read", "enqueue", "operate"), new(["read"])) == (403, "forbidden")
    assert api.call("GET /v1/keys", key=api.key("read")).status_code == 403
    assert code(api, api.key("admin"), new(list(ALL_SCOPES)))[0] == 201


def test_bound_key_makes_keys_for_itself_and_its_clients_only(
    api: Api, elbe: ResellerAccounts, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    other = make_accounts("weser")
    key = api.key(*WORK, "keys", "admin", reseller_id=elbe.reseller)
    for allowed in ({"reseller_id": elbe.reseller}, {"account_id": elbe.reseller}, {"account_id": elbe.client}):
        assert code(api, key, new(["read"], **allowed))[0] == 201
    for foreign in ({"reseller_id": other.reseller}, {"account_id": other.client}, {"account_id": uuid4()}):
        assert code(api, key, new(["read"], **foreign)) == (404, "not_found")
    assert code(api, key, new(["read"])) == (403, "forbidden")
    client = api.key("read", "keys", account_id=elbe.client)
    assert code(api, client, new(["read"], account_id=elbe.client))[0] == 201
    assert code(api, client, new(["read"], account_id=elbe.reseller)) == (404, "not_found")
    assert code(api, client, new(["read"])) == (403, "forbidden")


@pytest.mark.parametrize("scope", ["operate", "admin", "enqueue", "work", "enqueue:*"])
def test_key_gives_no_scope_that_it_lacks(api: Api, elbe: ResellerAccounts, scope: str) -> None:
    for bound in ({}, {"reseller_id": elbe.reseller}, {"account_id": elbe.client}):
        key = api.key("read", "keys", "enqueue:vps.*", **bound)
        assert code(api, key, new(["read", scope], **bound)) == (403, "forbidden")
        assert code(api, key, new(["read", "enqueue:vps.create"], **bound))[0] == 201


def test_decide_never_comes_from_a_reseller_nor_from_a_key_it_made(api: Api, elbe: ResellerAccounts) -> None:
    mine = {"account_id": elbe.client}
    reseller = api.key("read", "keys", "decide", reseller_id=elbe.reseller)
    assert code(api, reseller, new(["read", "decide"], **mine)) == (403, "forbidden")
    made = api.ok("POST /v1/keys", new(["read", "keys"], **mine), key=reseller)
    assert made["scopes"] == ["read", "keys"]
    assert code(api, made["secret"], new(["decide"], **mine)) == (403, "forbidden")
    assert api.ok("POST /v1/keys", new(["read"], **mine), key=made["secret"])["scopes"] == ["read"]
    own = api.key("read", "keys", account_id=elbe.client)
    assert api.ok("POST /v1/keys", new(["read"], **mine), key=own)["scopes"] == ["read", "decide"]
    assert api.ok("POST /v1/keys", new(["read"], **mine), key=api.key("read", "keys"))["scopes"] == ["read"]
    assert api.ok("POST /v1/keys", new(["read"], **mine))["scopes"] == ["read", "decide"]


def test_key_sees_and_revokes_those_of_itself_and_its_clients(
    api: Api, elbe: ResellerAccounts, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    other = make_accounts("weser")
    theirs = api.ok("POST /v1/keys", new(["read"], account_id=other.client))
    clients = api.ok("POST /v1/keys", new(["read"], account_id=elbe.client))
    key = api.key("read", "keys", reseller_id=elbe.reseller)
    seen = {item["id"] for item in api.ok("GET /v1/keys", key=key)["items"]}
    assert clients["id"] in seen
    assert theirs["id"] not in seen
    assert api.call(f"DELETE /v1/keys/{theirs['id']}", key=key).status_code == 404
    assert api.ok(f"DELETE /v1/keys/{clients['id']}", key=key)["revoked_at"] is not None
    assert api.ok(f"DELETE /v1/keys/{clients['id']}", key=key)["revoked_at"] is not None
    assert api.call("GET /v1/jobs", key=clients["secret"]).status_code == 401
    root = api.ok("POST /v1/keys", new(["admin"]))["id"]
    assert api.call(f"DELETE /v1/keys/{root}", key=key).status_code == 404
    assert api.call(f"DELETE /v1/keys/{root}", key=api.key("read", "keys")).status_code == 403


def test_key_bound_to_networks_makes_none_outside_them(api: Api) -> None:
    local = api.ok("POST /v1/keys", new(["read", "keys"], **{"from": ["127.0.0.0/8"]}))["secret"]
    assert api.ok("POST /v1/keys", new(["read"]), key=local)["from"] == ["127.0.0.0/8"]
    assert code(api, local, new(["read"], **{"from": ["127.0.0.1", "0.0.0.0/0"]})) == (403, "forbidden")
    assert code(api, local, new(["read"], rate=10_000)) == (403, "forbidden")
    assert code(api, local, new(["read"], **{"from": ["127.0.0.0/300"]})) == (422, "invalid")
