"""Outcomes of HTTP responses, and webhook secrets and events."""

from collections.abc import Callable

import pytest

from adapters.clock_fakes import ManualClock
from domain.calling import Call
from domain.errors import Invalid, Unreachable
from domain.paging import cursor_id, cut
from domain.ports import HttpReply
from domain.webhooks import checked_events, checked_secret, written_secret
from engine.outcomes import Down, Transient
from tasks.calls import say, surely_not_taken

CALL = Call("https://shop.example/", "id", b"{}", ())


class Saying:
    """A sender with a fixed response."""

    def __init__(self, answer: Callable[[], HttpReply]) -> None:
        self._answer = answer

    def send(self, call: Call) -> HttpReply:
        """Return the response."""
        return self._answer()


def said(status: int, body: bytes = b"", **headers: str) -> str:
    reply = HttpReply(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)
    try:
        say(Saying(lambda: reply), ManualClock(), CALL)
    except (Down, Transient) as problem:
        wait = "" if problem.retry_in is None else f" in {problem.retry_in.total_seconds():g}"
        return f"{type(problem).__name__} {problem}{wait}"
    return "fine"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "fine"), (204, "fine"), (299, "fine")]
    + [(status, f"Transient answered {status}") for status in (301, 302, 307, 400, 401, 404, 408, 409, 410, 418)]
    + [(status, f"Down answered {status}") for status in (429, 500, 502, 503, 504, 599)],
)
def test_status_means_success_down_or_refusal(status: int, outcome: str) -> None:
    assert said(status) == outcome


def test_retry_after_is_read_in_both_forms() -> None:
    assert said(503, retry_after="120") == "Down answered 503 in 120"
    assert said(429, retry_after="Mon, 02 Mar 2026 12:01:00 GMT") == "Down answered 429 in 60"
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
        with pytest.raises((Down, Transient)) as problem:
            say(Saying(answer), ManualClock(), CALL)
        outcomes.append((type(problem.value), surely_not_taken(str(problem.value))))
    assert outcomes == [(Down, True), (Down, False), (Down, False), (Transient, True)]
    assert [surely_not_taken(f"answered {status}: x") for status in (302, 404, 429, 500, 503)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_secret_has_24_to_64_bytes() -> None:
    for size in (24, 32, 64):
        assert checked_secret(written_secret(b"x" * size))
        assert checked_secret(written_secret(b"x" * size).rstrip("="))
    for secret in (written_secret(b"x" * 23), written_secret(b"x" * 65), "x" * 40, "whsec_%%%%"):
        with pytest.raises(Invalid):
            checked_secret(secret)


def test_events_must_be_known_and_are_deduplicated() -> None:
    assert checked_events(["job.dead", "*", "job.dead"]) == ["job.dead", "*"]
    with pytest.raises(Invalid) as refusal:
        checked_events(["job.dead", "job.alive"])
    assert [error.loc for error in refusal.value.errors] == ["events.1"]


def test_last_page_has_no_next() -> None:
    assert cut([1, 2, 3], 2, str).next == "2"
    assert cut([1, 2], 2, str).next is None
    assert cut([], 2, str).items == ()
    assert cursor_id(None) is None
