"""One call of the API: who, in which transaction, with what."""

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
class Arrival:
    """A request as it came in, its body read."""

    method: str
    target: str
    params: Mapping[str, str]
    query: QueryParams
    headers: Headers
    body: bytes
    trace_id: str

    @property
    def secret(self) -> str | None:
        """The API key that was sent."""
        scheme, _, secret = self.headers.get("authorization", "").partition(" ")
        return secret.strip() if scheme.lower() == "bearer" and secret else None


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller is known, in the transaction that answers it. `now` stands for all of it.

    `work` is that transaction: a Session, or for direct routes the bare connection.
    """

    deps: Deps
    work: Session | Connection[Any]
    caller: Caller
    arrival: Arrival
    now: datetime
    refusal: KontorError | None = None

    @property
    def session(self) -> Session:
        """The transaction as a Session; direct routes have none."""
        assert isinstance(self.work, Session)
        return self.work

    @property
    def connection(self) -> Connection[Any]:
        """The transaction at driver level."""
        return driver(self.work) if isinstance(self.work, Session) else self.work

    def put(self, request: Request) -> Enqueued:
        """Enqueue a job; the relay hears of it after the commit. Raises Invalid."""
        if isinstance(self.work, Session):
            return self.jobs.put(self.work, request)
        return self.jobs.place(self.work, request)

    @property
    def jobs(self) -> Jobs:
        """The way into the ledger; jobs carry the trace of this request."""
        clock = Standing(self.now, self.deps.clock)
        return replace(self.deps.jobs, clock=clock, trace_id=self.arrival.trace_id)

    @property
    def accounts(self) -> AccountBook:
        """What use cases of accounts work with."""
        return AccountBook(self.jobs, self.deps.programmes, self.deps.passwords)

    @property
    def offers(self) -> OfferBook:
        """What use cases of offers work with."""
        return OfferBook(self.jobs, self.deps.offer_secret, self.deps.programmes)

    def must_see(self, thing: Possession | None) -> Possession:
        """The thing's owner. Raises NotFound for what is not there or not the caller's."""
        if thing is None or not self.caller.sees(thing):
            raise NotFound
        return thing

    def must_have(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has the scope."""
        if not self.caller.may(scope):
            raise Forbidden(message=f"This key lacks the scope {scope}.", scope=scope.value)


Owner = Callable[[Session, str], Possession | None]
"""Finds whose the thing is that a path names; None when there is no such thing."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route: 404 (`owner` of path part `names`, `first`), then 403 (the rest, `guard`)."""

    scope: Scope | None
    names: str | None = None
    owner: Owner | None = None
    unbound_only: bool = False
    not_account: bool = False
    not_reseller: bool = False
    first: Callable[["Call"], None] | None = None
    guard: Callable[["Call"], None] | None = None

    def admit(self, call: Call) -> None:
        """Raise NotFound, then Forbidden."""
        if self.owner is not None and self.names is not None:
            call.must_see(self.owner(call.session, call.arrival.params[self.names]))
        if self.first is not None:
            self.first(call)
        if self.unbound_only and call.caller.bound:
            raise Forbidden(message="A key bound to a reseller or an account may not do that.")
        if self.not_account and call.caller.account_id is not None:
            raise Forbidden(message="A key bound to an account may not do that.")
        if self.not_reseller and call.caller.reseller_id is not None:
            raise Forbidden(message="A key bound to a reseller may not do that.")
        if self.scope is not None:
            call.must_have(self.scope)
        if self.guard is not None:
            self.guard(call)


def uuid_of(text: str) -> UUID:
    """The id a path names. Raises NotFound for what cannot be an id."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def visible_thing(call: Call, owner: Owner, thing: UUID) -> None:
    """Raise NotFound unless what a body names is there and the caller's to see."""
    call.must_see(owner(call.session, str(thing)))


def visible_filter(call: Call, owner: Owner, thing: UUID | None) -> None:
    """Raise NotFound when a bound key filters by what is not its own."""
    if thing is not None and call.caller.bound:
        visible_thing(call, owner, thing)


Here = Annotated[Call, Depends(HTTPBearer(scheme_name="key", description="An API key."))]
"""The call, as a parameter of an endpoint."""
