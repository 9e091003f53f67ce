"""Request pipeline: checks 401, 404, 403 in this order, then body, effect and commit in one transaction."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import psycopg
from pydantic import BaseModel
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from kontor.http.context import Deps, IncomingRequest, RequestContext, RoutePolicy
from kontor.http.idempotency import IdempotentRequest
from kontor.http.keys import Principal, authenticate
from kontor.http.long_poll import long_poll
from kontor.http.parsing import parse_body, parse_query, read_body
from kontor.http.responses import DB_UNAVAILABLE, ApiResponse, TooLarge, Unavailable, problem, respond
from kontor.http.wire import QueryModel, uuid_of
from kontor.kernel.database import is_serialization_failure, psycopg_connection
from kontor.kernel.errors import Invalid, KontorError, NotFound
from kontor.kernel.tracing import TRACEPARENT, parse_traceparent

RERUNS = 2
EndpointFunction = Callable[..., ApiResponse | BaseModel]
Precheck = Callable[..., None]
"""Network check before the transaction; takes the arguments of the endpoint."""


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """Arguments of an endpoint, read from its signature once."""

    endpoint: EndpointFunction
    policy: RoutePolicy
    status: int
    path: str
    ids: tuple[str, ...]
    strings: tuple[str, ...]
    query: tuple[str, type[QueryModel]] | None
    body: tuple[str, type[BaseModel], bool] | None
    precheck: Precheck | None = None
    sessionless: bool = False

    @classmethod
    def of(
        cls,
        endpoint: EndpointFunction,
        policy: RoutePolicy,
        status: int,
        path: str,
        precheck: Precheck | None = None,
        *,
        sessionless: bool = False,
    ) -> "EndpointSpec":
        """Read the signature: context, path parameters by name, a Query model, a body model."""
        hints = get_type_hints(endpoint)
        ids = tuple(n for n, t in hints.items() if t is UUID and f"{{{n}}}" in path)
        strings = tuple(n for n, t in hints.items() if t is str and f"{{{n}}}" in path)
        query: tuple[str, type[QueryModel]] | None = None
        body: tuple[str, type[BaseModel], bool] | None = None
        for name, parameter in inspect.signature(endpoint).parameters.items():
            model = _model_in(hints[name])
            if model is None:
                continue
            if issubclass(model, QueryModel):
                query = (name, model)
            else:
                body = (name, model, parameter.default is not inspect.Parameter.empty)
        return cls(endpoint, policy, status, path, ids, strings, query, body, precheck, sessionless)

    def arguments(self, incoming: IncomingRequest) -> dict[str, Any]:
        """Parse the endpoint's arguments. Raises NotFound or Invalid."""
        arguments: dict[str, Any] = {name: uuid_of(incoming.params[name]) for name in self.ids}
        arguments.update((name, incoming.params[name]) for name in self.strings)
        if self.query is not None:
            arguments[self.query[0]] = parse_query(self.query[1], incoming.query)
        if self.body is not None:
            name, model, optional = self.body
            arguments[name] = parse_body(model, incoming.body, optional=optional)
        return arguments


class StaleConnection(Exception):
    """The first statement failed: PostgreSQL was restarted or is unavailable."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Runs one route; all blocking work happens in one worker thread."""

    spec: EndpointSpec

    async def handle(self, request: Request) -> Response:
        """Handle one request."""
        began = asyncio.get_running_loop().time()
        response = await self._respond(request)
        took = asyncio.get_running_loop().time() - began
        request.app.state.meter.count(request.method, self.spec.path, response.status_code, took)
        return response

    async def _respond(self, request: Request) -> Response:
        deps: Deps = request.app.state.deps
        trace_id = trace_of(request)
        try:
            body = await read_body(request)
        except TooLarge as error:
            return respond(problem(error, trace_id), trace_id)
        scope = request.scope
        incoming = IncomingRequest(
            scope["method"],
            f"{scope['path']}?{scope['query_string'].decode('latin-1')}",
            scope["path_params"],
            request.query_params,
            request.headers,
            body,
            trace_id,
        )
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(deps.threads, self.serve, deps, incoming)
        if response.wait is not None:
            response = await long_poll(request.app.state.watch, response)
        return respond(response, trace_id)

    def serve(self, deps: Deps, incoming: IncomingRequest) -> ApiResponse:
        """Run the request in one transaction; an unavailable database gives 503."""
        try:
            return self._with_retries(deps, incoming)
        except (DataError, psycopg.DataError):
            error: KontorError = Invalid(message="A value is out of the range that the database can hold.")
        except (*DB_UNAVAILABLE, StaleConnection):
            error = Unavailable()
        return problem(error, incoming.trace_id)

    def _with_retries(self, deps: Deps, incoming: IncomingRequest) -> ApiResponse:
        """Retry a transaction after a serialization failure, a deadlock or a stale connection."""
        for _ in range(RERUNS):
            try:
                return self._serve_once(deps, incoming)
            except StaleConnection:
                deps.drop_connections()
            except (DBAPIError, psycopg.Error) as error:
                if not is_serialization_failure(error):
                    raise
        return self._serve_once(deps, incoming)

    def _serve_once(self, deps: Deps, incoming: IncomingRequest) -> ApiResponse:
        if self.spec.sessionless and "idempotency-key" not in incoming.headers:
            return self._sessionless(deps, incoming)
        refusal = None if self.spec.precheck is None else self._precheck(deps, incoming)
        with deps.sessions() as session:
            return self._in_transaction(deps, session, incoming, refusal)

    def _sessionless(self, deps: Deps, incoming: IncomingRequest) -> ApiResponse:
        """Run without a Session, which would cost more than all other work of the request."""
        now = deps.clock.now()
        with deps.connection() as connection:
            try:
                caller = self._authenticate(connection, incoming, now)
                response = self._effect(RequestContext(deps, connection, caller, incoming, now))
            except KontorError as error:
                return problem(error, incoming.trace_id)
            connection.commit()
        deps.jobs.doorbell.ring()
        return response

    @staticmethod
    def _authenticate(connection: psycopg.Connection[Any], incoming: IncomingRequest, now: datetime) -> Principal:
        """Authenticate; this is the first statement of every request. Raises Unauthorized."""
        try:
            return authenticate(connection, incoming.secret, now)
        except DB_UNAVAILABLE as error:
            raise StaleConnection from error

    def _precheck(self, deps: Deps, incoming: IncomingRequest) -> KontorError | None:
        """Run the network check of an authorized request with no transaction open; return its error."""
        assert self.spec.precheck is not None
        try:
            with deps.sessions() as session:
                now = deps.clock.now()
                caller = self._authenticate(psycopg_connection(session), incoming, now)
                ctx = RequestContext(deps, session, caller, incoming, now)
                self.spec.policy.admit(ctx)
            self.spec.precheck(ctx=ctx, **self.spec.arguments(incoming))
        except KontorError as error:
            return error
        return None

    def _in_transaction(
        self, deps: Deps, session: Session, incoming: IncomingRequest, refusal: KontorError | None
    ) -> ApiResponse:
        now = deps.clock.now()
        try:
            caller = self._authenticate(psycopg_connection(session), incoming, now)
        except KontorError as error:
            return problem(error, incoming.trace_id)
        ctx = RequestContext(deps, session, caller, incoming, now, refusal)
        key = incoming.headers.get("idempotency-key")
        if key is not None and incoming.method == "POST":
            return IdempotentRequest(ctx, key).run(self._effect)
        try:
            response = self._effect(ctx)
        except KontorError as error:
            session.rollback()
            return problem(error, incoming.trace_id)
        session.commit()
        return response

    def _effect(self, ctx: RequestContext) -> ApiResponse:
        if any("\x00" in value for value in ctx.incoming.params.values()):
            raise NotFound
        self.spec.policy.admit(ctx)
        if ctx.refusal is not None:
            raise ctx.refusal
        response = self.spec.endpoint(ctx=ctx, **self.spec.arguments(ctx.incoming))
        return response if isinstance(response, ApiResponse) else ApiResponse.of(response, self.spec.status)


def trace_of(request: Request) -> str:
    """Return the trace id of a W3C `traceparent` header, or a new one."""
    header = request.headers.get(TRACEPARENT)
    caller = None if header is None else parse_traceparent(header)
    return uuid4().hex if caller is None else caller.trace_id


def _model_in(hint: Any) -> type[BaseModel] | None:
    """Return the model in `Model`, `Annotated[Model, …]` or `Model | None`."""
    if isinstance(hint, type):
        return hint if issubclass(hint, BaseModel) else None
    if get_origin(hint) is None or get_origin(hint) not in (Union, type(int | None)):
        return None
    return next((arg for arg in get_args(hint) if isinstance(arg, type) and issubclass(arg, BaseModel)), None)
