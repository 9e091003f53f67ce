"""Outcomes of HTTP responses, and webhook secrets and events."""

from collections.abc import Callable

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.engine.handlers import RemoteUnavailable, Transient
from kontor.kernel.errors import Invalid, Unreachable
from kontor.kernel.paging import cursor_id, paginate
from kontor.kernel.ports import HttpReply, OutgoingCall
from kontor.webhooks.signing import format_secret, validate_events, validate_secret
from tasks.calls import definitely_not_received, send_or_raise

CALL = OutgoingCall("https://shop.example/", "id", b"{}", ())


class Saying:
    """A sender with a fixed response."""

    def __init__(self, answer: Callable[[], HttpReply]) -> None:
        self._answer = answer

    def send(self, call: OutgoingCall) -> HttpReply:
        """Return the response."""
        return self._answer()


def said(status: int, body: bytes = b"", **headers: str) -> str:
    reply = HttpReply(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)
    try:
        send_or_raise(Saying(lambda: reply), ManualClock(), CALL)
    except (RemoteUnavailable, Transient) as problem:
        wait = "" if problem.retry_in is None else f" in {problem.retry_in.total_seconds():g}"
        return f"{type(problem).__name__} {problem}{wait}"
    return "fine"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "fine"), (204, "fine"), (299, "fine")]
    + [(status, f"Transient answered {status}") for status in (301, 302, 307, 400, 401, 404, 408, 409, 410, 418)]
    + [(status, f"RemoteUnavailable answered {status}") for status in (429, 500, 502, 503, 504, 599)],
)
def test_status_means_success_down_or_refusal(status: int, outcome: str) -> None:
    assert said(status) == outcome


def test_retry_after_is_read_in_both_forms() -> None:
    assert said(503, retry_after="120") == "RemoteUnavailable answered 503 in 120"
    assert said(429, retry_after="Mon, 02 Mar 2026 12:01:00 GMT") == "RemoteUnavailable answered 429 in 60"
    assert said(404, retry_after="nonsense") == "Transient answered 404"


def test_error_quotes_the_start_of_the_response_without_control_characters() -> None:
    assert said(400, b"bad\r\n \x1b[31mred\x00 " + b"x" * 500) == f"Transient answered 400: bad [31mred {'x' * 188}"


def test_only_a_call_that_surely_did_not_arrive_counts_as_not_taken() -> None:
    def unreachable(**how: bool) -> HttpReply:
        raise Unreachable("no luck", **how)

    def forbidden() -> HttpReply:
        raise Invalid("forbidden_address", "private")

    outcomes = []
    for answer in (lambda: unreachable(sent=False), lambda: unreachable(timed_out=True), unreachable, forbidden):
        with pytest.raises((RemoteUnavailable, Transient)) as problem:
            send_or_raise(Saying(answer), ManualClock(), CALL)
        outcomes.append((type(problem.value), definitely_not_received(str(problem.value))))
    assert outcomes == [
        (RemoteUnavailable, True),
        (RemoteUnavailable, False),
        (RemoteUnavailable, False),
        (Transient, True),
    ]
    assert [definitely_not_received(f"answered {status}: x") for status in (302, 404, 429, 500, 503)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_secret_has_24_to_64_bytes() -> None:
    for size in (24, 32, 64):
        assert validate_secret(format_secret(b"x" * size))
        assert validate_secret(format_secret(b"x" * size).rstrip("="))
    for secret in (format_secret(b"x" * 23), format_secret(b"x" * 65), "x" * 40, "whsec_%%%%"):
        with pytest.raises(Invalid):
            validate_secret(secret)


def test_events_must_be_known_and_are_deduplicated() -> None:
    assert validate_events(["job.dead", "*", "job.dead"]) == ["job.dead", "*"]
    with pytest.raises(Invalid) as refusal:
        validate_events(["job.dead", "job.alive"])
    assert [error.loc for error in refusal.value.errors] == ["events.1"]


def test_last_page_has_no_next() -> None:
    assert paginate([1, 2, 3], 2, str).next == "2"
    assert paginate([1, 2], 2, str).next is None
    assert paginate([], 2, str).items == ()
    assert cursor_id(None) is None
