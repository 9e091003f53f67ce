"""Live pages: a session has only so many open at once."""

from contextlib import ExitStack

from kontor.console.handler import STREAMS_PER_SESSION
from kontor.http.context import Deps
from tests.support.api import Api
from tests.support.console import ConsoleClient, create_operator
from tests.support.edge import connected
from tests.support.polling import wait_for


def test_stream_is_429_when_its_session_has_too_many_open(api: Api, deps: Deps) -> None:
    ConsoleClient(api.http).sign_in(create_operator(deps, "viewer"))
    cookies = "; ".join(f"{name}={value}" for name, value in api.http.cookies.items())
    address, asked = (
        str(api.http.base_url),
        f"Host: 127.0.0.1\r\nCookie: {cookies}\r\nAccept: text/event-stream\r\n\r\n",
    )
    request = f"GET /console HTTP/1.1\r\n{asked}".encode()

    def status() -> str:
        with connected(address, request) as connection:
            return connection.recv(65_536)[9:12].decode()

    with ExitStack() as stack:
        streams = [stack.enter_context(connected(address, request)) for _ in range(STREAMS_PER_SESSION)]
        assert [stream.recv(65_536)[9:12] for stream in streams] == [b"200"] * STREAMS_PER_SESSION
        assert status() == "429"
    wait_for(lambda: status() == "200")
