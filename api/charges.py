"""Charges of resellers and of accounts; they are voided, never changed."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api import owners
from api.accounts import READ
from api.call import Ctx, RequestContext, RoutePolicy
from api.fee_words import fee_context
from api.money import MoneyOut
from api.routes import Routes
from api.schema import PageOut, PageQuery, RequestModel, ResponseModel, UtcOut
from models.fees import FeeKind
from models.keys import Scope
from services.fees import charges
from store.fees.charges import ChargeFilter

routes = Routes("fees")
OWED = RoutePolicy(Scope.READ, "reseller_id", owners.account, not_account=True)
VOID = RoutePolicy(Scope.ENQUEUE, "charge_id", owners.charge, unbound_only=True)


class ChargeQuery(PageQuery):
    """Range of `period_start` days, inclusive."""

    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")


class VoidIn(RequestModel):
    """Reason for voiding the charge."""

    reason: str


class ChargeOut(ResponseModel):
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
    fee: MoneyOut
    discount: MoneyOut
    total: MoneyOut
    void: bool
    voided_at: UtcOut | None
    void_reason: str | None
    how: dict[str, Any]
    created_at: UtcOut


def _page(ctx: RequestContext, filter_: ChargeFilter, query: ChargeQuery) -> PageOut[ChargeOut]:
    page = charges.page(ctx.session, filter_, query.cursor, query.limit)
    return PageOut(items=[ChargeOut.model_validate(charges.document(row)) for row in page.items], next=page.next)


@routes.get("/v1/resellers/{reseller_id}/charges", OWED, response=PageOut[ChargeOut])
def list_reseller_charges(ctx: Ctx, reseller_id: UUID, query: Annotated[ChargeQuery, Query()]) -> PageOut[ChargeOut]:
    """List charges that the reseller pays for its clients, ordered by period start."""
    return _page(ctx, ChargeFilter(reseller_id=reseller_id, first=query.first, last=query.last), query)


@routes.get("/v1/accounts/{account_id}/charges", READ, response=PageOut[ChargeOut])
def list_account_charges(ctx: Ctx, account_id: UUID, query: Annotated[ChargeQuery, Query()]) -> PageOut[ChargeOut]:
    """List charges that the account pays itself; charges paid by its reseller belong to the reseller."""
    return _page(ctx, ChargeFilter(account_id=account_id, first=query.first, last=query.last), query)


@routes.post("/v1/charges/{charge_id}/void", VOID, response=ChargeOut)
def void_charge(ctx: Ctx, charge_id: UUID, body: VoidIn) -> ChargeOut:
    """Void a charge, with a reason. 409 `already_void`."""
    voided = charges.void(fee_context(ctx), ctx.session, charge_id, body.reason, ctx.caller.actor)
    return ChargeOut.model_validate(charges.document(voided))
