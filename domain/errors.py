"""What can go wrong in a use case, as a small tree of errors that carry data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class FieldError:
    """One complaint about one field; `loc` is a dotted path such as `lines.0.count`."""

    loc: str
    msg: str


class KontorError(Exception):
    """Base of all expected failures: a stable `code` of the contract, a sentence, and data."""

    def __init__(self, code: str, message: str, **data: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data: Mapping[str, object] = data

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.message!r}, {dict(self.data)!r})"


class NotFound(KontorError):
    """There is no such thing, or it is not the caller's to see (404)."""

    def __init__(self, code: str = "not_found", message: str = "Not found.", **data: object) -> None:
        super().__init__(code, message, **data)


class Forbidden(KontorError):
    """The caller may see it but not do this to it (403)."""

    def __init__(
        self,
        code: str = "forbidden",
        message: str = "This key may not do that.",
        **data: object,
    ) -> None:
        super().__init__(code, message, **data)


class Conflict(KontorError):
    """The thing is not in a state that allows it (409); `state` names the one that was met."""

    def __init__(self, code: str, message: str, *, state: str | None = None, **data: object) -> None:
        if state is not None:
            data["state"] = state
        super().__init__(code, message, **data)
        self.state = state


class Invalid(KontorError):
    """The request can be read but not meant (422); `errors` names the fields."""

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


class Locked(KontorError):
    """The door is shut for a while (429); `retry_after` is how long, rounded up to seconds."""

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
        """Whole seconds for a `Retry-After` header, at least 1."""
        return max(1, -(-self.retry_after // timedelta(seconds=1)))


class Gone(KontorError):
    """It existed and is of no use any more (410)."""

    def __init__(self, code: str = "gone", message: str = "This is no longer valid.", **data: object) -> None:
        super().__init__(code, message, **data)


class Unreachable(KontorError):
    """No answer came from the other side: refused, reset, unresolvable or timed out.

    `sent` is False when no byte of the request can have arrived.
    """

    def __init__(self, message: str, *, timed_out: bool = False, sent: bool = True) -> None:
        super().__init__("timed_out" if timed_out else "unreachable", message)
        self.timed_out = timed_out
        self.sent = sent
