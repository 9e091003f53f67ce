"""HEAD, ETags and gzip: reads that cost nothing, changes to what was read, compressed bodies."""

import gzip
import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.api import Api, ResellerAccounts


@pytest.fixture
def place(make_accounts: Callable[[str], ResellerAccounts]) -> str:
    """The path of a client."""
    return f"/v1/accounts/{make_accounts('elbe').client}"


def call(api: Api, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """Send a request with headers, whose names have underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.http.request(method, path, json=body, headers={"Authorization": f"Bearer {api.key()}", **named})


def test_head_has_the_status_and_headers_of_the_get(api: Api, place: str) -> None:
    read, asked = call(api, "GET", place), call(api, "HEAD", place)

    assert (asked.status_code, asked.content) == (200, b"")
    for name in ("content-type", "etag", "content-length"):
        assert asked.headers[name] == read.headers[name]
    assert call(api, "HEAD", f"{place[:-1]}0").status_code in (404, 200)
    assert call(api, "HEAD", "/v1/accounts").status_code == 200
    assert "HEAD" in call(api, "POST", place).headers["allow"]
    assert api.http.head(place).status_code == 401


def test_known_document_is_not_sent_again(api: Api, place: str) -> None:
    tag = call(api, "GET", place).headers["etag"]
    same = call(api, "GET", place, If_None_Match=f'"other", W/{tag}')
    call(api, "PATCH", place, {"locale": "fr"})
    changed = call(api, "GET", place, If_None_Match=tag)

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (changed.status_code, changed.json()["locale"]) == (200, "fr")
    assert "etag" not in call(api, "GET", "/v1/accounts").headers


def test_change_is_refused_when_the_document_is_another_by_now(api: Api, place: str) -> None:
    tag = call(api, "GET", place).headers["etag"]
    first = call(api, "PATCH", place, {"locale": "fr"}, If_Match=tag)
    second = call(api, "PATCH", place, {"locale": "ja"}, If_Match=tag)

    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 412, "precondition_failed")
    assert call(api, "GET", place).json()["locale"] == "fr"
    assert call(api, "PATCH", place, {"locale": "ja"}, If_Match="*").status_code == 200
    assert call(api, "DELETE", f"{place}/instance", If_Match=tag).status_code == 412
    assert call(api, "PUT", "/v1/task-types/vps.none", {"handler": "pull"}, If_Match="*").status_code == 412


def test_one_of_many_changes_to_the_same_document_wins(api: Api, place: str) -> None:
    tag = call(api, "GET", place).headers["etag"]
    with ThreadPoolExecutor(4) as threads:
        zones = ("Asia/Tokyo", "Europe/Paris", "Europe/Berlin", "America/Lima")
        sent = [threads.submit(call, api, "PATCH", place, {"timezone": zone}, If_Match=tag) for zone in zones]
        statuses = sorted(each.result().status_code for each in sent)

    assert statuses == [200, 412, 412, 412]


def packed(api: Api, content: bytes, encoding: str = "gzip") -> httpx.Response:
    """Send a job in a packed body."""
    headers = {"Authorization": f"Bearer {api.key()}", "Content-Encoding": encoding, "Content-Type": "application/json"}
    return api.http.post("/v1/jobs", content=content, headers=headers)


def test_gzip_body_is_unpacked_and_a_bomb_refused(api: Api) -> None:
    job = json.dumps({"task": "probe.echo", "args": {"message": "hello"}}).encode()
    bomb = gzip.compress(b" " * 64 * 1024 * 1024)

    assert packed(api, gzip.compress(job)).json()["args"] == {"message": "hello"}
    assert packed(api, gzip.compress(job[:20]) + gzip.compress(job[20:])).status_code == 202
    assert len(bomb) < 100_000
    assert (packed(api, bomb).status_code, packed(api, bomb).json()["code"]) == (413, "too_large")
    for broken in (job, gzip.compress(job)[:-9], zlib.compress(job)):
        assert packed(api, broken).json()["code"] == "invalid"
    other = packed(api, job, "br")
    assert (other.status_code, other.json()["code"]) == (415, "unsupported_encoding")


def test_long_answers_are_compressed_for_those_who_take_it(api: Api, place: str) -> None:
    plain = call(api, "GET", "/v1/tasks", Accept_Encoding="identity")
    asked = call(api, "GET", "/v1/tasks", Accept_Encoding="gzip")

    assert "content-encoding" not in plain.headers
    assert asked.headers["content-encoding"] == "gzip"
    assert asked.json() == plain.json()
    assert "content-encoding" not in call(api, "GET", place, Accept_Encoding="identity").headers
