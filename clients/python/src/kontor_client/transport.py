"""Calls over HTTP: key, idempotency, retries, problems, pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import httpx

from kontor_client.errors import Problem, Unreachable, problem_of
from kontor_client.retrying import REPEATABLE, Retry, passes_by_itself, seconds_of

TIMEOUT: Final = 40.0
"""Seconds; the longest call that waits takes 30."""
PAGE: Final = 500
PROBLEM: Final = "application/problem+json"


def path_of(template: str, *names: str) -> str:
    """Fill the names of a path in, each quoted."""
    head, *rest = template.split("{")
    tails = [part.partition("}")[2] for part in rest]
    return head + "".join(quote(name, safe="") + tail for name, tail in zip(names, tails, strict=True))


class Transport:
    """Makes calls; may be used by several threads at once."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retry: Retry = Retry(),  # noqa: B008 -- frozen
        timeout: float = TIMEOUT,
        sleep: Callable[[float], object] = time.sleep,
        http: httpx.BaseTransport | None = None,
    ) -> None:
        self.retry = retry
        self._sleep = sleep
        headers = {"Authorization": f"Bearer {key}", "User-Agent": "kontor-client-python"}
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30)
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, limits=limits, transport=http)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
        repeatable: bool = False,
        retry: Retry | None = None,
    ) -> Any:
        """Make a call and return its JSON document; None without one. Raises Problem, Unreachable.

        A POST gets an Idempotency-Key of its own, so that it may be repeated; `idempotency_key=""` leaves it out, and
        `repeatable` says that the call may be repeated without.
        """
        key = (idempotency_key or str(uuid4())) if method == "POST" and idempotency_key != "" else None
        request = self._built(method, path, query, body, key)
        safe = repeatable or key is not None or method in REPEATABLE
        answer = self._send(request, retry or self.retry, repeatable=safe)
        return answer.json() if answer.content else None

    def download(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        """Return the bytes of a file. Raises Problem, Unreachable."""
        request = self._built("GET", path, query, None, None)
        return self._send(request, self.retry, repeatable=True).content

    def pages(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """Yield the items of a list, page after page."""
        cursor: str | None = None
        while True:
            document = self.request("GET", path, query={"limit": PAGE, **(query or {}), "cursor": cursor})
            yield from document["items"]
            cursor = document["next"]
            if cursor is None:
                return

    def _built(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: object, idempotency_key: str | None
    ) -> httpx.Request:
        parameters = {name: value for name, value in (query or {}).items() if value is not None}
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        content: dict[str, Any] = {} if body is None else {"json": body}
        return self._http.build_request(method, path, params=parameters or None, headers=headers, **content)

    def _send(self, request: httpx.Request, retry: Retry, *, repeatable: bool) -> httpx.Response:
        deadline, tried = time.monotonic() + retry.seconds, 0
        while True:
            tried += 1
            try:
                return self._once(request, repeatable=repeatable)
            except _Passing as passing:
                pause = retry.pause(tried, passing.retry_after)
                if time.monotonic() + pause > deadline:
                    raise passing.error from passing.error.__cause__
            self._sleep(pause)

    def _once(self, request: httpx.Request, *, repeatable: bool) -> httpx.Response:
        """Make one try. Raises Problem, Unreachable, or _Passing for what may be over at the next try."""
        try:
            answer = self._http.send(request)
        except httpx.TransportError as cause:
            error = Unreachable(f"{request.url.host}: {str(cause) or type(cause).__name__}")
            error.__cause__ = cause
            if repeatable or isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout):
                raise _Passing(error) from cause
            raise error from cause
        if answer.is_success:
            return answer
        problem = problem_of(answer.status_code, members_of(answer))
        if passes_by_itself(problem.status, problem.code):
            raise _Passing(problem, seconds_of(answer.headers.get("Retry-After")))
        raise problem


class _Passing(Exception):
    """An error that may be over at the next try."""

    def __init__(self, error: Problem | Unreachable, retry_after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.retry_after = retry_after


def members_of(answer: httpx.Response) -> Mapping[str, Any]:
    """Return what a problem says; of other answers the beginning of their text."""
    if PROBLEM in answer.headers.get("Content-Type", ""):
        document: Mapping[str, Any] = answer.json()
        return document
    return {"detail": answer.text[:200]}
