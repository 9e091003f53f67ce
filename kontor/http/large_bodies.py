"""How many bytes of large request bodies are under way at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Final

from kontor.kernel.edge import BODY_SECONDS, LARGE_BODY
from kontor.kernel.limits import BODY_BYTES, LimitReached

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

    def room(self, key: str, size: int) -> AbstractAsyncContextManager[None]:
        """Hold room for a body of a key while the block runs; waits a while for it. Raises LimitReached."""
        return self._held(key, size) if size > LARGE_BODY else nullcontext()

    @asynccontextmanager
    async def _held(self, key: str, size: int) -> AsyncIterator[None]:
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
