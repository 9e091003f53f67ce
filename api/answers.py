"""What an endpoint answers, before it becomes an HTTP response."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.orm import Session

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Wait:
    """Hold the answer until something is over, at most `seconds` (real); then render it anew.

    What is waited for is the end of a job, or else that `over` says so.
    """

    seconds: float
    render: Callable[[Session], "Answer"]
    job_id: UUID | None = None
    over: Callable[[Session], bool] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Body, status and headers; or a stream of chunks, made after the transaction was committed."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON
    wait: Wait | None = None
    chunks: Iterator[bytes] | None = None

    @classmethod
    def of(
        cls,
        document: BaseModel,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        wait: Wait | None = None,
    ) -> "Answer":
        """A document as JSON."""
        return cls(document.model_dump_json(by_alias=True).encode(), status, headers or {}, wait=wait)
