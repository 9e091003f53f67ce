"""Outgoing HTTP against real sockets: the sample instance and misbehaving servers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from devtools.received_calls import Behaviour, ReceivedCalls, ResponseMode
from devtools.sample_instance import SampleInstance
from kontor.adapters.clock import SystemClock
from kontor.adapters.http import PinnedHttp, SignedCalls
from kontor.kernel.addresses import may_connect
from kontor.kernel.errors import Invalid, Unreachable
from kontor.kernel.ports import BODY_LIMIT, OutgoingCall
from kontor.webhooks.signing import format_secret

SECRET = format_secret(b"s" * 32)


def anywhere(address: str) -> bool:
    return True


@pytest.fixture
def http() -> Iterator[PinnedHttp]:
    opened = PinnedHttp(anywhere, plain_http=True, time_out=1.0)
    yield opened
    opened.close()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[SampleInstance]:
    running = SampleInstance(ReceivedCalls(SECRET, tmp_path / "calls.jsonl")).start()
    yield running
    running.stop()


@dataclass
class Raw:
    """A server that runs a behaviour on every connection."""

    port: int
    accepted: list[socket.socket]


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], Raw]]:
    listeners: list[socket.socket] = []
    servers: list[Raw] = []

    def start(set_behaviour: Callable[[socket.socket], None]) -> Raw:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        server = Raw(listener.getsockname()[1], [])
        servers.append(server)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                server.accepted.append(connection)
                threading.Thread(target=set_behaviour, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return server

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for connection in [client for server in servers for client in server.accepted]:
        connection.close()


def call(url: str, webhook_id: str = "offer_1_delivered") -> OutgoingCall:
    return OutgoingCall(url, webhook_id, '{"type":"offer.delivered","data":{"message":"Grüße"}}'.encode(), (SECRET,))


def test_sample_instance_verifies_signatures_and_recognises_repeats(http: PinnedHttp, instance: SampleInstance) -> None:
    sender = SignedCalls(http, SystemClock())
    assert sender.send(call(instance.url)).status == 200
    assert sender.send(call(instance.url)).status == 200
    first, second = instance.received.calls
    assert (first["repeat"], second["repeat"]) == (False, True)
    assert first["data"] == {"message": "Grüße"}
    forged = OutgoingCall(instance.url, "x", b"{}", (format_secret(b"f" * 32),))
    assert sender.send(forged).status == 401


def test_connections_are_reused(http: PinnedHttp, instance: SampleInstance) -> None:
    for number in range(5):
        http.post(instance.url, b"{}", {"webhook-id": str(number)})
    assert instance.connections == 1


@pytest.mark.parametrize("status", [500, 503, 429, 400, 404, 410, 302])
def test_every_status_is_a_response_and_redirects_are_not_followed(
    http: PinnedHttp, instance: SampleInstance, status: int
) -> None:
    instance.set_behaviour(Behaviour(ResponseMode.STATUS, status, retry_after="7"))
    reply = SignedCalls(http, SystemClock()).send(call(instance.url))
    assert (reply.status, reply.headers["retry-after"]) == (status, "7")
    assert len(instance.received.calls) == 1


def test_file_is_read_to_its_limit_and_a_redirect_is_not_followed(
    http: PinnedHttp, raw: Callable[[Callable[[socket.socket], None]], Raw]
) -> None:
    def endless(connection: socket.socket) -> None:
        asked = connection.recv(10_000)
        status = b"302 Found" if b"/moved" in asked else b"200 OK"
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(bytes(10_000))

    server = raw(endless)
    base = f"http://127.0.0.1:{server.port}"
    assert len(http.get(f"{base}/logo.png", 50_000).body) == 50_000
    assert http.get(f"{base}/moved", 10).status == 302
    assert len(server.accepted) == 2


def test_file_at_a_forbidden_address_is_not_asked_for(instance: SampleInstance) -> None:
    with closing(PinnedHttp(may_connect, plain_http=True)) as http, pytest.raises(Invalid) as error:
        http.get(instance.url, 10)
    assert error.value.code == "forbidden_address"
    assert instance.connections == 0


def test_refused_connection_is_reported_as_not_sent_and_the_port_returns(
    http: PinnedHttp, instance: SampleInstance
) -> None:
    sender = SignedCalls(http, SystemClock())
    sender.send(call(instance.url))
    instance.set_behaviour(Behaviour(ResponseMode.REFUSE))
    with pytest.raises(Unreachable) as error:
        sender.send(call(instance.url))
    assert not error.value.sent
    instance.set_behaviour(Behaviour())
    assert sender.send(call(instance.url)).status == 200


def test_silent_instance_times_out_as_possibly_sent(http: PinnedHttp, instance: SampleInstance) -> None:
    instance.set_behaviour(Behaviour(ResponseMode.TIMEOUT))
    with pytest.raises(Unreachable) as error:
        SignedCalls(http, SystemClock()).send(call(instance.url))
    assert (error.value.timed_out, error.value.sent) == (True, True)


def drip(connection: socket.socket) -> None:
    """Send a header byte every tenth of a second without end."""
    tick = threading.Event()
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not tick.wait(0.1):
            connection.sendall(b"a")
    except OSError:
        return


def test_slow_response_is_limited_by_the_time_of_the_whole_call(
    http: PinnedHttp, raw: Callable[[Callable[[socket.socket], None]], Raw]
) -> None:
    server = raw(drip)
    began = time.monotonic()
    with pytest.raises(Unreachable) as error:
        http.post(f"http://127.0.0.1:{server.port}/", b"{}", {})
    assert error.value.timed_out
    assert time.monotonic() - began < 3


def flood(connection: socket.socket) -> None:
    """Send a body without an end."""
    try:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65_536)
    except OSError:
        return


def test_endless_body_is_read_up_to_64_kib(
    http: PinnedHttp, raw: Callable[[Callable[[socket.socket], None]], Raw]
) -> None:
    server = raw(flood)
    assert len(http.post(f"http://127.0.0.1:{server.port}/", b"{}", {}).body) == BODY_LIMIT


def rubbish(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"this is not http\r\n\r\n")
    connection.close()


def test_malformed_response_is_unreachable_and_sent(
    http: PinnedHttp, raw: Callable[[Callable[[socket.socket], None]], Raw]
) -> None:
    server = raw(rubbish)
    with pytest.raises(Unreachable) as error:
        http.post(f"http://127.0.0.1:{server.port}/", b"{}", {})
    assert error.value.sent


def test_name_that_resolves_to_a_private_address_is_not_connected_to(
    raw: Callable[[Callable[[socket.socket], None]], Raw],
) -> None:
    server = raw(rubbish)
    opened = PinnedHttp(may_connect, plain_http=True, resolve=lambda host, port: ["127.0.0.1"])
    with closing(opened) as http, pytest.raises(Invalid) as refusal:
        http.post(f"http://rebind.example:{server.port}/", b"{}", {})
    assert refusal.value.code == "forbidden_address"
    assert server.accepted == []


def test_name_is_resolved_once_per_connection_and_the_checked_address_is_used(instance: SampleInstance) -> None:
    asked: list[str] = []
    checked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

    def allow(address: str) -> bool:
        checked.append(address)
        return True

    with closing(PinnedHttp(allow, plain_http=True, resolve=resolve, time_out=5)) as http:
        reply = http.post(f"http://shop.example:{instance.port}/", b"{}", {})
    assert reply.status == 401
    assert (asked, checked) == (["shop.example"], ["127.0.0.1"])


def test_plain_http_and_other_schemes_are_refused_in_production() -> None:
    for url in ("http://shop.example/", "ftp://shop.example/", "file:///etc/passwd", "shop.example"):
        with closing(PinnedHttp(anywhere)) as http, pytest.raises(Invalid):
            http.post(url, b"{}", {})


def test_unknown_host_is_reported_as_not_sent() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with closing(PinnedHttp(anywhere, resolve=unknown)) as http, pytest.raises(Unreachable) as error:
        http.post("https://nowhere.example/", b"{}", {})
    assert not error.value.sent


def test_server_without_a_valid_certificate_gets_no_request(
    raw: Callable[[Callable[[socket.socket], None]], Raw],
) -> None:
    server = raw(rubbish)
    opened = PinnedHttp(anywhere, resolve=lambda host, port: ["127.0.0.1"], time_out=5)
    with closing(opened) as http, pytest.raises(Unreachable) as error:
        http.post(f"https://shop.example:{server.port}/", b"secret", {})
    assert not error.value.sent


def test_proxy_variables_are_ignored(
    http: PinnedHttp, instance: SampleInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert SignedCalls(http, SystemClock()).send(call(instance.url)).status == 200
