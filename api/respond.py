"""Conversion of results to HTTP responses."""

from typing import Final

from starlette.responses import Response, StreamingResponse

from api.answers import Answer

TRACE: Final = "X-Trace-Id"


def respond(answer: Answer, trace_id: str) -> Response:
    """Build the HTTP response, marked as not cacheable."""
    headers = {"Cache-Control": "no-store", TRACE: trace_id, **answer.headers}
    media = headers.pop("Content-Type", answer.media)
    if answer.chunks is not None:
        return StreamingResponse(answer.chunks, answer.status, headers, media)
    return Response(answer.body, answer.status, headers, media)
