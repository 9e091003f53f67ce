"""Accounts: create, read, change, brand, instance."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic_core import from_json

from api import owners
from api.account_docs import (
    AccountIn,
    AccountOut,
    AccountPatch,
    AccountQuery,
    BrandIn,
    BrandOut,
    InstanceIn,
    InstanceOut,
)
from api.call import Ctx, RequestContext, RoutePolicy, require_visible_filter
from api.routes import Routes
from api.schema import PageOut
from domain.errors import Forbidden
from models.accounts import Account
from models.keys import Scope
from services import account_documents, accounts, activation, brand_settings, brands, instances, offers
from store import accounts as rows

routes = Routes("accounts")
READ = RoutePolicy(Scope.READ, "account_id", owners.account)
WRITE = RoutePolicy(Scope.ENQUEUE, "account_id", owners.account)
RESELLERS = RoutePolicy(Scope.ENQUEUE, "account_id", owners.account, not_account=True)


def shown(ctx: RequestContext, account: Account) -> AccountOut:
    """Build the response for an account."""
    return all_shown(ctx, [account])[0]


def all_shown(ctx: RequestContext, rows: Sequence[Account]) -> list[AccountOut]:
    """Build the responses for accounts; their usage is read in one query."""
    documents = account_documents.documents(ctx.session, ctx.deps.programmes, rows, ctx.now)
    return [AccountOut.model_validate(document) for document in documents]


def refuse_suspending(ctx: RequestContext) -> None:
    """Raise Forbidden if a key bound to the account tries to suspend it; runs before body validation."""
    if ctx.caller.account_id is None or b"suspended" not in ctx.incoming.body:
        return
    try:
        payload: Any = from_json(ctx.incoming.body)
    except ValueError:
        return
    if isinstance(payload, dict) and "suspended" in payload:
        raise Forbidden(message="A key bound to an account cannot suspend that account.")


CHANGE = RoutePolicy(Scope.ENQUEUE, "account_id", owners.account, guard=refuse_suspending)


@routes.post("/v1/accounts", RoutePolicy(Scope.ENQUEUE, unbound_only=True), response=AccountOut, status=201)
def create_account(ctx: Ctx, body: AccountIn) -> AccountOut:
    """Create an account on the free plan. 409 `name_taken`."""
    new = accounts.NewAccount(**body.model_dump())
    return shown(ctx, accounts.create(ctx.accounts, ctx.session, new))


@routes.get("/v1/accounts", RoutePolicy(Scope.READ), response=PageOut[AccountOut], problems=[404])
def list_accounts(ctx: Ctx, query: Annotated[AccountQuery, Query()]) -> PageOut[AccountOut]:
    """List accounts in order of creation."""
    require_visible_filter(ctx, owners.account, query.reseller)
    filter_ = rows.AccountFilter(
        programme=query.programme,
        kind=query.kind,
        reseller=query.reseller,
        visible_to=ctx.caller.reseller_id,
        only=ctx.caller.account_id,
    )
    page = accounts.page(ctx.session, filter_, query.cursor, query.limit)
    return PageOut(items=all_shown(ctx, page.items), next=page.next)


@routes.get("/v1/accounts/{account_id}", READ, response=AccountOut)
def get_account(ctx: Ctx, account_id: UUID) -> AccountOut:
    """Return an account."""
    return shown(ctx, accounts.get(ctx.session, account_id))


@routes.patch("/v1/accounts/{account_id}", CHANGE, response=AccountOut, problems=[409])
def change_account(ctx: Ctx, account_id: UUID, body: AccountPatch) -> AccountOut:
    """Change the given fields of an account. 409 `name_taken`, `account_deleted`."""
    changes = body.model_dump(exclude_unset=True)
    account = accounts.change(ctx.accounts, ctx.session, account_id, changes)
    if "admin_email" in changes:
        offers.ask_again(ctx.offers, ctx.session, account.id)
    return shown(ctx, account)


@routes.post("/v1/accounts/{account_id}/activation", WRITE, response=AccountOut)
def send_activation(ctx: Ctx, account_id: UUID) -> AccountOut:
    """Resend the activation mail. 409 `already_activated`."""
    return shown(ctx, activation.send_again(ctx.accounts, ctx.session, account_id))


@routes.put("/v1/accounts/{account_id}/brand", RESELLERS, response=BrandOut)
def put_brand(ctx: Ctx, account_id: UUID, body: BrandIn) -> BrandOut:
    """Replace the brand; new domains must be verified before use."""
    account = accounts.get(ctx.session, account_id)
    settings = brand_settings.checked(body.model_dump(exclude_none=True))
    brands.put(ctx.session, account, settings, ctx.now)
    return BrandOut.model_validate(brands.document(ctx.session, account))


@routes.get("/v1/accounts/{account_id}/brand", READ, response=BrandOut)
def get_brand(ctx: Ctx, account_id: UUID) -> BrandOut:
    """Return the brand."""
    account = accounts.get(ctx.session, account_id)
    return BrandOut.model_validate(brands.document(ctx.session, account))


def check_instance_url(ctx: RequestContext, body: InstanceIn, **_: object) -> None:
    """Check by DNS that the instance may be called; runs outside any transaction."""
    ctx.deps.guard.check(body.url)


@routes.put("/v1/accounts/{account_id}/instance", WRITE, response=InstanceOut, precheck=check_instance_url)
def put_instance(ctx: Ctx, account_id: UUID, body: InstanceIn) -> InstanceOut:
    """Set the URL of the account's instance. 422 `forbidden_address`."""
    saved = instances.put(ctx.session, ctx.deps.sealer, account_id, body.url, body.secret, ctx.now)
    return InstanceOut(url=saved.url, secret=saved.secret)
