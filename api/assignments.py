"""Products assigned to clients for a monthly fee."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.accounts import RESELLERS
from api.answers import ApiResponse
from api.call import Ctx, RequestContext, RoutePolicy, uuid_of
from api.fee_words import fee_context, retail_fee
from api.money import MoneyIn, MoneyOut
from api.routes import Routes
from api.schema import PageOut, PageQuery, RequestModel, ResponseModel, UtcOut
from models.fees import FeeRun
from models.keys import Scope
from services import accounts
from services.fees import assigned
from services.fees.assignments import Assignments

routes = Routes("fees")


class AssignmentIn(RequestModel):
    """A product to assign; without a retail fee, the recommended one applies."""

    product: str
    retail_fee: MoneyIn | None = None


class AssignmentPatch(RequestModel):
    """The monthly fee that the reseller charges its client; null: as recommended."""

    retail_fee: MoneyIn | None


class AssignmentOut(ResponseModel):
    """A product assigned to an account.

    Days are local to the programme, `paid_until` and `ends_on` exclusive. `reseller_fee` is what the
    reseller is charged before its discount, `cost` after it. Fees are null if the product is no longer sold.
    """

    id: UUID
    account_id: UUID
    product: str
    name: str
    retail_fee: MoneyOut | None
    recommended: bool
    reseller_fee: MoneyOut | None
    cost: MoneyOut | None
    below_cost: bool
    anchor: date
    since: date
    paid_until: date
    ends_on: date | None
    created_at: UtcOut


def require_sold(ctx: RequestContext) -> None:
    """Raise NotFound for a product that the account's reseller cannot sell; runs before body validation."""
    account = accounts.get(ctx.session, uuid_of(ctx.incoming.params["account_id"]))
    assigned.must_show(fee_context(ctx), ctx.session, account, ctx.incoming.params["product"])


READ = RoutePolicy(Scope.READ, "account_id", owners.account, not_account=True)
ONE = RoutePolicy(Scope.ENQUEUE, "account_id", owners.account, not_account=True, guard=require_sold)


def _shown(ctx: RequestContext, run: FeeRun) -> AssignmentOut:
    return AssignmentOut.model_validate(assigned.one(fee_context(ctx), ctx.session, run))


@routes.post(
    "/v1/accounts/{account_id}/products",
    RESELLERS,
    response=AssignmentOut,
    status=201,
    also={200: AssignmentOut},
)
def assign_product(ctx: Ctx, account_id: UUID, body: AssignmentIn) -> ApiResponse:
    """Assign a product and charge its first period. Already assigned: 200, unchanged, a planned end is cancelled.

    404 `unknown_product`; 409 `not_multiple`, `not_a_client`; 422 `not_recurring`.
    """
    work = Assignments.of(fee_context(ctx), ctx.session, account_id)
    retail = retail_fee(ctx, account_id, body.retail_fee)
    result = work.assign(body.product, retail)
    return ApiResponse.of(_shown(ctx, result.run), 201 if result.created else 200)


@routes.get("/v1/accounts/{account_id}/products", READ, response=PageOut[AssignmentOut])
def list_assignments(ctx: Ctx, account_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[AssignmentOut]:
    """List products assigned to the account today, ordered by product."""
    account = accounts.get(ctx.session, account_id)
    page = assigned.page(fee_context(ctx), ctx.session, account, query.cursor, query.limit)
    return PageOut(items=[AssignmentOut.model_validate(row) for row in page.items], next=page.next)


@routes.patch("/v1/accounts/{account_id}/products/{product}", ONE, response=AssignmentOut, problems=[409])
def change_assignment(ctx: Ctx, account_id: UUID, product: str, body: AssignmentPatch) -> AssignmentOut:
    """Set the retail fee. A fee below cost is flagged and the reseller is notified."""
    work = Assignments.of(fee_context(ctx), ctx.session, account_id)
    return _shown(ctx, work.change(product, retail_fee(ctx, account_id, body.retail_fee)))


@routes.delete("/v1/accounts/{account_id}/products/{product}", ONE, response=AssignmentOut, problems=[409])
def unassign_product(ctx: Ctx, account_id: UUID, product: str) -> AssignmentOut:
    """End the assignment with its paid period; assigning the product again before then cancels the end."""
    work = Assignments.of(fee_context(ctx), ctx.session, account_id)
    return _shown(ctx, work.unassign(product))
