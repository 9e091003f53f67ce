"""Routes of a reseller's products, subscriptions, assignments and charges."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.accounts import service as accounts
from kontor.accounts.routes import READ as ACCOUNTS_READ
from kontor.accounts.routes import RESELLERS, shown
from kontor.fees import assignments, catalogue, plans, statements
from kontor.fees.assignments import Assignments
from kontor.fees.catalogue import ProductChanges
from kontor.fees.queries import ChargeFilter
from kontor.fees.schemas import (
    AssignmentIn,
    AssignmentOut,
    AssignmentPatch,
    ChargeOut,
    ChargeQuery,
    PlanIn,
    PlanQuoteOut,
    ProductOut,
    ProductPatch,
    SubscribedAccountOut,
    VoidIn,
)
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import MoneyIn, MoneyOut, PageOut, PageQuery, uuid_of
from kontor.kernel.money import AllowedSign, Money
from models.accounts import Account
from models.fees import FeeRun
from models.keys import Scope

product_routes = Routes("fees")


def retail_fee(ctx: RequestContext, account_id: UUID, body: MoneyIn | None) -> Money | None:
    """Parse a monthly fee of zero or more in the currency of the account's programme. Raises Invalid."""
    if body is None:
        return None
    account = accounts.get(ctx.session, account_id)
    currency = ctx.context.programme_of(ctx.session, account).currency
    return body.money(currency, AllowedSign.NOT_NEGATIVE, "retail_fee")


def require_managed(ctx: RequestContext) -> None:
    """Raise NotFound for a product that the reseller cannot see, Forbidden for one it does not manage."""
    reseller_id = uuid_of(ctx.incoming.params["reseller_id"])
    catalogue.require_editable(ctx.context, ctx.session, reseller_id, ctx.incoming.params["product"])


EDIT = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.reseller, guard=require_managed)
LISTED = RoutePolicy(Scope.READ, "reseller_id", ownership.reseller, not_account=True)


@product_routes.get("/v1/resellers/{reseller_id}/products", LISTED, response=PageOut[ProductOut], problems=[409])
def list_products(ctx: Ctx, reseller_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[ProductOut]:
    """List products that the reseller can sell, with fees, ordered by code."""
    page = catalogue.page(ctx.context, ctx.session, reseller_id, query.cursor, query.limit)
    return PageOut(items=list(page.items), next=page.next)


@product_routes.patch("/v1/resellers/{reseller_id}/products/{product}", EDIT, response=ProductOut, problems=[409])
def change_product(ctx: Ctx, reseller_id: UUID, product: str, body: ProductPatch) -> ProductOut:
    """Change name or recommended retail fee of a product that the reseller manages. 403 `managed_by_provider`."""
    changes: ProductChanges = {}
    if "name" in body.model_fields_set:
        changes["name"] = body.name
    if "retail_fee" in body.model_fields_set:
        changes["retail_fee"] = retail_fee(ctx, reseller_id, body.retail_fee)
    return catalogue.edit(ctx.context, ctx.session, reseller_id, product, changes)


subscription_routes = Routes("fees")


def _subscribed(ctx: RequestContext, account: Account) -> SubscribedAccountOut:
    service_ctx = ctx.context
    programme = service_ctx.programme_of(ctx.session, account)
    subscription = plans.get_subscription(ctx.session, account, service_ctx.today(programme.zone))
    return SubscribedAccountOut(**shown(ctx, account).model_dump(), subscription=subscription)


@subscription_routes.put(
    "/v1/accounts/{account_id}/subscription",
    RESELLERS,
    response=SubscribedAccountOut | PlanQuoteOut,
    problems=[409],
)
def put_subscription(ctx: Ctx, account_id: UUID, body: PlanIn) -> SubscribedAccountOut | ApiResponse:
    """Change plan: upgrades start a new period today, others follow at the period's end. 422 `unknown_plan`.

    With `dry_run` the answer is `{charge, credit, at}`, and nothing changes.
    """
    if body.dry_run:
        lines = plans.quote_plan(ctx.context, ctx.session, account_id, body.plan)
        credit = MoneyOut.of(lines.credit(ctx.caller.reseller_id))
        return ApiResponse.of(PlanQuoteOut(charge=MoneyOut.of(lines.charge), credit=credit, at=lines.at))
    return _subscribed(ctx, plans.take_plan(ctx.context, ctx.session, account_id, body.plan).account)


@subscription_routes.get("/v1/accounts/{account_id}/subscription", ACCOUNTS_READ, response=SubscribedAccountOut)
def get_subscription(ctx: Ctx, account_id: UUID) -> SubscribedAccountOut:
    """Return the account with its current paid plan, if any."""
    return _subscribed(ctx, accounts.get(ctx.session, account_id))


@subscription_routes.delete(
    "/v1/accounts/{account_id}/subscription", RESELLERS, response=SubscribedAccountOut, problems=[409]
)
def cancel_subscription(ctx: Ctx, account_id: UUID) -> SubscribedAccountOut:
    """End the paid plan with its paid period; no effect on the free plan."""
    service_ctx = ctx.context
    return _subscribed(ctx, plans.cancel_plan(service_ctx, ctx.session, account_id))


routes = Routes("fees")


def require_sold(ctx: RequestContext) -> None:
    """Raise NotFound for a product that the account's reseller cannot sell; runs before body validation."""
    account = accounts.get(ctx.session, uuid_of(ctx.incoming.params["account_id"]))
    assignments.require_visible(ctx.context, ctx.session, account, ctx.incoming.params["product"])


READ = RoutePolicy(Scope.READ, "account_id", ownership.account, not_account=True)
ONE = RoutePolicy(Scope.ENQUEUE, "account_id", ownership.account, not_account=True, guard=require_sold)


def _shown(ctx: RequestContext, run: FeeRun) -> AssignmentOut:
    return assignments.get_assignment(ctx.context, ctx.session, run)


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
    work = Assignments.of(ctx.context, ctx.session, account_id)
    retail = retail_fee(ctx, account_id, body.retail_fee)
    result = work.assign(body.product, retail)
    return ApiResponse.of(_shown(ctx, result.run), 201 if result.created else 200)


@routes.get("/v1/accounts/{account_id}/products", READ, response=PageOut[AssignmentOut])
def list_assignments(ctx: Ctx, account_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[AssignmentOut]:
    """List products assigned to the account today, ordered by product."""
    account = accounts.get(ctx.session, account_id)
    page = assignments.page(ctx.context, ctx.session, account, query.cursor, query.limit)
    return PageOut(items=list(page.items), next=page.next)


@routes.patch("/v1/accounts/{account_id}/products/{product}", ONE, response=AssignmentOut, problems=[409])
def change_assignment(ctx: Ctx, account_id: UUID, product: str, body: AssignmentPatch) -> AssignmentOut:
    """Set the retail fee. A fee below cost is flagged and the reseller is notified."""
    work = Assignments.of(ctx.context, ctx.session, account_id)
    return _shown(ctx, work.change(product, retail_fee(ctx, account_id, body.retail_fee)))


@routes.delete("/v1/accounts/{account_id}/products/{product}", ONE, response=AssignmentOut, problems=[409])
def unassign_product(ctx: Ctx, account_id: UUID, product: str) -> AssignmentOut:
    """End the assignment with its paid period; assigning the product again before then cancels the end."""
    work = Assignments.of(ctx.context, ctx.session, account_id)
    return _shown(ctx, work.unassign(product))


charge_routes = Routes("fees")
OWED = RoutePolicy(Scope.READ, "reseller_id", ownership.reseller, not_account=True)
CHARGE = RoutePolicy(Scope.READ, "charge_id", ownership.charge)
VOID = RoutePolicy(Scope.ENQUEUE, "charge_id", ownership.charge, unbound_only=True)


def _page(ctx: RequestContext, filter_: ChargeFilter, query: ChargeQuery) -> PageOut[ChargeOut]:
    page = statements.page(ctx.session, filter_, query.cursor, query.limit)
    return PageOut(items=[ChargeOut.of(row) for row in page.items], next=page.next)


@charge_routes.get("/v1/resellers/{reseller_id}/charges", OWED, response=PageOut[ChargeOut])
def list_reseller_charges(ctx: Ctx, reseller_id: UUID, query: Annotated[ChargeQuery, Query()]) -> PageOut[ChargeOut]:
    """List charges that the reseller pays for its clients, ordered by period start."""
    return _page(ctx, ChargeFilter(reseller_id=reseller_id, first=query.first, last=query.last), query)


@charge_routes.get("/v1/accounts/{account_id}/charges", ACCOUNTS_READ, response=PageOut[ChargeOut])
def list_account_charges(ctx: Ctx, account_id: UUID, query: Annotated[ChargeQuery, Query()]) -> PageOut[ChargeOut]:
    """List charges that the account pays itself; charges paid by its reseller belong to the reseller."""
    return _page(ctx, ChargeFilter(account_id=account_id, first=query.first, last=query.last), query)


@charge_routes.get("/v1/charges/{charge_id}", CHARGE, response=ChargeOut)
def get_charge(ctx: Ctx, charge_id: UUID) -> ChargeOut:
    """Return one charge or credit, to who pays it."""
    return ChargeOut.of(statements.get(ctx.session, charge_id))


@charge_routes.post("/v1/charges/{charge_id}/void", VOID, response=ChargeOut)
def void_charge(ctx: Ctx, charge_id: UUID, body: VoidIn) -> ChargeOut:
    """Void a charge, with a reason. 409 `already_void`."""
    voided = statements.void(ctx.context, ctx.session, charge_id, body.reason, ctx.caller.actor)
    return ChargeOut.of(voided)
