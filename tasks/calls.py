"""Maps the response to an outgoing call to the outcome of its job (programme.md 5.4)."""

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
    """Make the call; return a 2xx response or one with a status in `also`.

    Raises Down (refused, time-out, 5xx, 429) and Transient (redirects, other 4xx).
    """
    try:
        reply = sender.send(call)
    except Unreachable as error:
        raise Down(error.message if error.sent else NOT_SENT + error.message) from error
    except Invalid as error:
        raise Transient(NOT_SENT + error.message) from error
    if 200 <= reply.status < 300 or reply.status in also:
        return reply
    message = describe(reply)
    wait = parse_retry_after(reply.headers.get("retry-after"), clock.real())
    if reply.status >= 500 or reply.status == TOO_MANY:
        raise Down(message, retry_in=wait)
    raise Transient(message, retry_in=wait)


def describe(reply: HttpReply) -> str:
    """Describe a response as `answered 400: first words of the body`."""
    words = " ".join(reply.body[: 4 * EXCERPT].decode("utf-8", "replace").split())
    text = "".join(char for char in words if char.isprintable())[:EXCERPT]
    return f"answered {reply.status}: {text}" if text else f"answered {reply.status}"


def surely_not_taken(error: str) -> bool:
    """Return whether the call with this error was never sent, or was rejected by the remote side."""
    return error.startswith((NOT_SENT, "answered 3", "answered 4"))
