"""Responses: results, RFC 9457 problem documents, and their headers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from kontor.http.problems import headers_of, status_of
from kontor.http.visibility import ResponseView
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Invalid, KontorError
from kontor.kernel.field_errors import MANY_ERRORS, MOST_ERRORS, field_errors
from kontor.kernel.limits import LimitReached

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class LongPoll:
    """Delay the response by at most `seconds` of wall time, then render it again.

    Waits for the end of the job `job_id`, until `done` returns True, or until jobs of pull types `tasks` are there, of
    a `tenant` if it is set, and the response is not to be rendered `again`.
    """

    seconds: float
    render: Callable[[Session], "ApiResponse"]
    job_id: UUID | None = None
    done: Callable[[Session], bool] | None = None
    tasks: tuple[str, ...] | None = None
    tenant: str | None = None

    def rendered(self, view: ResponseView) -> "LongPoll":
        """Return the same, whose last response is rendered for its viewer."""

        def render(session: Session) -> ApiResponse:
            return self.render(session).rendered(replace(view, connection=psycopg_connection(session)))

        return replace(self, render=render)


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """Body, status and headers; or a stream of chunks, produced after the commit. `limit`: the one that refused it.

    `document` becomes the body when it is rendered for its viewer. `masked`: members that a stored copy does not have.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON
    wait: LongPoll | None = None
    chunks: Iterator[bytes] | None = None
    limit: str | None = None
    document: BaseModel | None = None
    again: bool = False
    masked: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        document: BaseModel,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        wait: LongPoll | None = None,
    ) -> "ApiResponse":
        """Answer with a model as JSON, once it is rendered."""
        return cls(b"", status, headers or {}, wait=wait, document=document)

    def rendered(self, view: ResponseView) -> "ApiResponse":
        """Serialise the document as its viewer may see it, and what a long poll renders in the end."""
        body = self.body if self.document is None else view.serialize(self.document)
        wait = None if self.wait is None else self.wait.rendered(view)
        return replace(self, body=body, document=None, wait=wait)


TRACE: Final = "X-Trace-Id"


def respond(response: ApiResponse, trace_id: str) -> Response:
    """Build the HTTP response, marked as not cacheable."""
    headers = {"Cache-Control": "no-store", TRACE: trace_id, **response.headers}
    media = headers.pop("Content-Type", response.media)
    if response.chunks is not None:
        return StreamingResponse(response.chunks, response.status, headers, media)
    return Response(response.body, response.status, headers, media)


MEDIA: Final = "application/problem+json"
PUBLIC_CODES: Final = frozenset({"invalid_amount", "invalid_args"})


def problem(error: KontorError, trace_id: str) -> ApiResponse:
    """Build the response for an error."""
    status = status_of(error)
    members = head(status, error.code, error.message, trace_id)
    document: dict[str, object] = {**members, **error.data, **members}
    if isinstance(error, Invalid) and error.errors:
        document["errors"] = [{"loc": field.loc, "msg": field.msg} for field in error.errors[:MOST_ERRORS]]
    limit = error.limit.name if isinstance(error, LimitReached) else None
    return ApiResponse(to_json(document), status, headers_of(error), MEDIA, limit=limit)


def head(status: int, code: str, detail: str, trace_id: str) -> dict[str, object]:
    """Return the members of every problem document."""
    title = HTTPStatus(status).phrase
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "trace_id": trace_id,
    }


def invalid(problem: ValidationError, *, prefix: str = "") -> Invalid:
    """Convert a Pydantic error."""
    code = "invalid"
    if problem.error_count() <= MANY_ERRORS:
        details = problem.errors(include_url=False, include_input=False, include_context=False)
        code = next((detail["type"] for detail in details if detail["type"] in PUBLIC_CODES), code)
    errors = field_errors(problem, *([prefix] if prefix else []))
    return Invalid(code, "The request is not valid.", errors=errors)
