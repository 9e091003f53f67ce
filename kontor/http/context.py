"""A request in its transaction, the dependencies of the process, and the API's rules of access."""

from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Self, cast
from uuid import UUID

from fastapi import Depends
from fastapi.security import HTTPBearer
from psycopg import Connection
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from kontor.context import Context, Secrets
from kontor.engine.enqueue import EnqueueResult, JobRequest, Jobs
from kontor.engine.job_stats import JobStats
from kontor.engine.readiness import Readiness
from kontor.engine.test_clock import FrozenClock
from kontor.evidence.refusals import Refusals
from kontor.http.incoming import IncomingRequest
from kontor.http.key_use import KeyUse
from kontor.http.keys import Principal
from kontor.http.limits import CallLimits
from kontor.http.ownership import Owner, Ownership
from kontor.http.puller_use import PullerUse
from kontor.http.visibility import ResponseView
from kontor.kernel.addresses import AddressGuard
from kontor.kernel.data_keys import DataKeys
from kontor.kernel.database import psycopg_connection
from kontor.kernel.doorbells import PullHints
from kontor.kernel.errors import Forbidden, KontorError, NotFound
from kontor.kernel.identity import IdentityProvider
from kontor.kernel.ports import Clock, PasswordHasher, SecretBox, TxtLookup
from kontor.kernel.tokens import Tokens
from kontor.kernel.tracing import Tracer
from kontor.programme.service import Programmes
from models.keys import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Built once at process start. `keys` has the data keys, of request fingerprints and offers' hash chains too.

    `key_use` is written by the thread of the process's beat.
    `handler_guard`: which addresses handlers of declared tasks may have; by default public ones.
    `sign_in_threads`: where passwords are verified, `threads` by default. `readiness`: noted by the thread of the
    process's beat; without one, `/readyz` asks PostgreSQL itself. `pull_hints`: without them, waiting pull workers are
    woken by a check every second. `job_stats`: of attempts that end with a call, and `puller_use`, are written by the
    beat's thread. `in_sandbox`: these are the dependencies of a sandbox.
    """

    sessions: sessionmaker[Session]
    clock: Clock
    jobs: Jobs
    secret_box: SecretBox
    passwords: PasswordHasher
    programmes: Programmes
    tokens: Tokens
    guard: AddressGuard
    handler_guard: AddressGuard | None = None
    txt: TxtLookup
    threads: Executor
    sign_in_threads: Executor | None = None
    keys: DataKeys = field(repr=False)
    public_url: str
    console_url: str = ""
    dkim_selector: str = "kontor"
    metrics_token: str | None = field(default=None, repr=False)
    test_clock: bool = False
    in_sandbox: bool = False
    version: str = "0"
    identity_provider: IdentityProvider | None = None
    tracer: Tracer | None = None
    readiness: Readiness | None = None
    key_use: KeyUse = field(default_factory=KeyUse)
    refusals: Refusals = field(default_factory=Refusals)
    limits: CallLimits = field(default_factory=CallLimits)
    pull_hints: PullHints | None = None
    puller_use: PullerUse = field(default_factory=PullerUse)
    job_stats: JobStats = field(default_factory=JobStats)

    @property
    def staff_url(self) -> str:
        """The address of the console: CONSOLE_URL, by default PUBLIC_URL."""
        return self.console_url or self.public_url

    @property
    def engine(self) -> Engine:
        """The engine whose pool the sessions use."""
        bind = self.sessions.kw["bind"]
        assert isinstance(bind, Engine)
        return bind

    def context(self, jobs: Jobs) -> Context:
        """Return the context of the use cases over a ledger."""
        return Context(jobs, self.programmes, Secrets(self.keys, self.passwords))

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """Yield a pooled connection without a Session; uncommitted work is rolled back."""
        pooled = self.engine.raw_connection()
        try:
            yield cast("Connection[Any]", pooled.driver_connection)
        finally:
            pooled.close()

    def drop_connections(self) -> None:
        """Drop pooled connections, for example after a restart of PostgreSQL."""
        self.engine.dispose(close=False)


@dataclass(frozen=True, slots=True)
class RequestTransaction:
    """A request in its transaction, as `transaction.run` opened it. `now` is the same for the whole request.

    `work` is that transaction: a Session, or a bare connection for sessionless routes.
    """

    deps: Deps
    work: Session | Connection[Any]
    incoming: IncomingRequest
    now: datetime

    @property
    def session(self) -> Session:
        """The transaction as a Session; sessionless routes have none."""
        assert isinstance(self.work, Session)
        return self.work

    @property
    def connection(self) -> Connection[Any]:
        """The transaction as a psycopg connection."""
        return psycopg_connection(self.work) if isinstance(self.work, Session) else self.work

    @property
    def jobs(self) -> Jobs:
        """The ledger at the time of this request; jobs carry its trace id."""
        clock = FrozenClock(self.now, self.deps.clock)
        return replace(self.deps.jobs, clock=clock, trace_id=self.incoming.trace_id)

    @property
    def context(self) -> Context:
        """The context of the use cases, at the time of this request."""
        return self.deps.context(self.jobs)


@dataclass(frozen=True, slots=True)
class NetworkCheck:
    """What a route's network check returned before the transaction, or its error."""

    result: object = None
    refusal: KontorError | None = None

    @classmethod
    async def of(cls, asked: Coroutine[None, None, object]) -> Self:
        """Await what is asked of the network; no transaction and no thread waits."""
        try:
            return cls(await asked)
        except KontorError as error:
            return cls(refusal=error)


@dataclass(frozen=True, slots=True)
class RequestContext(RequestTransaction):
    """An authenticated request of the API in its transaction."""

    caller: Principal
    check: NetworkCheck = field(default_factory=NetworkCheck)

    @property
    def view(self) -> ResponseView:
        """How the caller sees responses."""
        raw_errors = not self.caller.bound and self.caller.has_scope(Scope.OPERATE)
        return ResponseView(self.caller.viewer, self.connection, self.deps.jobs.catalogue.is_open, raw_errors)

    def enqueue_request(self, request: JobRequest) -> EnqueueResult:
        """Enqueue a job; the relay is notified after the commit. Raises Invalid."""
        if isinstance(self.work, Session):
            return self.jobs.enqueue_request(self.work, request)
        return self.jobs.enqueue_on(self.work, request)

    def require_visible(self, ownership: Ownership | None) -> Ownership:
        """Return the ownership. Raises NotFound if it is None or not visible to the caller."""
        if ownership is None or not self.caller.can_see(ownership):
            raise NotFound
        return ownership

    def require_scope(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has the scope."""
        if not self.caller.has_scope(scope):
            raise Forbidden(message=f"This key lacks the scope {scope}.", scope=scope.value)


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """Access policy of a route: 404 by `owner` of the path parameter `path_param` and `first`, then 403 by the rest."""

    scope: Scope | None
    path_param: str | None = None
    owner: Owner | None = None
    unbound_only: bool = False
    not_account: bool = False
    first: Callable[["RequestContext"], None] | None = None
    guard: Callable[["RequestContext"], None] | None = None

    def admit(self, ctx: RequestContext) -> None:
        """Check the policy. Raises NotFound, then Forbidden."""
        if self.owner is not None and self.path_param is not None:
            ctx.require_visible(self.owner(ctx.session, ctx.incoming.params[self.path_param]))
        if self.first is not None:
            self.first(ctx)
        if self.unbound_only and ctx.caller.bound:
            raise Forbidden(message="A key bound to a reseller or an account cannot use this endpoint.")
        if self.not_account and ctx.caller.account_id is not None:
            raise Forbidden(message="A key bound to an account cannot use this endpoint.")
        if self.scope is not None:
            ctx.require_scope(self.scope)
        if self.guard is not None:
            self.guard(ctx)


def require_visible_resource(ctx: RequestContext, owner: Owner, resource_id: UUID) -> None:
    """Raise NotFound unless the resource named by the body is visible to the caller."""
    ctx.require_visible(owner(ctx.session, str(resource_id)))


def require_visible_filter(ctx: RequestContext, owner: Owner, resource_id: UUID | None) -> None:
    """Raise NotFound if a bound key filters by a resource that it cannot see."""
    if resource_id is not None and ctx.caller.bound:
        require_visible_resource(ctx, owner, resource_id)


Ctx = Annotated[RequestContext, Depends(HTTPBearer(scheme_name="key", description="An API key."))]
"""The request context, as a parameter of an endpoint."""
