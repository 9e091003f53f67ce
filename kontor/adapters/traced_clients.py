"""Spans of outgoing HTTP and SMTP; wrappers of the adapters where tracing is on."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from kontor.adapters.smtp_pool import SmtpAddress
from kontor.kernel.ports import HttpReader, HttpReply, HttpSender, MailDeferred, MailRefused, MailTransport
from kontor.kernel.tracing import NO_ATTRIBUTES, TRACEPARENT, Attributes, SpanKind, Tracer

PORTS: Final = {"https": 443, "http": 80}
SMTP_STATUS: Final = "smtp.response.status_code"
"""No semantic convention covers SMTP; named after HTTP's."""
ACCEPTED: Final = 250


class TracedHttp:
    """Implements kontor.kernel.ports.HttpSender and propagates the trace in `traceparent`.

    Of the URL only host and port are recorded: paths and queries hold tokens.
    """

    def __init__(self, inner: HttpSender, tracer: Tracer) -> None:
        self._inner = inner
        self._tracer = tracer

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """POST once. Raises Unreachable or Invalid(`forbidden_address`)."""
        with self._tracer.start(
            "POST", SpanKind.CLIENT, {"http.request.method": "POST", **server_attributes(url)}
        ) as span:
            reply = self._inner.post(url, body, {**headers, TRACEPARENT: span.place.header()})
            span.set("http.response.status_code", reply.status)
            if reply.status >= 400:
                span.fail(str(reply.status))
        return reply


class TracedReader:
    """Implements kontor.kernel.ports.HttpReader. Of the URL only host and port are recorded."""

    def __init__(self, inner: HttpReader, tracer: Tracer) -> None:
        self._inner = inner
        self._tracer = tracer

    def get(self, url: str, limit: int) -> HttpReply:
        """GET once. Raises Unreachable or Invalid(`forbidden_address`)."""
        attributes = {"http.request.method": "GET", **server_attributes(url)}
        with self._tracer.start("GET", SpanKind.CLIENT, attributes) as span:
            reply = self._inner.get(url, limit)
            span.set("http.response.status_code", reply.status)
            if reply.status >= 400:
                span.fail(str(reply.status))
        return reply


class TracedMail:
    """Implements kontor.kernel.ports.MailTransport. Records neither addresses nor message contents."""

    def __init__(self, inner: MailTransport, tracer: Tracer, server: SmtpAddress) -> None:
        self._inner = inner
        self._tracer = tracer
        self._attributes: Attributes = {
            "network.protocol.name": "smtp",
            "server.address": server.host,
            "server.port": server.port,
        }

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Deliver to one recipient in one transaction. Raises MailRefused or MailDeferred."""
        with self._tracer.start("SMTP send", SpanKind.CLIENT, self._attributes) as span:
            try:
                self._inner.send(envelope_from, recipient, raw)
            except (MailRefused, MailDeferred) as error:
                if error.smtp_code is not None:
                    span.set(SMTP_STATUS, error.smtp_code)
                raise
            span.set(SMTP_STATUS, ACCEPTED)

    def close(self) -> None:
        """Send QUIT and stop; further sends fail."""
        self._inner.close()


def server_attributes(url: str) -> Attributes:
    """Return the server attributes of a URL; none for an invalid one, which the inner sender refuses."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return NO_ATTRIBUTES
    return {"server.address": parts.hostname or "", "server.port": port, "url.scheme": parts.scheme}
