"""Request bodies: bounded in size, time, and in how many bytes of large ones are under way at once."""

import asyncio
import zlib
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from kontor.http.large_bodies import FORMS, BodiesInFlight
from kontor.http.problems import TooLarge, TooSlow, UnsupportedEncoding
from kontor.kernel.edge import BODY_ARRIVED, BODY_RATE, BODY_SECONDS
from kontor.kernel.errors import Invalid

NO_FORM: Final[Mapping[str, str]] = {}
NO_FILES: Final[Mapping[str, bytes]] = {}
IDENTITY: Final = "identity"
GZIP: Final = "gzip"
NO_GZIP: Final = "The body is not complete gzip, as its Content-Encoding says."
FORM_LIMIT: Final = 2 * 1024 * 1024


def declared_size(request: Request, limit: int) -> int:
    """Return how many bytes a request says that its body has: 0 without one, `limit` when it does not say."""
    if "transfer-encoding" in request.headers:
        return limit
    length = request.headers.get("content-length", "0")
    return int(length) if length.isdecimal() else limit


def require_size(size: int, limit: int) -> None:
    """Raise TooLarge unless a body is as large as it may be."""
    if size > limit:
        raise TooLarge(limit)


async def read_body(request: Request, limit: int) -> bytes:
    """Read the whole body. Raises TooLarge, TooSlow, ClientDisconnect."""
    arrived = request.scope.get(BODY_ARRIVED, False)
    receive, parts = request.receive if arrived else bounded_receive(request.receive, limit), list[bytes]()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            body = b"".join(parts)
            require_size(len(body), limit)
            return body


def encoding_of(request: Request) -> str:
    """Return the encoding of the body: `identity` or `gzip`. Raises UnsupportedEncoding."""
    encoding = request.headers.get("content-encoding", IDENTITY).strip().lower()
    if encoding not in (IDENTITY, GZIP):
        raise UnsupportedEncoding
    return encoding


def inflated(body: bytes, limit: int) -> bytes:
    """Return what a gzip body holds, of which at most a byte more than the limit is unpacked.

    Raises TooLarge, Invalid.
    """
    parts, rest, room = list[bytes](), body, limit + 1
    while rest and room > 0:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            parts.append(member.decompress(rest, room))
        except zlib.error:
            raise Invalid(message=NO_GZIP) from None
        room -= len(parts[-1])
        if room > 0 and not member.eof:
            raise Invalid(message=NO_GZIP)
        rest = member.unused_data
    unpacked = b"".join(parts)
    require_size(len(unpacked), limit)
    return unpacked


async def read_form(request: Request, max_fields: int, bodies: BodiesInFlight) -> Mapping[str, str]:
    """Read the text fields of a posted form; empty for other methods and for a form that cannot be parsed.

    Raises TooLarge, TooSlow, LimitReached.
    """
    return (await read_upload(request, max_fields, bodies, max_files=0))[0]


async def read_upload(
    request: Request, max_fields: int, bodies: BodiesInFlight, max_files: int
) -> tuple[Mapping[str, str], Mapping[str, bytes]]:
    """Read a posted form with files: texts and contents by field. The names and types that files claim are left out.

    Raises TooLarge, TooSlow, LimitReached.
    """
    if request.method != "POST":
        return NO_FORM, NO_FILES
    size = declared_size(request, FORM_LIMIT)
    require_size(size, FORM_LIMIT)
    async with bodies.room(FORMS, size):
        bounded = Request(request.scope, bounded_receive(request.receive, FORM_LIMIT))
        try:
            form = bounded.form(max_files=max_files, max_fields=max_fields, max_part_size=FORM_LIMIT)
            async with form as fields:
                texts = {name: value for name, value in fields.items() if isinstance(value, str)}
                files = {name: await value.read() for name, value in fields.items() if isinstance(value, UploadFile)}
        except HTTPException:
            return NO_FORM, NO_FILES
    return texts, files


def bounded_receive(receive: Receive, limit: int) -> Receive:
    """Return `receive` with bounds on a body's size, its pauses and its rate; it raises TooLarge, TooSlow."""
    loop = asyncio.get_running_loop()
    began, size = loop.time(), 0

    async def receive_bounded() -> Message:
        nonlocal size
        deadline = min(began + BODY_SECONDS + size / BODY_RATE, loop.time() + BODY_SECONDS)
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        size += len(message.get("body", b""))
        require_size(size, limit)
        return message

    return receive_bounded
