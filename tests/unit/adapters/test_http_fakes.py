"""The fake HTTP network and the signature of calls."""

import base64
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from kontor.adapters.clock import SystemClock
from kontor.adapters.fakes import FakeHttp, ManualClock, http_reply, refused, timed_out
from kontor.adapters.http import SignedCalls
from kontor.kernel.errors import Unreachable
from kontor.kernel.ports import OutgoingCall
from kontor.webhooks.signing import format_secret, message_body

OLD, NEW, OTHER = (format_secret(bytes([n]) * 32) for n in (1, 2, 3))


def send(http: FakeHttp, *secrets: str) -> None:
    body = message_body("offer.delivered", datetime(2026, 3, 10, tzinfo=UTC), {"message": "Grüße\r\n<b>"})
    SignedCalls(http, SystemClock()).send(OutgoingCall("https://shop.example/", "offer_1_delivered", body, secrets))


def test_receiver_accepts_the_message_with_either_secret() -> None:
    http = FakeHttp()
    send(http, NEW, OLD)
    [posted] = http.posted
    for secret in (OLD, NEW):
        data = Webhook(secret).verify(posted.body, dict(posted.headers))
        assert data["data"] == {"message": "Grüße\r\n<b>"}
    assert posted.headers["webhook-signature"].count("v1,") == 2


def test_receiver_rejects_another_secret_or_a_changed_body() -> None:
    http = FakeHttp()
    send(http, NEW)
    [posted] = http.posted
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(posted.body, dict(posted.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(posted.body.replace(b"b>", b"i>"), dict(posted.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(posted.body, dict(posted.headers) | {"webhook-id": "offer_2_delivered"})


class AheadClock(ManualClock):
    """A test clock: programme time is years ahead of real time."""

    def now(self) -> datetime:
        return datetime(2036, 1, 1, tzinfo=UTC)


def test_call_has_a_timestamp_of_real_time_under_a_test_clock() -> None:
    http, clock = FakeHttp(), AheadClock()
    SignedCalls(http, clock).send(OutgoingCall("https://shop.example/", "offer_1_delivered", b"{}", (NEW,)))
    assert http.posted[0].headers["webhook-timestamp"] == str(int(clock.wall_time().timestamp()))


def test_refused_connection_records_no_call_and_a_timeout_does() -> None:
    http = FakeHttp()
    http.queue_replies(refused(), timed_out(), http_reply(503, retry_after="5"))
    for _ in range(2):
        with pytest.raises(Unreachable):
            send(http, NEW)
    send(http, NEW)
    assert len(http.posted) == 2


def test_repr_of_a_call_hides_its_secrets() -> None:
    call = OutgoingCall("https://shop.example/", "id", b"{}", (NEW,))
    assert base64.b64encode(bytes([2]) * 12).decode()[:12] not in repr(call)


def test_body_has_three_members_and_utc_times() -> None:
    body = message_body(
        "trial.ended", datetime(2026, 3, 10, 12, 30, tzinfo=UTC), {"at": datetime(2026, 1, 1, tzinfo=UTC)}
    )
    assert json.loads(body) == {
        "type": "trial.ended",
        "timestamp": "2026-03-10T12:30:00Z",
        "data": {"at": "2026-01-01T00:00:00Z"},
    }
