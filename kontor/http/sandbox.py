"""One host and one set of routes for two databases: a key's prefix decides which one answers a call."""

from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from kontor.http.incoming import bearer
from kontor.http.keys import SANDBOX_PREFIX

API: Final = "/v1/"


class SandboxSwitch:
    """Leads calls of the API with a test key to the sandbox's application; everything else is live."""

    def __init__(self, live: FastAPI, sandbox: FastAPI) -> None:
        self._live = live
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or the life of both applications."""
        if scope["type"] == "lifespan":
            async with self._sandbox.router.lifespan_context(self._sandbox):
                await self._live(scope, receive, send)
            return
        await (self._sandbox if leads_to_sandbox(scope) else self._live)(scope, receive, send)


def leads_to_sandbox(scope: Scope) -> bool:
    """Whether a request carries a test key to the API."""
    if scope["type"] != "http" or not scope["path"].startswith(API):
        return False
    return is_test_key(bearer(Headers(scope=scope)))


def is_test_key(secret: str | None) -> bool:
    """Whether a secret is that of a sandbox's key; no live key begins like one."""
    return secret is not None and secret.startswith(SANDBOX_PREFIX)
