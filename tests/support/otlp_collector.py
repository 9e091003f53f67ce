"""An OpenTelemetry collector in the test process: OTLP over HTTP, stored as protocol messages."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as received over the wire."""

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
        """All readable text of the span; ids are left out."""
        span = self.span
        return f"{span.name} {span.attributes} {span.events} {span.links} {span.status} {span.trace_state}"

    def attribute(self, attribute: str) -> str | int | None:
        for entry in self.span.attributes:
            if entry.key == attribute:
                return (
                    int(entry.value.int_value) if entry.value.HasField("int_value") else str(entry.value.string_value)
                )
        return None


@dataclass
class Collector:
    """Every received span, and the request paths."""

    url: str = ""
    paths: set[str] = field(default_factory=set)
    _spans: list[ReceivedSpan] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spans(self, trace_id: str | None = None) -> list[ReceivedSpan]:
        """The spans of one trace, or all."""
        with self._lock:
            return [span for span in self._spans if trace_id in (None, span.trace_id)]

    def receive(self, path: str, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self.paths.add(path)
            for resource in request.resource_spans:
                names = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
                for scope in resource.scope_spans:
                    self._spans += [ReceivedSpan(names["service.name"], span) for span in scope.spans]


@contextmanager
def running_collector() -> Iterator[Collector]:
    """A collector that listens while the block runs."""
    collector = Collector()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.receive(self.path, body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

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
