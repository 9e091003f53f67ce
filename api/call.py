"""One API request: input, caller and transaction; access policies of routes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from fastapi.security import HTTPBearer
from psycopg import Connection
from sqlalchemy.orm import Session
from starlette.datastructures import Headers, QueryParams

from api.deps import Deps
from domain.errors import Forbidden, KontorError, NotFound
from engine.driver import driver
from engine.enqueue import Enqueued, Jobs, Request
from models.keys import Scope
from services.account_book import AccountBook
from services.clock import Standing
from services.keys import Caller, Possession
from services.offer_log import OfferBook


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """A request as received, with its body."""

    method: str
    target: str
    params: Mapping[str, str]
    query: QueryParams
    headers: Headers
    body: bytes
    trace_id: str

    @property
    def secret(self) -> str | None:
        """The bearer token of the request, None if absent."""
        scheme, _, secret = self.headers.get("authorization", "").partition(" ")
        return secret.strip() if scheme.lower() == "bearer" and secret else None


@dataclass(frozen=True, slots=True)
class RequestContext:
    """An authenticated request in its transaction. `now` is the same for the whole request.

    `work` is that transaction: a Session, or a bare connection for sessionless routes.
    """

    deps: Deps
    work: Session | Connection[Any]
    caller: Caller
    incoming: IncomingRequest
    now: datetime
    refusal: KontorError | None = None

    @property
    def session(self) -> Session:
        """The transaction as a Session; sessionless routes have none."""
        assert isinstance(self.work, Session)
        return self.work

    @property
    def connection(self) -> Connection[Any]:
        """The transaction as a psycopg connection."""
        return driver(self.work) if isinstance(self.work, Session) else self.work

    def put(self, request: Request) -> Enqueued:
        """Enqueue a job; the relay is notified after the commit. Raises Invalid."""
        if isinstance(self.work, Session):
            return self.jobs.put(self.work, request)
        return self.jobs.place(self.work, request)

    @property
    def jobs(self) -> Jobs:
        """The ledger at the time of this request; jobs carry its trace id."""
        clock = Standing(self.now, self.deps.clock)
        return replace(self.deps.jobs, clock=clock, trace_id=self.incoming.trace_id)

    @property
    def accounts(self) -> AccountBook:
        """Dependencies of the account services."""
        return AccountBook(self.jobs, self.deps.programmes, self.deps.passwords)

    @property
    def offers(self) -> OfferBook:
        """Dependencies of the offer services."""
        return OfferBook(self.jobs, self.deps.offer_secret, self.deps.programmes)

    def require_visible(self, ownership: Possession | None) -> Possession:
        """Return the ownership. Raises NotFound if it is None or not visible to the caller."""
        if ownership is None or not self.caller.sees(ownership):
            raise NotFound
        return ownership

    def require_scope(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has the scope."""
        if not self.caller.may(scope):
            raise Forbidden(message=f"This key lacks the scope {scope}.", scope=scope.value)


Owner = Callable[[Session, str], Possession | None]
"""Returns the ownership of the resource named by the path; None if it does not exist."""


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """Access policy of a route: 404 by `owner` of the path parameter `path_param` and `first`, then 403 by the rest."""

    scope: Scope | None
    path_param: str | None = None
    owner: Owner | None = None
    unbound_only: bool = False
    not_account: bool = False
    not_reseller: bool = False
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
        if self.not_reseller and ctx.caller.reseller_id is not None:
            raise Forbidden(message="A key bound to a reseller cannot use this endpoint.")
        if self.scope is not None:
            ctx.require_scope(self.scope)
        if self.guard is not None:
            self.guard(ctx)


def uuid_of(text: str) -> UUID:
    """Parse a path parameter as a UUID. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def require_visible_resource(ctx: RequestContext, owner: Owner, resource_id: UUID) -> None:
    """Raise NotFound unless the resource named by the body is visible to the caller."""
    ctx.require_visible(owner(ctx.session, str(resource_id)))


def require_visible_filter(ctx: RequestContext, owner: Owner, resource_id: UUID | None) -> None:
    """Raise NotFound if a bound key filters by a resource that it cannot see."""
    if resource_id is not None and ctx.caller.bound:
        require_visible_resource(ctx, owner, resource_id)


Ctx = Annotated[RequestContext, Depends(HTTPBearer(scheme_name="key", description="An API key."))]
"""The request context, as a parameter of an endpoint."""
