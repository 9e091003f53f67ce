"""Request pipeline of the API: checks 401, 404, 403 in this order, then body and effect, in one transaction."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from kontor.engine.outside import TOKEN_PREFIX, hash_token
from kontor.evidence.acts import watched
from kontor.http.acts import REFUSED, act_of, close_act, is_dry_run, note_refusal
from kontor.http.bodies import GZIP, declared_size, encoding_of, inflated, read_body, require_size
from kontor.http.conditions import require_match, tagged
from kontor.http.context import Deps, NetworkCheck, RequestContext
from kontor.http.endpoint_spec import EndpointSpec
from kontor.http.idempotency import IdempotentRequest
from kontor.http.incoming import IncomingRequest, bearer, trace_of
from kontor.http.keys import Principal, authenticate
from kontor.http.limits import key_of
from kontor.http.long_poll import long_poll
from kontor.http.problems import Unauthorized
from kontor.http.responses import ApiResponse, problem, respond
from kontor.http.transaction import run, run_on_connection
from kontor.http.wire import uuid_of
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.errors import KontorError, NotFound

READING: Final = frozenset({"GET", "HEAD"})
OK: Final = 200
REFUSALS: Final = 400
HASH_OF: Final = "SELECT token_hash FROM job_leases WHERE lease = %s"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Runs one route: reads the request, serves it in one worker thread, waits where the response says so.

    `current`: how the resource that it writes is read, for If-Match.
    """

    spec: EndpointSpec
    current: EndpointSpec | None = None

    async def handle(self, request: Request) -> Response:
        """Handle one request."""
        began = asyncio.get_running_loop().time()
        deps: Deps = request.app.state.deps
        trace_id = trace_of(request)
        key = key_of(bearer(request.headers))
        wait = request.query_params.get("wait") if self.spec.waits and request.scope["query_string"] else None
        with deps.limits.admitted(key, request.scope["path"], wait) as refusal:
            response = problem(refusal, trace_id) if refusal else await self._respond(deps, request, key, trace_id)
        took = asyncio.get_running_loop().time() - began
        meter = request.app.state.meter
        meter.count(request.method, self.spec.path, response.status, took)
        if response.limit is not None:
            meter.refuse(response.limit)
        return respond(response, trace_id)

    async def _respond(self, deps: Deps, request: Request, key: str, trace_id: str) -> ApiResponse:
        """Authenticate, then read the body: nobody else's is held. A key seen within the last minute is trusted so far.

        A client that leaves before its body is complete reads no answer.
        """
        loop = asyncio.get_running_loop()
        try:
            size = declared_size(request, self.spec.body_limit)
            if not key or (size and not deps.limits.rates.knows(key)):
                alone = IncomingRequest.of(request, trace_id=trace_id)
                refused = await loop.run_in_executor(deps.threads, self._refused, deps, alone)
                if refused is not None:
                    return refused
            limit = self.spec.body_limit
            require_size(size, limit)
            packed = size > 0 and encoding_of(request) == GZIP
            async with deps.limits.bodies.room(key, limit if packed else size):
                body = await read_body(request, limit) if size else b""
                if packed:
                    body = await loop.run_in_executor(deps.threads, inflated, body, limit)
                incoming = IncomingRequest.of(request, body=body, trace_id=trace_id)
                check = NetworkCheck() if self.spec.precheck is None else await self._precheck(deps, incoming)
                response = await loop.run_in_executor(deps.threads, self.serve, deps, incoming, check)
        except ClientDisconnect:
            return ApiResponse(b"", 400)
        except KontorError as error:
            return problem(error, trace_id)
        return response if response.wait is None else await long_poll(request.app.state.watch, response)

    def _refused(self, deps: Deps, incoming: IncomingRequest) -> ApiResponse | None:
        """Return why the caller is nobody, or None."""
        try:
            if incoming.secret is None:
                raise Unauthorized
            run_on_connection(deps, lambda connection: _authenticated(deps, connection, incoming))
        except KontorError as error:
            response = problem(error, incoming.trace_id)
            if response.status in REFUSED:
                note_refusal(deps, incoming, None, self.spec.path, response)
            return response
        return None

    def serve(self, deps: Deps, incoming: IncomingRequest, check: NetworkCheck = NetworkCheck()) -> ApiResponse:  # noqa: B008 -- frozen
        """Run the request in one transaction; an expected error becomes a problem, a refusal a row of the audit log."""
        callers: list[Principal] = []
        try:
            response = self._served(deps, incoming, callers, check)
        except KontorError as error:
            response = problem(error, incoming.trace_id)
        if response.status in REFUSED:
            note_refusal(deps, incoming, callers[-1].actor if callers else None, self.spec.path, response)
        return response

    def _served(
        self, deps: Deps, incoming: IncomingRequest, callers: list[Principal], check: NetworkCheck
    ) -> ApiResponse:
        if self.spec.sessionless and "idempotency-key" not in incoming.headers:
            response = run_on_connection(deps, lambda connection: self._work(deps, connection, incoming, callers))
            deps.jobs.doorbell.ring()
            return response
        return run(deps, lambda session: self._work(deps, session, incoming, callers, check))

    async def _precheck(self, deps: Deps, incoming: IncomingRequest) -> NetworkCheck:
        """Run the network check of an authorized request: no transaction and no thread waits."""
        loop = asyncio.get_running_loop()
        try:
            return NetworkCheck(await (await loop.run_in_executor(deps.threads, self._admitted_check, deps, incoming)))
        except KontorError as error:
            return NetworkCheck(refusal=error)

    def _admitted_check(self, deps: Deps, incoming: IncomingRequest) -> Coroutine[None, None, object]:
        """Admit the caller, parse the arguments, return the check to await."""
        assert self.spec.precheck is not None

        def admitted(session: Session) -> RequestContext:
            ctx = _authenticated(deps, session, incoming)
            self.spec.policy.admit(ctx)
            return ctx

        return self.spec.precheck(ctx=run(deps, admitted), **self.spec.arguments(incoming))

    def _work(
        self,
        deps: Deps,
        transaction: Session | Connection[Any],
        incoming: IncomingRequest,
        callers: list[Principal],
        check: NetworkCheck = NetworkCheck(),  # noqa: B008 -- frozen
    ) -> ApiResponse:
        """Authenticate, then call the endpoint, once per idempotency key."""
        ctx = _authenticated(deps, transaction, incoming, check)
        callers.append(ctx.caller)
        call = self._recorded if isinstance(transaction, Session) else self._call
        key = incoming.headers.get("idempotency-key")
        if key is not None and incoming.method == "POST":
            return IdempotentRequest(ctx, key).run(call)
        return call(ctx)

    def _recorded(self, ctx: RequestContext) -> ApiResponse:
        """Call the endpoint and write down what it changed, or what was read, in its transaction."""
        spec, reading = self.spec, ctx.incoming.method in READING
        if not spec.audited or (reading and spec.reads is None):
            return self._call(ctx)
        with watched(ctx.session, act_of(ctx)) as act:
            response = self._call(ctx)
            if response.status < REFUSALS and (act.wrote or not is_dry_run(ctx.incoming)):
                close_act(ctx, spec.reads if reading else spec.endpoint.__name__)
        return response

    def _call(self, ctx: RequestContext) -> ApiResponse:
        """Admit the caller, parse the arguments, call the endpoint, cut its response for the caller."""
        if any("\x00" in value for value in ctx.incoming.params.values()):
            raise NotFound
        self.spec.policy.admit(ctx)
        if ctx.check.refusal is not None:
            raise ctx.check.refusal
        if self.current is not None:
            require_match(ctx, self.current)
        answer = self.spec.answer(ctx)
        return tagged(answer, ctx.incoming) if self.spec.tagged and answer.status == OK else answer


def _authenticated(
    deps: Deps,
    transaction: Session | Connection[Any],
    incoming: IncomingRequest,
    check: NetworkCheck = NetworkCheck(),  # noqa: B008 -- frozen
) -> RequestContext:
    """Open the context of a request. Raises Unauthorized."""
    connection = psycopg_connection(transaction) if isinstance(transaction, Session) else transaction
    now = deps.clock.now()
    real_now = deps.clock.wall_time()
    caller = attempt_of(connection, incoming) or authenticate(connection, incoming.secret, real_now, incoming.origin)
    deps.key_use.note(caller.key_id, real_now)
    deps.limits.rates.learn(key_of(incoming.secret), caller.key_id, caller.scopes, connection)
    return RequestContext(deps, transaction, incoming, now, caller, check)


def attempt_of(connection: PgConnection, incoming: IncomingRequest) -> Principal | None:
    """Return the attempt whose token a call of its lease has; the token opens nothing else."""
    lease, secret = incoming.params.get("lease_id"), incoming.secret
    if lease is None or secret is None or not secret.startswith(TOKEN_PREFIX):
        return None
    lease_id = uuid_of(lease)
    row = connection.execute(HASH_OF, (lease_id,)).fetchone()
    return Principal(lease_id, "attempt", frozenset()) if row is not None and row[0] == hash_token(secret) else None
