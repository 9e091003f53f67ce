"""Bodies: whose are read, how large, how long."""

import asyncio
import json
import time
from contextlib import ExitStack

import pytest
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.types import Message
from structlog.testing import capture_logs

from kontor.http import bodies
from kontor.http.bodies import bounded_receive
from kontor.http.large_bodies import FORMS, BodiesInFlight
from kontor.http.problems import TooLarge, TooSlow
from kontor.kernel.edge import BODY_ARRIVED
from kontor.kernel.field_errors import field_errors
from kontor.kernel.limits import LimitReached
from tests.support.api import Api
from tests.support.edge import answer, connected, exchange, head_of

MIB = 1024 * 1024


def post(path: str, length: int, key: str | None = None, body: bytes = b"") -> bytes:
    secret = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{secret}Content-Length: {length}\r\n\r\n".encode() + body


@pytest.mark.parametrize("key", [None, "kontor_wrong"])
def test_body_is_not_awaited_when_nobody_sends_it(api: Api, key: str | None) -> None:
    began = time.monotonic()
    status, headers = head_of(exchange(str(api.http.base_url), post("/v1/jobs", 16 * MIB, key)))

    assert (status, headers["connection"]) == (401, "close")
    assert time.monotonic() - began < 5


def test_body_is_read_once_its_key_is_authenticated(api: Api) -> None:
    body = json.dumps({"task": "probe.echo", "args": {}}).encode()
    with connected(str(api.http.base_url), post("/v1/jobs", len(body), api.key())) as connection:
        connection.sendall(body)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 202")


@pytest.mark.parametrize(
    ("path", "limit"), [("/v1/accounts", MIB), ("/v1/jobs", 2 * MIB), ("/v1/jobs/batch", 16 * MIB)]
)
def test_body_is_413_when_it_exceeds_the_limit_of_its_route(api: Api, path: str, limit: int) -> None:
    key = api.key()
    received = exchange(str(api.http.base_url), post(path, limit + 1, key))

    assert head_of(received)[0] == 413
    assert json.loads(received.partition(b"\r\n\r\n")[2])["limit"] == limit


def test_chunked_body_is_refused_when_it_exceeds_the_limit_of_its_route(api: Api) -> None:
    chunks = (b"x" * 65_536 for _ in range(17))
    headers = {"Authorization": f"Bearer {api.key()}"}
    assert api.http.post("/v1/accounts", content=chunks, headers=headers).status_code == 413


@pytest.mark.parametrize("arrived", [True, False])
def test_body_is_bounded_whether_the_server_has_all_of_it_or_not(arrived: bool) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 11, "more_body": False}

    request = Request({"type": "http", "headers": [], BODY_ARRIVED: arrived}, receive)
    with pytest.raises(TooLarge):
        asyncio.run(bodies.read_body(request, 10))
    assert asyncio.run(bodies.read_body(request, 11)) == b"x" * 11


def test_body_that_has_arrived_starts_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    monkeypatch.setattr(bodies, "bounded_receive", None)
    request = Request({"type": "http", "headers": [], BODY_ARRIVED: True}, receive)
    assert asyncio.run(bodies.read_body(request, 10)) == b"{}"


def test_stalled_uploads_of_strangers_hold_no_thread_and_no_memory(api: Api) -> None:
    address = str(api.http.base_url)
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connected(address, post("/v1/jobs", 16 * MIB, body=b"x" * 100_000)))
        assert api.call("GET /v1/tasks").status_code == 200


def test_aborted_upload_is_no_error_in_the_log(api: Api) -> None:
    key = api.key()
    api.ok("GET /v1/tasks", key=key)
    with capture_logs() as logs:
        for path in ("/v1/jobs", "/console/login", "/activate/x"):
            with connected(str(api.http.base_url), post(path, 1_000, key, b"{")):
                pass
        api.ok("GET /v1/tasks", key=key)

    assert logs == []


def test_page_says_413_when_a_form_is_too_large(api: Api) -> None:
    assert head_of(exchange(str(api.http.base_url), post("/activate/x", 3 * MIB)))[0] == 413


def test_body_is_given_up_when_it_pauses_or_is_slower_than_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)

    async def drip(pause: float) -> Message:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read(pause: float) -> None:
        receive = bounded_receive(lambda: drip(pause), 1_000)
        for _ in range(1_000):
            await receive()

    for pause in (0.01, 1.0):
        with pytest.raises(TooSlow):
            asyncio.run(read(pause))


def test_large_body_waits_for_room_and_is_refused_when_there_is_none() -> None:
    room = BodiesInFlight(most=4 * MIB, patience=0.05)
    order: list[str] = []

    async def held(key: str, size: int, seconds: float) -> None:
        async with room.room(key, size):
            order.append(key)
            await asyncio.sleep(seconds)

    async def both() -> None:
        await asyncio.gather(held("a", 2 * MIB, 0.02), held("a", 1 * MIB, 0), held("b", 2 * MIB, 0))
        assert order == ["a", "b", "a"]
        holder = asyncio.create_task(held("a", 2 * MIB, 1))
        await asyncio.sleep(0)
        await held("a", 1_000, 0)
        with pytest.raises(LimitReached):
            await held("a", 1 * MIB, 0)
        with pytest.raises(LimitReached):
            await held(FORMS, 1 * MIB, 0)
        holder.cancel()

    asyncio.run(both())


def unknown(count: int) -> str:
    return ",".join(f'"x{number}":1' for number in range(count))


def filled(text: str, inside: str) -> str:
    return text.replace("@", inside)


@pytest.mark.parametrize(
    ("path", "body", "loc"),
    [
        ("/v1/jobs", filled('{"task":"probe.echo","args":{@}}', unknown(100_000)), "args.x0"),
        ("/v1/jobs", filled('{"task":"probe.echo",@}', unknown(100_000)), "x0"),
        ("/v1/jobs/batch", filled('{"jobs":[{"task":"probe.echo","args":{},@}]}', unknown(1_000_000)), "jobs.0.x0"),
        ("/v1/jobs/batch", filled('{"jobs":[{"task":"probe.echo","args":{@}}]}', unknown(1_000_000)), "jobs.0.args.x0"),
        ("/v1/jobs/batch", filled('{"jobs":[@]}', ",".join(["{}"] * 9_000)), ""),
    ],
    ids=["args", "job", "batch", "batch args", "missing"],
)
def test_answer_lists_at_most_100_errors_and_costs_little(api: Api, path: str, body: str, loc: str) -> None:
    key = api.key()
    began = time.process_time()
    refused = api.call(f"POST {path}", body.encode(), key=key)

    errors = refused.json()["errors"]
    assert refused.status_code == 422
    assert 1 <= len(errors) <= 100
    assert errors[0]["loc"] == loc
    assert time.process_time() - began < 5


def test_path_with_a_slash_at_its_end_does_not_lead_to_the_host_of_the_request(api: Api) -> None:
    answers = [api.http.get("/v1/jobs/", headers=headers) for headers in ({}, {"Host": "evil.example"})]
    assert [(answer.status_code, "location" in answer.headers) for answer in answers] == [(404, False), (421, False)]


def test_connection_goes_on_after_a_refusal_without_a_body(api: Api) -> None:
    with connected(str(api.http.base_url), b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        assert b"401" in connection.recv(65_536)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert head_of(answer(connection))[0] == 200


def test_field_errors_are_counted_when_there_are_thousands() -> None:
    numbers = TypeAdapter(list[int])
    with pytest.raises(ValidationError) as few:
        numbers.validate_python(["x"] * 200)
    with pytest.raises(ValidationError) as many:
        numbers.validate_python(["x"] * 5_000)

    assert [error.loc for error in field_errors(few.value, "args")] == [f"args.{number}" for number in range(100)]
    assert [(error.loc, error.msg) for error in field_errors(many.value, "args")] == [
        ("args", "There are 5,000 errors, too many to list.")
    ]
