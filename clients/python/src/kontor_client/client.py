"""Kontor's API."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from kontor_client.resources import Resources
from kontor_client.retrying import Retry
from kontor_client.transport import TIMEOUT, Transport


class Kontor(Resources):
    """The API with a key: typed calls by resource, and `request` for anything else.

    `url` and `key` default to KONTOR_URL and KONTOR_KEY. May be used by several threads at once.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        retry: Retry = Retry(),  # noqa: B008 -- frozen
        timeout: float = TIMEOUT,
        http: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url or os.environ["KONTOR_URL"]
        self.transport = Transport(self.url, key or os.environ["KONTOR_KEY"], retry=retry, timeout=timeout, http=http)
        super().__init__(self.transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Make any call and return its JSON document. Raises Problem, Unreachable."""
        return self.transport.request(method, path, query=query, body=body, idempotency_key=idempotency_key)

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """Yield the items of any list, page after page."""
        return self.transport.pages(path, query)
