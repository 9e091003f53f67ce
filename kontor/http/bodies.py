"""Request bodies: bounded in size, time, and in how many bytes of large ones are under way at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from kontor.http.problems import TooLarge, TooSlow
from kontor.kernel.edge import BODY_RATE, BODY_SECONDS, LARGE_BODY
from kontor.kernel.limits import BODY_BYTES, LimitReached

NO_FORM: Final[Mapping[str, str]] = {}
FORM_LIMIT: Final = 2 * 1024 * 1024
FORMS: Final = "forms"
"""What the senders of forms are counted as: they may be anybody."""
FORMS_SHARE: Final = 8
"""Large forms may use one eighth of the bytes, a key half of them."""
AGAIN: Final = timedelta(seconds=5)


class BodiesInFlight:
    """Bytes of large bodies that are read or worked on, by key and in all. Lives in the event loop."""

    def __init__(self, most: int = BODY_BYTES.default, patience: float = BODY_SECONDS) -> None:
        self._most = most
        self._patience = patience
        self._used = 0
        self._by_key: Counter[str] = Counter()
        self._waiting: set[asyncio.Future[None]] = set()

    @asynccontextmanager
    async def room(self, key: str, size: int) -> AsyncIterator[None]:
        """Hold room for a body of a key while the block runs; waits a while for it. Raises LimitReached."""
        if size <= LARGE_BODY:
            yield
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._until_free(key, size)
        except TimeoutError:
            raise LimitReached(BODY_BYTES, self._most, AGAIN) from None
        try:
            yield
        finally:
            self._take(key, -size)
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(None)

    async def _until_free(self, key: str, size: int) -> None:
        share = self._most // (FORMS_SHARE if key == FORMS else 2)
        while self._used + size > self._most or self._by_key[key] + size > share:
            freed = asyncio.get_running_loop().create_future()
            self._waiting.add(freed)
            try:
                await freed
            finally:
                self._waiting.discard(freed)
        self._take(key, size)

    def _take(self, key: str, size: int) -> None:
        self._used += size
        self._by_key[key] += size
        if not self._by_key[key]:
            del self._by_key[key]


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
    """Read the whole body. Raises TooLarge, TooSlow."""
    bounded = Request(request.scope, bounded_receive(request.receive, limit))
    return await bounded.body()


async def read_form(request: Request, max_fields: int, bodies: BodiesInFlight) -> Mapping[str, str]:
    """Read the text fields of a posted form; empty for other methods and for a form that cannot be parsed.

    Raises TooLarge, TooSlow, LimitReached.
    """
    if request.method != "POST":
        return NO_FORM
    size = declared_size(request, FORM_LIMIT)
    require_size(size, FORM_LIMIT)
    async with bodies.room(FORMS, size):
        bounded = Request(request.scope, bounded_receive(request.receive, FORM_LIMIT))
        try:
            fields = await bounded.form(max_files=0, max_fields=max_fields)
        except HTTPException:
            return NO_FORM
    return {name: value for name, value in fields.items() if isinstance(value, str)}


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
