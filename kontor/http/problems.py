"""The one mapping of expected failures to status and headers; the API renders a problem, the others a page."""

from collections.abc import Mapping
from typing import Final

import psycopg
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kontor.kernel.errors import Busy, Conflict, Forbidden, Gone, Invalid, KontorError, NotFound, TooManyAttempts
from kontor.kernel.limits import LimitReached

DB_UNAVAILABLE: Final = (OperationalError, PoolTimeout, psycopg.OperationalError)
"""Raised when the database does not respond in time."""


class Unauthorized(KontorError):
    """The caller is not authenticated (401): no valid API key, or no session in the console."""

    def __init__(
        self, code: str = "unauthorized", message: str = "Send a valid API key: Authorization: Bearer <key>."
    ) -> None:
        super().__init__(code, message)


class TooLarge(KontorError):
    """The request body is too large (413)."""

    def __init__(self, limit: int) -> None:
        super().__init__("too_large", f"The request body exceeds {limit} bytes.", limit=limit)


class UnsupportedEncoding(KontorError):
    """The request body has an encoding that is not read (415)."""

    def __init__(self) -> None:
        super().__init__("unsupported_encoding", "Send the body as it is, or with Content-Encoding: gzip.")


class PreconditionFailed(KontorError):
    """The resource is not, or no longer, the one that If-Match names (412)."""

    def __init__(self) -> None:
        message = "The resource has changed: read it again, and send its ETag in If-Match."
        super().__init__("precondition_failed", message)


class TooSlow(KontorError):
    """The request body does not arrive in time (408)."""

    def __init__(self) -> None:
        super().__init__("request_timeout", "The request body did not arrive in time. Send it again.")


class OutOfRange(Invalid):
    """The request contains a value that PostgreSQL cannot hold (422)."""

    def __init__(self) -> None:
        super().__init__(message="A value is out of the range that the database can hold.")


class Unavailable(KontorError):
    """The database does not respond, or accepts no writes for a while (503)."""

    def __init__(self, message: str = "The database does not respond. Try again.") -> None:
        super().__init__("unavailable", message)


STATUS: Final[tuple[tuple[type[KontorError], int], ...]] = (
    (Unauthorized, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Gone, 410),
    (PreconditionFailed, 412),
    (TooLarge, 413),
    (UnsupportedEncoding, 415),
    (TooSlow, 408),
    (Invalid, 422),
    (TooManyAttempts, 429),
    (Unavailable, 503),
)


def status_of(error: KontorError) -> int:
    """Return the HTTP status of an error; 500 for an unknown one."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def headers_of(error: KontorError) -> Mapping[str, str]:
    """Return the headers that a response to an error carries, whatever its body."""
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, LimitReached):
        return limit_headers(error)
    if isinstance(error, TooManyAttempts):
        return {"Retry-After": str(error.retry_after_seconds)}
    if isinstance(error, Unavailable | Busy):
        return {"Retry-After": "1"}
    return {}


def limit_headers(error: LimitReached) -> Mapping[str, str]:
    """Return when to try again, and the limit: the fields of draft-ietf-httpapi-ratelimit-headers, and those before."""
    seconds, limit = error.retry_after_seconds, error.limit
    window = "" if limit.window is None else f";w={int(limit.window.total_seconds())}"
    return {
        "Retry-After": str(seconds),
        "RateLimit-Policy": f'"{limit.name}";q={error.allowed}{window}',
        "RateLimit": f'"{limit.name}";r=0;t={seconds}',
        "RateLimit-Limit": str(error.allowed),
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": str(seconds),
    }
