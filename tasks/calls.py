"""What an answer of the other side means for the job that called it (programme.md 5.4)."""

from __future__ import annotations

from typing import Final

from domain.calling import NOT_SENT, Call, CallSender
from domain.errors import Invalid, Unreachable
from domain.ports import Clock, HttpReply
from domain.retry import parse_retry_after
from engine.outcomes import Down, Transient

TOO_MANY: Final = 429
EXCERPT: Final = 200


def say(sender: CallSender, clock: Clock, call: Call, *also: int) -> HttpReply:
    """Make the call; return an answer of 2xx or one of the statuses in `also`.

    Raises Down (refused, time-out, 5xx, 429) and Transient (redirects, other 4xx).
    """
    try:
        reply = sender.send(call)
    except Unreachable as lost:
        raise Down(lost.message if lost.sent else NOT_SENT + lost.message) from lost
    except Invalid as forbidden:
        raise Transient(NOT_SENT + forbidden.message) from forbidden
    if 200 <= reply.status < 300 or reply.status in also:
        return reply
    message = describe(reply)
    wait = parse_retry_after(reply.headers.get("retry-after"), clock.real())
    if reply.status >= 500 or reply.status == TOO_MANY:
        raise Down(message, retry_in=wait)
    raise Transient(message, retry_in=wait)


def describe(reply: HttpReply) -> str:
    """`answered 400: the first words of the body`."""
    words = " ".join(reply.body[: 4 * EXCERPT].decode("utf-8", "replace").split())
    text = "".join(char for char in words if char.isprintable())[:EXCERPT]
    return f"answered {reply.status}: {text}" if text else f"answered {reply.status}"


def surely_not_taken(error: str) -> bool:
    """Whether a failed call cannot have arrived, or was turned down by the other side."""
    return error.startswith((NOT_SENT, "answered 3", "answered 4"))
