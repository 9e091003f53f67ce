"""Spans of outgoing HTTP and SMTP: their attributes, without private data."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from kontor.adapters.fakes import FakeHttp, FakeMailTransport, http_reply, refused
from kontor.adapters.smtp_pool import smtp_address
from kontor.adapters.traced_clients import TracedHttp, TracedMail
from kontor.kernel.errors import Invalid, Unreachable
from kontor.kernel.ports import HttpReply, MailDeferred, MailRefused
from kontor.kernel.tracing import TRACEPARENT
from tests.support.spans import SpanRecorder, span_context

URL = "https://customer.example:8443/hook/capability-token?key=secret"
MAIL = ("bounce@kontor.example", "ann@customer.example", b"Subject: private\r\n\r\nwords")


@pytest.fixture
def spans() -> SpanRecorder:
    return SpanRecorder()


def words(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_call_passes_its_trace_context_to_the_receiver(spans: SpanRecorder) -> None:
    http = FakeHttp()
    reply = TracedHttp(http, spans.tracer).post(URL, b"body", {"webhook-id": "msg_1"})
    span = spans.single("POST")
    assert reply.status == 204
    assert http.posted[0].headers == {"webhook-id": "msg_1", TRACEPARENT: span_context(span).header()}
    assert words(span) == {
        "http.request.method": "POST",
        "server.address": "customer.example",
        "server.port": 8443,
        "url.scheme": "https",
        "http.response.status_code": 204,
    }
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    ("answer", "kind"), [(http_reply(503), "503"), (http_reply(404), "404"), (refused(), "Unreachable")]
)
def test_failed_call_records_its_error_type(spans: SpanRecorder, answer: HttpReply | Unreachable, kind: str) -> None:
    http = FakeHttp()
    http.queue_replies(answer)
    sender = TracedHttp(http, spans.tracer)
    if isinstance(answer, Unreachable):
        with pytest.raises(Unreachable):
            sender.post(URL, b"", {})
    else:
        assert sender.post(URL, b"", {}) == answer
    assert words(spans.single("POST"))["error.type"] == kind
    assert spans.single("POST").status.status_code is StatusCode.ERROR


def test_invalid_address_is_refused_by_the_wrapped_sender(spans: SpanRecorder) -> None:
    class Strict(FakeHttp):
        def post(self, url: str, body: bytes, headers: object) -> HttpReply:
            raise Invalid("forbidden_address", url)

    with pytest.raises(Invalid):
        TracedHttp(Strict(), spans.tracer).post("https://customer.example:port/", b"", {})
    assert words(spans.single("POST")) == {"http.request.method": "POST", "error.type": "Invalid"}


def test_mail_span_has_the_server_reply_and_no_address(spans: SpanRecorder) -> None:
    inner = FakeMailTransport()
    TracedMail(inner, spans.tracer, smtp_address("smtp://user:password@mail.example:2525")).send(*MAIL)
    assert [sent.recipient for sent in inner.sent] == [MAIL[1]]
    assert words(spans.single("SMTP send")) == {
        "network.protocol.name": "smtp",
        "server.address": "mail.example",
        "server.port": 2525,
        "smtp.response.status_code": 250,
    }


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MailRefused("mailbox ann@customer.example is full", smtp_code=552), {"smtp.response.status_code": 552}),
        (MailDeferred("no answer"), {}),
    ],
)
def test_failed_mail_span_has_the_error(
    spans: SpanRecorder, error: MailRefused | MailDeferred, said: dict[str, int]
) -> None:
    inner = FakeMailTransport({MAIL[1]: error})
    with pytest.raises(type(error)):
        TracedMail(inner, spans.tracer, smtp_address("smtp://mail.example")).send(*MAIL)
    span = spans.single("SMTP send")
    assert words(span).items() >= {"error.type": type(error).__name__, **said}.items()
    assert "ann@" not in span.to_json()
