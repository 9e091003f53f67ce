"""The last step: an answer becomes an HTTP response."""

from typing import Final

from starlette.responses import Response, StreamingResponse

from api.answers import Answer

TRACE: Final = "X-Trace-Id"


def respond(answer: Answer, trace_id: str) -> Response:
    """Build the response; API answers are never stored by anybody between."""
    headers = {"Cache-Control": "no-store", TRACE: trace_id, **answer.headers}
    media = headers.pop("Content-Type", answer.media)
    if answer.chunks is not None:
        return StreamingResponse(answer.chunks, answer.status, headers, media)
    return Response(answer.body, answer.status, headers, media)
