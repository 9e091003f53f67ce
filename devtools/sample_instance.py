"""A sample customer instance: an HTTP server that receives offers and can simulate outages."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

from devtools.received_calls import Behaviour, ReceivedCalls, ResponseMode

CONTROL_LIMIT = 64 * 1024
PATIENCE_SECONDS = 60.0
Connection = socket | tuple[bytes, socket]
"""What socketserver passes for a request."""


class InstanceServer(ThreadingHTTPServer):
    """A listening socket that drops its connections when it is closed."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.open_sockets: set[Connection] = set()
        self.connections = 0
        super().__init__(("127.0.0.1", port), handler)

    def process_request(self, request: Connection, client_address: object) -> None:
        """Track the connection, then serve it in a thread."""
        self.open_sockets.add(request)
        self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Connection) -> None:
        """Stop tracking a closed connection."""
        self.open_sockets.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Stop listening and drop every connection; new ones are refused."""
        self.shutdown()
        self.server_close()
        for connection in list(self.open_sockets):
            self.shutdown_request(connection)

    def handle_error(self, request: Connection, client_address: object) -> None:
        """Ignore callers that disconnect."""


class SampleInstance:
    """One customer's system on a local port; a second port controls it."""

    def __init__(self, received: ReceivedCalls, port: int = 0, control_port: int = 0) -> None:
        self.received = received
        self._lock = threading.Lock()
        self._endpoint: InstanceServer | None = InstanceServer(port, _receiver(received))
        self.port = self._endpoint.server_address[1]
        self._control = InstanceServer(control_port, _controller(self))
        self.control_port = self._control.server_address[1]

    @property
    def url(self) -> str:
        """The URL for offers."""
        return f"http://127.0.0.1:{self.port}/kontor"

    @property
    def connections(self) -> int:
        """The number of connections since the port was opened."""
        return self._endpoint.connections if self._endpoint is not None else 0

    def start(self) -> SampleInstance:
        """Start serving in threads of this process."""
        for server in (self._endpoint, self._control):
            if server is not None:
                _serve(server)
        return self

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Set the behaviour from the next call on; `refuse` closes the port until another mode is set."""
        with self._lock:
            self.received.set_behaviour(behaviour)
            if behaviour.mode is ResponseMode.REFUSE and self._endpoint is not None:
                self._endpoint.close_connections()
                self._endpoint = None
            elif behaviour.mode is not ResponseMode.REFUSE and self._endpoint is None:
                self._endpoint = InstanceServer(self.port, _receiver(self.received))
                _serve(self._endpoint)

    def stop(self) -> None:
        """Close both ports."""
        self.set_behaviour(Behaviour(ResponseMode.REFUSE))
        self._control.close_connections()


def _serve(server: InstanceServer) -> None:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()


def _receiver(received: ReceivedCalls) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        """Receives calls."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = received.receive(body, {name.lower(): text for name, text in self.headers.items()})
            if answer.seconds is not None:
                received.changed.wait(min(answer.seconds, PATIENCE_SECONDS))
            if answer.status is None:
                self.close_connection = True
                return
            _reply(self, answer.status, answer.document, answer.headers)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the standard library's name
            """No-op: the calls are recorded."""

    return Receiver


def _controller(instance: SampleInstance) -> type[BaseHTTPRequestHandler]:
    class Controller(BaseHTTPRequestHandler):
        """GET returns mode and calls; POST sets mode, secret, seconds, times, retry_after."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _reply(self, HTTPStatus.OK, instance.received.document())

        def do_POST(self) -> None:
            size = min(int(self.headers.get("content-length", 0)), CONTROL_LIMIT)
            try:
                request = json.loads(self.rfile.read(size))
                if "secret" in request:
                    instance.received.secret = str(request.pop("secret"))
                if request:
                    instance.set_behaviour(Behaviour.of(request))
            except (ValueError, TypeError) as error:
                _reply(self, HTTPStatus.BAD_REQUEST, {"error": str(error)})
            else:
                _reply(self, HTTPStatus.OK, instance.received.document())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the standard library's name
            """No-op."""

    return Controller


def _reply(
    handler: BaseHTTPRequestHandler, status: int, document: Mapping[str, object], headers: dict[str, str] | None = None
) -> None:
    body = json.dumps(document).encode()
    handler.send_response(status)
    for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
        handler.send_header(name, text)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; print both URLs as one JSON line."""
    parser = argparse.ArgumentParser(prog="kontor instance", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--secret", default="", help="whsec_...; can be set later through the control port")
    parser.add_argument("--calls", type=Path, help="a file that gets one JSON line per call")
    options = parser.parse_args(arguments)
    instance = SampleInstance(ReceivedCalls(options.secret, options.calls), options.port, options.control_port).start()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(  # noqa: T201 -- tells the parent process the ports
        json.dumps({"url": instance.url, "control": f"http://127.0.0.1:{instance.control_port}/"}), flush=True
    )
    stop.wait()
    instance.stop()


if __name__ == "__main__":
    main()
