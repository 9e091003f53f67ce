"""Why an outgoing call failed: a fixed vocabulary for everyone but operators, who see the raw error."""

import re
from enum import StrEnum
from typing import Final


class FailureCause(StrEnum):
    """Why a call or a fetched image failed, as readers without technical knowledge are told."""

    REDIRECTED = "redirected"
    ACCESS_DENIED = "access_denied"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    NAME_UNKNOWN = "name_unknown"
    CONNECTION_REFUSED = "connection_refused"
    TLS_FAILED = "tls_failed"
    UNREACHABLE = "unreachable"
    ADDRESS_FORBIDDEN = "address_forbidden"
    ENDPOINT_DISABLED = "endpoint_disabled"
    NOT_AN_IMAGE = "not_an_image"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_DAMAGED = "image_damaged"
    OTHER = "other"


NOT_SENT_PREFIX: Final = "not sent: "
"""Prefix of the recorded error when no byte of a call can have arrived."""
DISABLED: Final = "the endpoint is disabled"
_STATUS: Final = re.compile(r"(?:answered|mail server \S+ said) (\d{3})\b")
_BY_STATUS: Final = {
    401: FailureCause.ACCESS_DENIED,
    403: FailureCause.ACCESS_DENIED,
    404: FailureCause.NOT_FOUND,
    410: FailureCause.NOT_FOUND,
    429: FailureCause.OVERLOADED,
}
_BY_CLASS: Final = {3: FailureCause.REDIRECTED, 4: FailureCause.REJECTED, 5: FailureCause.SERVER_ERROR}
_CONNECTION: Final = (
    (re.compile(r"\bssl\b|\btls\b|certificate", re.IGNORECASE), FailureCause.TLS_FAILED),
    (re.compile(r"cannot be resolved|has no address"), FailureCause.NAME_UNKNOWN),
    (re.compile(r"refused", re.IGNORECASE), FailureCause.CONNECTION_REFUSED),
)


def failure_cause(error: str) -> FailureCause:
    """Classify the recorded error of a failed call; `OTHER` for a text that no call leaves."""
    status = _STATUS.match(error)
    if status is not None:
        number = int(status[1])
        return _BY_STATUS.get(number) or _BY_CLASS.get(number // 100, FailureCause.OTHER)
    if error == DISABLED:
        return FailureCause.ENDPOINT_DISABLED
    if error.startswith("no answer from mail server "):
        return FailureCause.TIMED_OUT if "timed out" in error.lower() else _connection_cause(error)
    text = error.removeprefix(NOT_SENT_PREFIX)
    if text.startswith(("no answer in ", "no connection in ")):
        return FailureCause.TIMED_OUT
    if text.startswith(("no connection: ", "the connection broke: ")):
        return _connection_cause(text)
    return FailureCause.ADDRESS_FORBIDDEN if text != error else FailureCause.OTHER


def _connection_cause(text: str) -> FailureCause:
    return next((cause for pattern, cause in _CONNECTION if pattern.search(text)), FailureCause.UNREACHABLE)


def public_error(error: str) -> str:
    """Return what everyone but operators sees of a recorded error: `answered 403`, or its cause.

    Never what the other side answered, nor a text of a library (programme.md 3.6).
    """
    status = _STATUS.match(error)
    return f"answered {status[1]}" if status is not None else failure_cause(error).value


def job_error(error: str) -> str:
    """Return what staff without `operate` sees of a job's error: a failed call by its class, our own text as it is."""
    return error if failure_cause(error) is FailureCause.OTHER else public_error(error)
