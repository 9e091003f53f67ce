"""Accounts: create, read, change, brand, instance."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic_core import from_json

from api import owners
from api.account_docs import (
    AccountChange,
    AccountDoc,
    AccountFilter,
    BrandBody,
    BrandDoc,
    InstanceDoc,
    NewAccount,
    NewInstance,
)
from api.call import Access, Call, Here, visible_filter
from api.routes import Routes
from api.schema import Page
from domain.errors import Forbidden
from models.accounts import Account
from models.keys import Scope
from services import account_documents, accounts, activation, brand_settings, brands, instances, offers
from store import accounts as rows

routes = Routes("accounts")
READ = Access(Scope.READ, "account_id", owners.account)
WRITE = Access(Scope.ENQUEUE, "account_id", owners.account)
RESELLERS = Access(Scope.ENQUEUE, "account_id", owners.account, not_account=True)


def shown(call: Call, account: Account) -> AccountDoc:
    """Build the response for an account."""
    return all_shown(call, [account])[0]


def all_shown(call: Call, rows: Sequence[Account]) -> list[AccountDoc]:
    """Build the responses for accounts; their usage is read in one query."""
    documents = account_documents.documents(call.session, call.deps.programmes, rows, call.now)
    return [AccountDoc.model_validate(document) for document in documents]


def refuse_suspending(call: Call) -> None:
    """Raise Forbidden if a key bound to the account tries to suspend it; runs before body validation."""
    if call.caller.account_id is None or b"suspended" not in call.arrival.body:
        return
    try:
        payload: Any = from_json(call.arrival.body)
    except ValueError:
        return
    if isinstance(payload, dict) and "suspended" in payload:
        raise Forbidden(message="A key bound to an account cannot suspend that account.")


CHANGE = Access(Scope.ENQUEUE, "account_id", owners.account, guard=refuse_suspending)


@routes.post("/v1/accounts", Access(Scope.ENQUEUE, unbound_only=True), answer=AccountDoc, status=201)
def create_account(call: Here, body: NewAccount) -> AccountDoc:
    """Create an account on the free plan. 409 `name_taken`."""
    new = accounts.NewAccount(**body.model_dump())
    return shown(call, accounts.create(call.accounts, call.session, new))


@routes.get("/v1/accounts", Access(Scope.READ), answer=Page[AccountDoc], problems=[404])
def list_accounts(call: Here, query: Annotated[AccountFilter, Query()]) -> Page[AccountDoc]:
    """List accounts in order of creation."""
    visible_filter(call, owners.account, query.reseller)
    filter_ = rows.AccountFilter(
        programme=query.programme,
        kind=query.kind,
        reseller=query.reseller,
        visible_to=call.caller.reseller_id,
        only=call.caller.account_id,
    )
    page = accounts.page(call.session, filter_, query.cursor, query.limit)
    return Page(items=all_shown(call, page.items), next=page.next)


@routes.get("/v1/accounts/{account_id}", READ, answer=AccountDoc)
def get_account(call: Here, account_id: UUID) -> AccountDoc:
    """Return an account."""
    return shown(call, accounts.get(call.session, account_id))


@routes.patch("/v1/accounts/{account_id}", CHANGE, answer=AccountDoc, problems=[409])
def change_account(call: Here, account_id: UUID, body: AccountChange) -> AccountDoc:
    """Change the given fields of an account. 409 `name_taken`, `account_deleted`."""
    changes = body.model_dump(exclude_unset=True)
    account = accounts.change(call.accounts, call.session, account_id, changes)
    if "admin_email" in changes:
        offers.ask_again(call.offers, call.session, account.id)
    return shown(call, account)


@routes.post("/v1/accounts/{account_id}/activation", WRITE, answer=AccountDoc)
def send_activation(call: Here, account_id: UUID) -> AccountDoc:
    """Resend the activation mail. 409 `already_activated`."""
    return shown(call, activation.send_again(call.accounts, call.session, account_id))


@routes.put("/v1/accounts/{account_id}/brand", RESELLERS, answer=BrandDoc)
def put_brand(call: Here, account_id: UUID, body: BrandBody) -> BrandDoc:
    """Replace the brand; new domains must be verified before use."""
    account = accounts.get(call.session, account_id)
    settings = brand_settings.checked(body.model_dump(exclude_none=True))
    brands.put(call.session, account, settings, call.now)
    return BrandDoc.model_validate(brands.document(call.session, account))


@routes.get("/v1/accounts/{account_id}/brand", READ, answer=BrandDoc)
def get_brand(call: Here, account_id: UUID) -> BrandDoc:
    """Return the brand."""
    account = accounts.get(call.session, account_id)
    return BrandDoc.model_validate(brands.document(call.session, account))


def check_instance_url(call: Call, body: NewInstance, **_: object) -> None:
    """Check by DNS that the instance may be called; runs outside any transaction."""
    call.deps.guard.check(body.url)


@routes.put("/v1/accounts/{account_id}/instance", WRITE, answer=InstanceDoc, outside=check_instance_url)
def put_instance(call: Here, account_id: UUID, body: NewInstance) -> InstanceDoc:
    """Set the URL of the account's instance. 422 `forbidden_address`."""
    saved = instances.put(call.session, call.deps.sealer, account_id, body.url, body.secret, call.now)
    return InstanceDoc(url=saved.url, secret=saved.secret)
