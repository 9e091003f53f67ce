"""A request as received: one type for API, portal and console."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request, cookie_parser

from kontor.http.wire import uuid_of
from kontor.kernel.tracing import TRACEPARENT, parse_traceparent

NO_FORM: Final[Mapping[str, str]] = {}
NO_FILES: Final[Mapping[str, bytes]] = {}
NO_QUERY: Final = QueryParams()


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """Everything a use case may read of a request, with its body (API) or its form (pages).

    `target` is path and query as sent, `origin` the client's IP address, `files` what a form uploads, by field,
    `secret` the bearer token.
    `domain_owners`: who verified the domain that was asked; None on a host of the deployment itself.
    """

    method: str
    path: str
    target: str
    params: Mapping[str, str]
    query: QueryParams
    headers: Headers
    origin: str
    trace_id: str
    body: bytes
    form: Mapping[str, str]
    secret: str | None
    domain_owners: frozenset[UUID] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        request: Request,
        *,
        body: bytes = b"",
        form: Mapping[str, str] = NO_FORM,
        files: Mapping[str, bytes] = NO_FILES,
        trace_id: str | None = None,
    ) -> "IncomingRequest":
        """Build it from Starlette's request and the body or form read from it."""
        scope = request.scope
        client = scope.get("client")
        return cls(
            method=scope["method"],
            path=scope["path"],
            target=f"{scope['path']}?{scope['query_string'].decode('latin-1')}",
            params=scope["path_params"],
            query=request.query_params if scope["query_string"] else NO_QUERY,
            headers=request.headers,
            origin=client[0] if client else "",
            trace_id=trace_id or trace_of(request),
            body=body,
            form=form,
            secret=bearer(request.headers),
            domain_owners=scope.get("kontor.owners"),
            files=files,
        )

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies, parsed on use: the API needs none."""
        return cookie_parser("; ".join(self.headers.getlist("cookie")))

    def param(self, name: str) -> str | None:
        """Return a query parameter, None if empty; NUL characters, which PostgreSQL rejects, are removed."""
        text = self.query.get(name, "").replace("\x00", "").strip()
        return text or None

    def uuid(self, name: str) -> UUID:
        """Return a path parameter as a UUID. Raises NotFound."""
        return uuid_of(self.params[name])


def bearer(headers: Headers) -> str | None:
    """Return the bearer token of a request's headers."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret else None


def trace_of(request: Request) -> str:
    """Return the trace id of a W3C `traceparent` header, or a new one."""
    header = request.headers.get(TRACEPARENT)
    caller = None if header is None else parse_traceparent(header)
    return secrets.token_hex(16) if caller is None else caller.trace_id
