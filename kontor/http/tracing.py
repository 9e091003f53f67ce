"""Tracing middleware: one span per request. Installed only when tracing is on."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kontor.kernel.tracing import TRACEPARENT, Span, SpanKind, Tracer, parse_traceparent

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET: Final = ("/healthz", "/readyz", "/metrics", "/console/static/")
STREAM: Final = "text/event-stream"


class TracingMiddleware:
    """Opens a span per request and replaces the `traceparent` header by the span's own context.

    Records method, route and status, but no paths: those of the public pages contain tokens.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or is_quiet(scope):
            await self._app(scope, receive, send)
            return
        standard = scope["method"] in METHODS
        name, method = (scope["method"], scope["method"]) if standard else ("HTTP", "_OTHER")
        attributes = {"http.request.method": method, "url.scheme": scope.get("scheme", "http")}
        caller = parse_traceparent(Headers(scope=scope).get(TRACEPARENT, ""))
        with self._tracer.start(name, SpanKind.SERVER, attributes, under=caller) as span, self._tracer.within(span):
            await self._run(span, name, scope, receive, send)

    async def _run(self, span: Span, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        others = [header for header in scope["headers"] if header[0] != TRACEPARENT.encode()]
        scope["headers"] = [*others, (TRACEPARENT.encode(), span.place.header().encode())]
        status = 500

        async def record_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, record_status)
        finally:
            conclude(span, name, getattr(scope.get("route"), "path", None), status)


def is_quiet(scope: Scope) -> bool:
    """Return whether to skip a request: frequent probes and long streams would drown the rest."""
    return scope["path"].startswith(QUIET) or STREAM in Headers(scope=scope).get("accept", "")


def conclude(span: Span, name: str, route: str | None, status: int) -> None:
    """Set route and status of the span."""
    if route is not None:
        span.set("http.route", route)
        span.rename(f"{name} {route}")
    span.set("http.response.status_code", status)
    if status >= 500:
        span.fail(str(status))
