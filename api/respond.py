"""Conversion of results to HTTP responses."""

from typing import Final

from starlette.responses import Response, StreamingResponse

from api.answers import ApiResponse

TRACE: Final = "X-Trace-Id"


def respond(response: ApiResponse, trace_id: str) -> Response:
    """Build the HTTP response, marked as not cacheable."""
    headers = {"Cache-Control": "no-store", TRACE: trace_id, **response.headers}
    media = headers.pop("Content-Type", response.media)
    if response.chunks is not None:
        return StreamingResponse(response.chunks, response.status, headers, media)
    return Response(response.body, response.status, headers, media)
