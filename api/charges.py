"""Charges of resellers and of accounts; they are voided, never changed."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api import owners
from api.accounts import READ
from api.call import Access, Call, Here
from api.fee_words import book_of
from api.money import MoneyDoc
from api.routes import Routes
from api.schema import Incoming, Moment, Outgoing, Page, Paging
from models.fees import FeeKind
from models.keys import Scope
from services.fees import charges
from store.fees.charges import ChargeFilter

routes = Routes("fees")
OWED = Access(Scope.READ, "reseller_id", owners.account, not_account=True)
VOID = Access(Scope.ENQUEUE, "charge_id", owners.charge, unbound_only=True)


class ChargeQuery(Paging):
    """Range of `period_start` days, inclusive."""

    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")


class VoidBody(Incoming):
    """Reason for voiding the charge."""

    reason: str


class ChargeDoc(Outgoing):
    """A charge: fee - discount = total. Days are local to the programme, `period_end` exclusive.

    `product` is the plan's code when `kind` is `plan`. The reseller `reseller_id` pays; null: the account itself.
    """

    id: UUID
    account_id: UUID
    reseller_id: UUID | None
    kind: FeeKind
    product: str
    period_start: date
    period_end: date
    fee: MoneyDoc
    discount: MoneyDoc
    total: MoneyDoc
    void: bool
    voided_at: Moment | None
    void_reason: str | None
    how: dict[str, Any]
    created_at: Moment


def _page(call: Call, filter_: ChargeFilter, query: ChargeQuery) -> Page[ChargeDoc]:
    page = charges.page(call.session, filter_, query.cursor, query.limit)
    return Page(items=[ChargeDoc.model_validate(charges.document(row)) for row in page.items], next=page.next)


@routes.get("/v1/resellers/{reseller_id}/charges", OWED, answer=Page[ChargeDoc])
def list_reseller_charges(call: Here, reseller_id: UUID, query: Annotated[ChargeQuery, Query()]) -> Page[ChargeDoc]:
    """List charges that the reseller pays for its clients, ordered by period start."""
    return _page(call, ChargeFilter(reseller_id=reseller_id, first=query.first, last=query.last), query)


@routes.get("/v1/accounts/{account_id}/charges", READ, answer=Page[ChargeDoc])
def list_account_charges(call: Here, account_id: UUID, query: Annotated[ChargeQuery, Query()]) -> Page[ChargeDoc]:
    """List charges that the account pays itself; charges paid by its reseller belong to the reseller."""
    return _page(call, ChargeFilter(account_id=account_id, first=query.first, last=query.last), query)


@routes.post("/v1/charges/{charge_id}/void", VOID, answer=ChargeDoc)
def void_charge(call: Here, charge_id: UUID, body: VoidBody) -> ChargeDoc:
    """Void a charge, with a reason. 409 `already_void`."""
    voided = charges.void(book_of(call), call.session, charge_id, body.reason, call.caller.actor)
    return ChargeDoc.model_validate(charges.document(voided))
