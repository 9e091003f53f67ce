"""Maps the response to an outgoing call to the outcome of its job (programme.md 5.4)."""

from __future__ import annotations

from typing import Final

from kontor.engine.handlers import RemoteUnavailable, Transient
from kontor.engine.retry import parse_retry_after
from kontor.kernel.errors import Invalid, Unreachable
from kontor.kernel.failure_causes import NOT_SENT_PREFIX
from kontor.kernel.ports import CallSender, Clock, HttpReply, OutgoingCall

TOO_MANY: Final = 429
EXCERPT: Final = 200


def send_or_raise(sender: CallSender, clock: Clock, call: OutgoingCall, *also: int) -> HttpReply:
    """Make the call; return a 2xx response or one with a status in `also`.

    Raises Down (refused, time-out, 5xx, 429) and Transient (redirects, other 4xx).
    """
    try:
        reply = sender.send(call)
    except Unreachable as error:
        raise RemoteUnavailable(error.message if error.sent else NOT_SENT_PREFIX + error.message) from error
    except Invalid as error:
        raise Transient(NOT_SENT_PREFIX + error.message) from error
    if 200 <= reply.status < 300 or reply.status in also:
        return reply
    message = describe_reply(reply)
    wait = parse_retry_after(reply.headers.get("retry-after"), clock.wall_time())
    if reply.status >= 500 or reply.status == TOO_MANY:
        raise RemoteUnavailable(message, retry_in=wait)
    raise Transient(message, retry_in=wait)


def describe_reply(reply: HttpReply) -> str:
    """Describe a response as `answered 400: first words of the body`."""
    words = " ".join(reply.body[: 4 * EXCERPT].decode("utf-8", "replace").split())
    text = "".join(char for char in words if char.isprintable())[:EXCERPT]
    return f"answered {reply.status}: {text}" if text else f"answered {reply.status}"


def definitely_not_received(error: str) -> bool:
    """Return whether the call with this error was never sent, or was rejected by the remote side."""
    return error.startswith((NOT_SENT_PREFIX, "answered 3", "answered 4"))
