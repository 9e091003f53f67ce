"""Outgoing HTTP and SMTP as spans: wrapped around the real adapters where tracing is on."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from adapters.smtp_address import SmtpAddress
from domain.mailing import MailDeferred, MailRefused, MailTransport
from domain.ports import HttpReply, HttpSender
from domain.tracing import HEADER, NOTHING, Attributes, SpanKind, Tracer

PORTS: Final = {"https": 443, "http": 80}
REPLY: Final = "smtp.response.status_code"
"""There is no convention for SMTP: named after HTTP's."""
ACCEPTED: Final = 250


class TracedHttp:
    """Obeys domain.ports.HttpSender: the other side learns its place in the trace by `traceparent`.

    Of the URL only host and port are told: paths and queries hold tokens.
    """

    def __init__(self, inner: HttpSender, tracer: Tracer) -> None:
        self._inner = inner
        self._tracer = tracer

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """POST once. Raises Unreachable or Invalid(`forbidden_address`)."""
        with self._tracer.start("POST", SpanKind.CLIENT, {"http.request.method": "POST", **receiver(url)}) as span:
            reply = self._inner.post(url, body, {**headers, HEADER: span.place.header()})
            span.set("http.response.status_code", reply.status)
            if reply.status >= 400:
                span.fail(str(reply.status))
        return reply


class TracedMail:
    """Obeys domain.mailing.MailTransport. Tells no address and nothing of the message."""

    def __init__(self, inner: MailTransport, tracer: Tracer, server: SmtpAddress) -> None:
        self._inner = inner
        self._tracer = tracer
        self._about: Attributes = {
            "network.protocol.name": "smtp",
            "server.address": server.host,
            "server.port": server.port,
        }

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Deliver to one recipient in one transaction. Raises MailRefused or MailDeferred."""
        with self._tracer.start("SMTP send", SpanKind.CLIENT, self._about) as span:
            try:
                self._inner.send(envelope_from, recipient, raw)
            except (MailRefused, MailDeferred) as no:
                if no.smtp_code is not None:
                    span.set(REPLY, no.smtp_code)
                raise
            span.set(REPLY, ACCEPTED)

    def close(self) -> None:
        """Say goodbye to the server and stop; further sends fail."""
        self._inner.close()


def receiver(url: str) -> Attributes:
    """Who is called; nothing for what is no address, which is the inner sender's to refuse."""
    try:
        to = urlsplit(url)
        port = to.port or PORTS.get(to.scheme, 0)
    except ValueError:
        return NOTHING
    return {"server.address": to.hostname or "", "server.port": port, "url.scheme": to.scheme}
