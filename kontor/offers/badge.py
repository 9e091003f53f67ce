"""The badge for a customer's own pages: how many offers are open, with a public token that reads nothing else."""

import asyncio
import hmac
from typing import Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from kontor.accounts import instances
from kontor.accounts import service as accounts
from kontor.http.context import Deps
from kontor.http.incoming import IncomingRequest, bearer
from kontor.http.limits import key_of
from kontor.http.problems import Unauthorized
from kontor.http.responses import ApiResponse, problem, respond
from kontor.http.transaction import run
from kontor.kernel.errors import Forbidden, KontorError
from kontor.offers import inbox
from models.accounts import Account

PATH: Final = "/v1/accounts/{account_id:uuid}/badge"
PREFIX: Final = "badge_"
FRESH_SECONDS: Final = 30
METHODS: Final = ("GET", "HEAD", "OPTIONS")


class BadgeRoute(Route):
    """Takes the requests with a badge token, and preflights; those with a key are the API's."""

    def __init__(self) -> None:
        super().__init__(PATH, show_badge, methods=METHODS, include_in_schema=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a request by path, method and token."""
        match, child = super().matches(scope)
        if match is Match.FULL and (scope["method"] == "OPTIONS" or token_of(scope)):
            return match, child
        return Match.NONE, {}


def token_of(scope: Scope) -> str:
    """Return the badge token of a request, as `?token=` or bearer; empty for an API key or nothing."""
    token = QueryParams(scope["query_string"]).get("token") or bearer(Headers(scope=scope)) or ""
    return token if token.startswith(PREFIX) else ""


async def show_badge(request: Request) -> Response:
    """Answer with the number of open offers, cacheable, readable by the pages of the account's instance."""
    deps: Deps = request.app.state.deps
    incoming = IncomingRequest.of(request)
    token = token_of(request.scope)
    with deps.limits.admitted(key_of(token or incoming.origin), request.url.path, None) as refusal:
        if refusal is not None:
            return respond(problem(refusal, incoming.trace_id), incoming.trace_id)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(deps.threads, _answer, deps, incoming, token)


def _answer(deps: Deps, incoming: IncomingRequest, token: str) -> Response:
    try:
        answer = run(deps, lambda session: _badge(deps, session, incoming, token))
    except KontorError as error:
        answer = problem(error, incoming.trace_id)
    return respond(answer, incoming.trace_id)


def _badge(deps: Deps, session: Session, incoming: IncomingRequest, token: str) -> ApiResponse:
    """Return the count; to a preflight only who may ask. Raises Unauthorized, Forbidden(`account_suspended`)."""
    account_id = UUID(str(incoming.params["account_id"]))
    shared = {"Vary": "Origin", **_allowed(session, account_id, incoming.headers.get("origin", ""))}
    if incoming.method == "OPTIONS":
        return ApiResponse(b"", 204, {**shared, "Access-Control-Max-Age": "600"})
    account = accounts.find(session, account_id)
    if account is None or account.deleted_at is not None or not is_token(account, token):
        raise Unauthorized
    if account.suspended:
        raise Forbidden("account_suspended", "The account of this token is suspended.")
    count = inbox.count_open(session, account.id, deps.clock.now())
    tag = f'"{count}"'
    headers = {**shared, "ETag": tag, "Cache-Control": f"public, max-age={FRESH_SECONDS}"}
    held = {each.strip().removeprefix("W/") for each in incoming.headers.get("if-none-match", "").split(",")}
    if tag in held:
        return ApiResponse(b"", 304, headers)
    return ApiResponse(to_json({"count": count}), 200, headers)


def is_token(account: Account, token: str) -> bool:
    """Return whether it is the account's badge token."""
    own = account.badge_token
    return own is not None and hmac.compare_digest(own.encode(), token.encode("utf-8", "replace"))


def _allowed(session: Session, account_id: UUID, origin: str) -> dict[str, str]:
    """Return the headers that let pages of the instance's origin read the answer; none for others."""
    instance = instances.origin_of(session, account_id)
    if not origin or origin != instance:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET",
        "Access-Control-Allow-Headers": "authorization",
    }
