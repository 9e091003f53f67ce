"""Expected failures of use cases: a small tree of errors that carry data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error in one field; `loc` is a dotted path such as `lines.0.count`."""

    loc: str
    msg: str


class KontorError(Exception):
    """Base of all expected failures: a stable `code` of the contract, a message, and data."""

    def __init__(self, code: str, message: str, **data: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data: Mapping[str, object] = data

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.message!r}, {dict(self.data)!r})"


class NotFound(KontorError):
    """The object does not exist, or the caller may not see it (404)."""

    def __init__(self, code: str = "not_found", message: str = "Not found.", **data: object) -> None:
        super().__init__(code, message, **data)


class Forbidden(KontorError):
    """The caller may see the object but may not do this (403)."""

    def __init__(
        self,
        code: str = "forbidden",
        message: str = "This key is not allowed to do that.",
        **data: object,
    ) -> None:
        super().__init__(code, message, **data)


class Conflict(KontorError):
    """The object's current state does not allow this (409); `state` is that state."""

    def __init__(self, code: str, message: str, *, state: str | None = None, **data: object) -> None:
        if state is not None:
            data["state"] = state
        super().__init__(code, message, **data)
        self.state = state


class Busy(Conflict):
    """Another transaction holds what this one needs: a lock that did not become free, or a lasting deadlock (409)."""

    def __init__(self) -> None:
        super().__init__("busy", "Another request is changing the same data. Try again.")


class Invalid(KontorError):
    """The request is well-formed but invalid (422); `errors` names the fields."""

    def __init__(
        self,
        code: str = "invalid",
        message: str = "The request is not valid.",
        *,
        errors: Iterable[FieldError] = (),
        **data: object,
    ) -> None:
        super().__init__(code, message, **data)
        self.errors = tuple(errors)


class TooManyAttempts(KontorError):
    """Too many failed attempts (429); `retry_after` is the remaining lock time."""

    def __init__(
        self,
        retry_after: timedelta,
        code: str = "locked",
        message: str = "Too many attempts; try again later.",
        **data: object,
    ) -> None:
        super().__init__(code, message, **data)
        self.retry_after = retry_after

    @property
    def retry_after_seconds(self) -> int:
        """Whole seconds for a `Retry-After` header, rounded up, at least 1."""
        return max(1, -(-self.retry_after // timedelta(seconds=1)))


class Gone(KontorError):
    """The object existed but is no longer valid (410)."""

    def __init__(self, code: str = "gone", message: str = "This is no longer valid.", **data: object) -> None:
        super().__init__(code, message, **data)


class Unreachable(KontorError):
    """The remote side did not answer: refused, reset, unresolvable or timed out.

    `sent`: False when no byte of the request can have arrived.
    """

    def __init__(self, message: str, *, timed_out: bool = False, sent: bool = True) -> None:
        super().__init__("timed_out" if timed_out else "unreachable", message)
        self.timed_out = timed_out
        self.sent = sent
