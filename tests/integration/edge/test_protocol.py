"""Bounds of a connection, before an application sees its request."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Event

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from kontor.adapters.bounded_http import bounded_http
from kontor.kernel.edge import BODY_ARRIVED, DEFENCES, HEADER_LIMIT
from tests.support.api import running_server
from tests.support.edge import answer, connected, exchange, head_of

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
LAST = GET + b"Connection: close\r\n\r\n"
CALLED = Event()
"""Set when `/arrived` is called, before it reads the body."""
STALLED = b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16777216\r\n\r\n"


def build() -> FastAPI:
    """An application that reads a body at `/read` and answers at once elsewhere."""
    app = FastAPI()

    @app.api_route("/read", methods=["POST"])
    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    @app.api_route("/arrived", methods=["POST"])
    async def arrived(request: Request) -> PlainTextResponse:
        before = request.scope.get(BODY_ARRIVED)
        CALLED.set()
        body = await request.body()
        return PlainTextResponse(f"{before} {request.scope.get(BODY_ARRIVED)} {len(body)}")

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def at_once(path: str) -> PlainTextResponse:
        return PlainTextResponse("ok")

    return app


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server(build()) as address:
        yield address


@pytest.fixture(scope="module")
def impatient() -> Iterator[str]:
    with running_server(build(), bounded_http(header_seconds=0.2)) as address:
        yield address


@pytest.mark.parametrize(
    "sent",
    [
        GET + b"X-Long: " + b"a" * HEADER_LIMIT,
        GET + b"X-Many: 1\r\n" * (HEADER_LIMIT // 10),
        b"GET /" + b"a" * HEADER_LIMIT,
        b"\r\n" * HEADER_LIMIT,
        GET + b"X-Whole: " + b"a" * HEADER_LIMIT + b"\r\n\r\n",
    ],
    ids=["one", "many", "path", "empty lines", "whole"],
)
def test_header_section_is_refused_when_it_exceeds_32_kib(url: str, sent: bytes) -> None:
    status, headers = head_of(exchange(url, sent))

    assert (status, headers["connection"]) == (431, "close")
    assert DEFENCES.items() <= headers.items()


def test_application_is_told_when_the_whole_body_is_there(url: str) -> None:
    head = b"POST /arrived HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
    with connected(url, head + b"ab") as connection:
        assert b"True True 2" in connection.recv(65_536)
        CALLED.clear()
        connection.sendall(head)
        assert CALLED.wait(10)
        connection.sendall(b"ab")
        assert b"None True 2" in connection.recv(65_536)


def test_second_header_of_a_connection_is_bounded_like_the_first(url: str) -> None:
    endless = GET + b"X: " + b"a" * HEADER_LIMIT
    with connected(url, GET + b"\r\n") as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(endless)
        assert head_of(answer(connection))[0] == 431


def test_answer_under_way_is_sent_before_the_connection_ends_for_the_header_after_it(url: str) -> None:
    received = exchange(url, GET + b"\r\n" + GET + b"X: " + b"a" * 3 * HEADER_LIMIT)

    assert received.count(b"HTTP/1.1") == 1
    assert received.startswith(b"HTTP/1.1 200")


def test_header_section_is_accepted_when_it_has_almost_32_kib(url: str) -> None:
    assert head_of(exchange(url, LAST[:-2] + b"X: " + b"a" * (HEADER_LIMIT - 200) + b"\r\n\r\n"))[0] == 200


def test_trailers_without_end_are_refused(url: str) -> None:
    chunked = b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"

    assert head_of(exchange(url, chunked + b"X: " + b"a" * 2 * HEADER_LIMIT))[0] == 400


def test_header_is_refused_when_it_is_not_complete_in_time(impatient: str) -> None:
    with connected(impatient, GET) as connection, connected(impatient) as silent:
        assert head_of(answer(connection))[0] == 408
        assert answer(silent) == b""


def test_second_header_of_a_connection_has_the_same_time(impatient: str) -> None:
    with connected(impatient, GET + b"\r\n") as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET")
        assert head_of(answer(connection))[0] == 408


def test_oldest_connections_without_a_header_give_way_beyond_50_of_an_origin(url: str) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connected(url, b"GET")) for _ in range(60)]
        assert [answer(each) for each in held[:10]] == [b""] * 10
        held[-1].sendall(LAST[3:])
        assert head_of(answer(held[-1]))[0] == 200


def test_connections_of_a_proxy_are_not_counted() -> None:
    with running_server(build(), bounded_http(["127.0.0.0/8"])) as proxied, ExitStack() as stack:
        held = [stack.enter_context(connected(proxied, b"GET")) for _ in range(60)]
        assert head_of(exchange(proxied, LAST))[0] == 200
        held[0].sendall(LAST[3:])
        assert head_of(answer(held[0]))[0] == 200


def test_answer_ends_the_connection_when_the_body_was_not_read(url: str) -> None:
    began = time.monotonic()
    with connected(url, STALLED + b"x" * 500_000) as connection:
        status, headers = head_of(answer(connection))

    assert (status, headers["connection"]) == (200, "close")
    assert time.monotonic() - began < 5


def test_connection_stays_open_when_the_body_was_read(url: str) -> None:
    post = b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
    received = exchange(url, post + LAST)

    assert received.count(b"HTTP/1.1 200") == 2
