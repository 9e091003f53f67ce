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

from api.answers import Answer
from api.bodies import parse_body, parse_query, read_body
from api.call import Access, Arrival, Call, uuid_of
from api.deps import Deps
from api.problems import DB_UNAVAILABLE, TooLarge, Unavailable, problem
from api.repeats import Repeats
from api.respond import respond
from api.schema import Query
from api.waiting import waited
from domain.errors import Invalid, KontorError, NotFound
from domain.tracing import HEADER, place_in
from engine.driver import driver
from engine.losses import is_clash
from services.keys import Caller, authenticate

RERUNS = 2
Endpoint = Callable[..., Answer | BaseModel]
Outside = Callable[..., None]
"""Network check before the transaction; takes the arguments of the endpoint."""


@dataclass(frozen=True, slots=True)
class Spec:
    """Arguments of an endpoint, read from its signature once."""

    endpoint: Endpoint
    access: Access
    status: int
    path: str
    ids: tuple[str, ...]
    words: tuple[str, ...]
    query: tuple[str, type[Query]] | None
    body: tuple[str, type[BaseModel], bool] | None
    outside: Outside | None = None
    direct: bool = False

    @classmethod
    def of(
        cls,
        endpoint: Endpoint,
        access: Access,
        status: int,
        path: str,
        outside: Outside | None = None,
        *,
        direct: bool = False,
    ) -> "Spec":
        """Read the signature: context, path parameters by name, a Query model, a body model."""
        hints = get_type_hints(endpoint)
        ids = tuple(n for n, t in hints.items() if t is UUID and f"{{{n}}}" in path)
        words = tuple(n for n, t in hints.items() if t is str and f"{{{n}}}" in path)
        query: tuple[str, type[Query]] | None = None
        body: tuple[str, type[BaseModel], bool] | None = None
        for name, parameter in inspect.signature(endpoint).parameters.items():
            model = _model_in(hints[name])
            if model is None:
                continue
            if issubclass(model, Query):
                query = (name, model)
            else:
                body = (name, model, parameter.default is not inspect.Parameter.empty)
        return cls(endpoint, access, status, path, ids, words, query, body, outside, direct)

    def arguments(self, arrival: Arrival) -> dict[str, Any]:
        """Parse the endpoint's arguments. Raises NotFound or Invalid."""
        arguments: dict[str, Any] = {name: uuid_of(arrival.params[name]) for name in self.ids}
        arguments.update((name, arrival.params[name]) for name in self.words)
        if self.query is not None:
            arguments[self.query[0]] = parse_query(self.query[1], arrival.query)
        if self.body is not None:
            name, model, optional = self.body
            arguments[name] = parse_body(model, arrival.body, optional=optional)
        return arguments


class StaleConnection(Exception):
    """The first statement failed: PostgreSQL was restarted or is unavailable."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Runs one route; all blocking work happens in one worker thread."""

    spec: Spec

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
        arrival = Arrival(
            scope["method"],
            f"{scope['path']}?{scope['query_string'].decode('latin-1')}",
            scope["path_params"],
            request.query_params,
            request.headers,
            body,
            trace_id,
        )
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(deps.threads, self.serve, deps, arrival)
        if answer.wait is not None:
            answer = await waited(request.app.state.watch, answer)
        return respond(answer, trace_id)

    def serve(self, deps: Deps, arrival: Arrival) -> Answer:
        """Run the request in one transaction; an unavailable database gives 503."""
        try:
            return self._with_retries(deps, arrival)
        except (DataError, psycopg.DataError):
            error: KontorError = Invalid(message="A value is out of the range that the database can hold.")
        except (*DB_UNAVAILABLE, StaleConnection):
            error = Unavailable()
        return problem(error, arrival.trace_id)

    def _with_retries(self, deps: Deps, arrival: Arrival) -> Answer:
        """Retry a transaction after a serialization failure, a deadlock or a stale connection."""
        for _ in range(RERUNS):
            try:
                return self._serve_once(deps, arrival)
            except StaleConnection:
                deps.drop_connections()
            except (DBAPIError, psycopg.Error) as error:
                if not is_clash(error):
                    raise
        return self._serve_once(deps, arrival)

    def _serve_once(self, deps: Deps, arrival: Arrival) -> Answer:
        if self.spec.direct and "idempotency-key" not in arrival.headers:
            return self._sessionless(deps, arrival)
        refusal = None if self.spec.outside is None else self._precheck(deps, arrival)
        with deps.sessions() as session:
            return self._in_transaction(deps, session, arrival, refusal)

    def _sessionless(self, deps: Deps, arrival: Arrival) -> Answer:
        """Run without a Session, which would cost more than all other work of the request."""
        now = deps.clock.now()
        with deps.connection() as connection:
            try:
                caller = self._authenticate(connection, arrival, now)
                answer = self._effect(Call(deps, connection, caller, arrival, now))
            except KontorError as error:
                return problem(error, arrival.trace_id)
            connection.commit()
        deps.jobs.doorbell.ring()
        return answer

    @staticmethod
    def _authenticate(connection: psycopg.Connection[Any], arrival: Arrival, now: datetime) -> Caller:
        """Authenticate; this is the first statement of every request. Raises Unauthorized."""
        try:
            return authenticate(connection, arrival.secret, now)
        except DB_UNAVAILABLE as error:
            raise StaleConnection from error

    def _precheck(self, deps: Deps, arrival: Arrival) -> KontorError | None:
        """Run the network check of an authorized request with no transaction open; return its error."""
        assert self.spec.outside is not None
        try:
            with deps.sessions() as session:
                now = deps.clock.now()
                caller = self._authenticate(driver(session), arrival, now)
                call = Call(deps, session, caller, arrival, now)
                self.spec.access.admit(call)
            self.spec.outside(call=call, **self.spec.arguments(arrival))
        except KontorError as error:
            return error
        return None

    def _in_transaction(self, deps: Deps, session: Session, arrival: Arrival, refusal: KontorError | None) -> Answer:
        now = deps.clock.now()
        try:
            caller = self._authenticate(driver(session), arrival, now)
        except KontorError as error:
            return problem(error, arrival.trace_id)
        call = Call(deps, session, caller, arrival, now, refusal)
        key = arrival.headers.get("idempotency-key")
        if key is not None and arrival.method == "POST":
            return Repeats(call, key).answer(self._effect)
        try:
            answer = self._effect(call)
        except KontorError as error:
            session.rollback()
            return problem(error, arrival.trace_id)
        session.commit()
        return answer

    def _effect(self, call: Call) -> Answer:
        if any("\x00" in value for value in call.arrival.params.values()):
            raise NotFound
        self.spec.access.admit(call)
        if call.refusal is not None:
            raise call.refusal
        answer = self.spec.endpoint(call=call, **self.spec.arguments(call.arrival))
        return answer if isinstance(answer, Answer) else Answer.of(answer, self.spec.status)


def trace_of(request: Request) -> str:
    """Return the trace id of a W3C `traceparent` header, or a new one."""
    header = request.headers.get(HEADER)
    caller = None if header is None else place_in(header)
    return uuid4().hex if caller is None else caller.trace_id


def _model_in(hint: Any) -> type[BaseModel] | None:
    """Return the model in `Model`, `Annotated[Model, …]` or `Model | None`."""
    if isinstance(hint, type):
        return hint if issubclass(hint, BaseModel) else None
    if get_origin(hint) is None or get_origin(hint) not in (Union, type(int | None)):
        return None
    return next((arg for arg in get_args(hint) if isinstance(arg, type) and issubclass(arg, BaseModel)), None)
