"""Endpoint results before they become HTTP responses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.orm import Session

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class LongPoll:
    """Delay the response by at most `seconds` of wall time, then render it again.

    Waits for the end of the job `job_id`, or until `over` returns True.
    """

    seconds: float
    render: Callable[[Session], "ApiResponse"]
    job_id: UUID | None = None
    done: Callable[[Session], bool] | None = None


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """Body, status and headers; or a stream of chunks, produced after the commit."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON
    wait: LongPoll | None = None
    chunks: Iterator[bytes] | None = None

    @classmethod
    def of(
        cls,
        document: BaseModel,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        wait: LongPoll | None = None,
    ) -> "ApiResponse":
        """Serialise a model as JSON."""
        return cls(document.model_dump_json(by_alias=True).encode(), status, headers or {}, wait=wait)
