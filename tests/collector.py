"""A collector of OpenTelemetry in the test's own process: OTLP over HTTP, kept as the protocol's own messages."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Told:
    """A span as it came over the wire."""

    service: str
    span: Span

    @property
    def name(self) -> str:
        return str(self.span.name)

    @property
    def trace_id(self) -> str:
        return bytes(self.span.trace_id).hex()

    @property
    def span_id(self) -> str:
        return bytes(self.span.span_id).hex()

    @property
    def parent_id(self) -> str:
        return bytes(self.span.parent_span_id).hex()

    def text(self) -> str:
        """All it says; ids are bytes, and say nothing."""
        span = self.span
        return f"{span.name} {span.attributes} {span.events} {span.links} {span.status} {span.trace_state}"

    def says(self, attribute: str) -> str | int | None:
        for said in self.span.attributes:
            if said.key == attribute:
                return int(said.value.int_value) if said.value.HasField("int_value") else str(said.value.string_value)
        return None


@dataclass
class Collector:
    """Every span that came, and where they came to."""

    url: str = ""
    paths: set[str] = field(default_factory=set)
    _told: list[Told] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def told(self, trace_id: str | None = None) -> list[Told]:
        """The spans of a trace, or all."""
        with self._lock:
            return [one for one in self._told if trace_id in (None, one.trace_id)]

    def take(self, path: str, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.paths.add(path)
            for resource in request.resource_spans:
                names = {said.key: said.value.string_value for said in resource.resource.attributes}
                for scope in resource.scope_spans:
                    self._told += [Told(names["service.name"], span) for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens while the block lasts."""
    collector = Collector()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
