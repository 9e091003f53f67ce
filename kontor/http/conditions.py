"""Conditional requests (RFC 9110, 13): ETags of single resources, If-None-Match on reads, If-Match on writes."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Final

from starlette.datastructures import QueryParams

from kontor.http.context import RequestContext
from kontor.http.endpoint_spec import EndpointSpec
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import PreconditionFailed
from kontor.http.responses import ApiResponse
from kontor.kernel.database import lock_names
from kontor.kernel.errors import NotFound

NOT_MODIFIED: Final = 304
ANY: Final = "*"
LENGTH: Final = 32


def tag_of(body: bytes) -> str:
    """Return the ETag of a document as its viewer gets it."""
    return f'"{sha256(body).hexdigest()[:LENGTH]}"'


def names(header: str, tag: str) -> bool:
    """Whether a list of ETags names one; a weak mark, as proxies add it, does not matter."""
    listed = {each.strip().removeprefix("W/") for each in header.split(",")}
    return ANY in listed or tag in listed


def tagged(response: ApiResponse, incoming: IncomingRequest) -> ApiResponse:
    """Add the ETag to the answer to a read; 304 without a body when the caller has that document already."""
    tag = tag_of(response.body)
    headers = {**response.headers, "ETag": tag}
    held_tag = incoming.headers.get("if-none-match")
    if held_tag is not None and names(held_tag, tag):
        return replace(response, body=b"", status=NOT_MODIFIED, headers=headers)
    return replace(response, headers=headers)


def require_match(ctx: RequestContext, current: EndpointSpec) -> None:
    """Raise PreconditionFailed unless the resource is the one that If-Match names, if it names any.

    `current` reads the resource. Writers of the same path wait for each other.
    """
    lock_names(ctx.session, f"resource:{ctx.incoming.path}")
    required = ctx.incoming.headers.get("if-match")
    if required is None:
        return
    reading = replace(ctx.incoming, method="GET", body=b"", query=QueryParams())
    try:
        document = current.answer(replace(ctx, incoming=reading))
    except NotFound:
        raise PreconditionFailed from None
    if not names(required, tag_of(document.body)):
        raise PreconditionFailed
    ctx.session.expire_all()
