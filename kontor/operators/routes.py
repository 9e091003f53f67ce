"""Routes of API keys: made, listed and revoked by other keys."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor import audit
from kontor.audit import Actor
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy, require_visible_resource
from kontor.http.routing import Routes
from kontor.http.visibility import ActorOut
from kontor.http.wire import PageOut, PageQuery, RequestModel, ResponseModel, UtcIn, UtcOut
from kontor.kernel.errors import Forbidden, NotFound
from kontor.operators import keys
from models.keys import ApiKey, Scope

routes = Routes("keys")


class KeyIn(RequestModel):
    """A new key. Without `expires_at` it expires after a year."""

    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(min_length=1, max_length=50)
    reseller_id: UUID | None = Field(None, strict=False)
    account_id: UUID | None = Field(None, strict=False)
    expires_at: UtcIn | None = None
    ranges: list[str] = Field(default_factory=list, max_length=50, alias="from")
    rate: int | None = None


class KeyOut(ResponseModel):
    """A key. `from`: networks that it may be used from, none for all; `rate`: requests a second of its own."""

    id: UUID
    name: str
    scopes: list[str]
    reseller_id: UUID | None
    account_id: UUID | None
    created_at: UtcOut
    created_by: ActorOut | None
    expires_at: UtcOut | None
    last_used_at: UtcOut | None
    revoked_at: UtcOut | None
    ranges: list[str] = Field(serialization_alias="from")
    rate: int | None


class NewKeyOut(KeyOut):
    """A new key; `secret` is shown only here."""

    secret: str


def may_manage_keys(ctx: RequestContext) -> None:
    """Raise Forbidden unless the key has the scope `keys` or `admin`."""
    if not ctx.caller.has_scope(Scope.ADMIN):
        ctx.require_scope(Scope.KEYS)


KEYS = RoutePolicy(None, guard=may_manage_keys)


def key_out(key: ApiKey) -> KeyOut:
    """Build the response for a key."""
    fields = {name: getattr(key, name) for name in KeyOut.model_fields}
    return KeyOut(**{**fields, "scopes": list(keys.scopes_of(key))})


@routes.post("/v1/keys", KEYS, response=NewKeyOut, status=201, problems=[404])
def create_key(ctx: Ctx, body: KeyIn) -> NewKeyOut:
    """Create a key. A bound key makes keys for itself or its clients, with no more scopes than it has."""
    caller, scopes = ctx.caller, list(dict.fromkeys(body.scopes))
    for account_id in (body.reseller_id, body.account_id):
        if account_id is not None:
            require_visible_resource(ctx, ownership.account, account_id)
    if caller.bound and not _is_own(ctx, body):
        raise Forbidden(message="A bound key makes keys for its own account or its clients only.")
    keys.require_may_give(caller, scopes)
    ranges, rate = keys.limits_of(ctx.session, caller, body.ranges, body.rate)
    made = keys.create(
        ctx.session,
        body.name,
        scopes,
        ctx.now,
        reseller_id=body.reseller_id,
        account_id=body.account_id,
        expires_at=body.expires_at or ctx.deps.clock.wall_time() + keys.LIFETIME,
        maker=keys.maker_of(caller, in_sandbox=ctx.deps.in_sandbox),
        ranges=ranges,
        rate=rate,
    )
    detail = {"name": made.name, "scopes": ",".join(made.scopes)}
    audit.record(ctx.session, Actor(caller.actor, "api"), "key.create", f"key:{made.id}", at=ctx.now, detail=detail)
    return NewKeyOut(**dict(key_out(ctx.session.get_one(ApiKey, made.id))), secret=made.secret)


def _is_own(ctx: RequestContext, body: KeyIn) -> bool:
    """Whether the binding is the caller's own, or of a client of the reseller that it is bound to."""
    if body.reseller_id is not None:
        return body.reseller_id == ctx.caller.reseller_id
    return body.account_id is not None


@routes.get("/v1/keys", KEYS, response=PageOut[KeyOut])
def list_keys(ctx: Ctx, query: Annotated[PageQuery, Query()]) -> PageOut[KeyOut]:
    """List keys, newest first, including revoked ones; a bound key sees those bound to it and to its clients."""
    page = keys.page(ctx.session, ctx.caller, query.cursor, query.limit)
    return PageOut(items=[key_out(key) for key in page.items], next=page.next)


@routes.delete("/v1/keys/{key_id}", RoutePolicy(None, "key_id", ownership.key, guard=may_manage_keys), response=KeyOut)
def revoke_key(ctx: Ctx, key_id: UUID) -> KeyOut:
    """Revoke a key at once; a repeat changes nothing. An unbound key without `admin` revokes none with more scopes."""
    key = ctx.session.get(ApiKey, key_id)
    if key is None:
        raise NotFound
    if not ctx.caller.bound:
        keys.require_may_give(ctx.caller, keys.scopes_of(key))
    if key.revoked_at is None:
        revoked = keys.revoke(ctx.session, key_id, ctx.now)
        actor = Actor(ctx.caller.actor, "api")
        audit.record(ctx.session, actor, "key.revoke", f"key:{key_id}", at=ctx.now, detail={"name": revoked.name})
    return key_out(key)
