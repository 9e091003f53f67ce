"""The outermost layer of the application: hosts, headers of every answer, errors that nothing else expected."""

from typing import Final
from uuid import UUID

import structlog
from pydantic_core import to_json
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kontor.http.hosts import NOWHERE, DomainOwners, Hosts, Surface, is_local, is_served
from kontor.http.incoming import trace_of
from kontor.http.problems import Unavailable
from kontor.http.responses import MEDIA, ApiResponse, head, respond
from kontor.kernel.edge import DEFENCES, HSTS

HEALTH: Final = frozenset({"/healthz", "/readyz"})
TLS_ALLOWED: Final = "/internal/tls-allowed"
SURFACES: Final = "kontor.surfaces"
OWNERS: Final = "kontor.owners"
DEFAULTS: Final = [(name.encode(), value.encode()) for name, value in DEFENCES.items()]
STRICT: Final = [*DEFAULTS, (b"strict-transport-security", HSTS.encode())]
POLICY, FRAMES = b"content-security-policy", b"x-frame-options"
COMPRESSED: Final = ("/v1/", "/openapi.json")
"""Where answers are compressed."""
COMPRESSED_FROM: Final = 2_048
COMPRESSION: Final = 4
CODES: Final = {404: "not_found", 500: "internal", 503: "unavailable"}
TEXTS: Final = {404: "Not Found.", 500: "Internal Server Error.", 503: "Service Unavailable."}
log = structlog.get_logger(__name__)


class CompressedApi(GZipMiddleware):
    """Compresses the API's long answers for callers that accept gzip; pages carry tokens and stay as they are."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its answer compressed or not."""
        is_api = scope["type"] == "http" and scope["path"].startswith(COMPRESSED)
        await (super().__call__ if is_api and accepts_gzip(scope) else self.app)(scope, receive, send)


def accepts_gzip(scope: Scope) -> bool:
    """Whether a caller says that it reads gzip."""
    return any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])


class Edge:
    """Lets a request through to what its host serves. On a verified domain nothing names the provider or Kontor."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(send)
        try:
            refusal = await self._refusal(scope, answer)
            await (refusal or self._app)(scope, receive, answer)
        except Exception as error:
            if answer.started:
                raise
            trace_id = trace_of(Request(scope))
            log.error("request.failed", path=scope["path"], trace=trace_id, exc_info=error)
            await _plain(scope, 500)(scope, receive, answer)

    async def _refusal(self, scope: Scope, answer: "Answer") -> Response | None:
        """Return the answer to a request that its host does not serve, None for others."""
        path, state = scope["path"], scope["app"].state
        hosts: Hosts = state.hosts
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        server = scope.get("server")
        surfaces = hosts.surfaces(host, server[1] if server else None)
        scope[SURFACES], owners = surfaces, frozenset[UUID]()
        anywhere = path in HEALTH or (path == TLS_ALLOWED and is_local(scope))
        if not surfaces and not anywhere:
            domains: DomainOwners = state.domains
            try:
                owners = await domains.owners(host)
            except Unavailable:
                return _plain(scope, 503)
            surfaces = frozenset({Surface.DOMAIN}) if owners else NOWHERE
            scope[SURFACES], scope[OWNERS] = surfaces, owners
        answer.strict = hosts.is_https(surfaces)
        if anywhere:
            return None
        if not surfaces:
            return Response(status_code=421)
        served = is_served(path, surfaces) and path != TLS_ALLOWED
        return None if served else _plain(scope, 404)


class Answer:
    """Sends an answer with the headers that every one carries; `strict`: with HSTS.

    One whose own policy names an origin that may frame it gets no `X-Frame-Options`, which knows no origins.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.strict = False

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = message.setdefault("headers", [])
            present = {name for name, _ in headers}
            if any(name == POLICY and b"frame-ancestors http" in value for name, value in headers):
                present.add(FRAMES)
            headers.extend(pair for pair in (STRICT if self.strict else DEFAULTS) if pair[0] not in present)
        await self._send(message)


def on_domain(scope: Scope) -> bool:
    """Whether a request came to a domain of a reseller or client."""
    return Surface.DOMAIN in scope.get(SURFACES, NOWHERE)


def _plain(scope: Scope, status: int) -> Response:
    """Return an answer without a page: a problem, on a domain a word."""
    if not scope.get(SURFACES) or on_domain(scope):
        return PlainTextResponse(TEXTS[status], status, {"Cache-Control": "no-store"})
    trace_id = trace_of(Request(scope))
    document = head(status, CODES[status], TEXTS[status], trace_id)
    return respond(ApiResponse(to_json(document), status, media=MEDIA), trace_id)
