"""Live page fragments over server-sent events, from the page's own URL."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

EVERY_SECONDS: Final = 2.0
SHARE: Final = 20
"""Rendering takes at most one twentieth of the time."""

LIFE_SECONDS: Final = 30.0
"""Length of a stream; the browser then reconnects, so that a stopping process is not kept waiting."""

Parts = Mapping[str, str] | None
MEDIA: Final = "text/event-stream"


def requested(accept: str) -> bool:
    """Return whether the browser asks for a stream instead of a page."""
    return MEDIA in accept


def stream(http_request: Request, threads: Executor, draw: Callable[[], Parts]) -> Response:
    """Stream each fragment when it changes. `draw` runs in a thread and authorizes the viewer each time."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(_events(http_request, threads, draw), media_type=MEDIA, headers=headers)


async def _events(http_request: Request, threads: Executor, draw: Callable[[], Parts]) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    end, sent = loop.time() + LIFE_SECONDS, dict[str, str]()
    yield "retry: 1000\n\n"
    while loop.time() < end and not await http_request.is_disconnected():
        began = loop.time()
        parts = await loop.run_in_executor(threads, draw)
        if parts is None:
            yield "event: over\ndata: \n\n"
            return
        for name, html in parts.items():
            if sent.get(name) != html:
                sent[name] = html
                yield f"event: part\ndata: {json.dumps({'name': name, 'html': html})}\n\n"
        yield ": here\n\n"
        await asyncio.sleep(max(EVERY_SECONDS, SHARE * (loop.time() - began)))
