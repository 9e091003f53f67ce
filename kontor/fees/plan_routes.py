"""Routes of a reseller's products and of subscriptions."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.accounts import service as accounts
from kontor.accounts.routes import READ, RESELLERS, shown
from kontor.fees import catalogue, plans
from kontor.fees.catalogue import ProductChanges
from kontor.fees.schemas import PlanIn, ProductOut, ProductPatch, SubscribedAccountOut
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import MoneyIn, PageOut, PageQuery, uuid_of
from kontor.kernel.money import AllowedSign, Money
from models.accounts import Account
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


EDIT = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.account, guard=require_managed)
LISTED = RoutePolicy(Scope.READ, "reseller_id", ownership.account, not_account=True)


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


def _shown(ctx: RequestContext, account: Account) -> SubscribedAccountOut:
    service_ctx = ctx.context
    programme = service_ctx.programme_of(ctx.session, account)
    subscription = plans.get_subscription(ctx.session, account, service_ctx.today(programme.zone))
    return SubscribedAccountOut(**shown(ctx, account).model_dump(), subscription=subscription)


@subscription_routes.put(
    "/v1/accounts/{account_id}/subscription", RESELLERS, response=SubscribedAccountOut, problems=[409]
)
def put_subscription(ctx: Ctx, account_id: UUID, body: PlanIn) -> SubscribedAccountOut:
    """Change plan: upgrades start a new period today, others follow at the period's end. 422 `unknown_plan`."""
    service_ctx = ctx.context
    return _shown(ctx, plans.take_plan(service_ctx, ctx.session, account_id, body.plan))


@subscription_routes.get("/v1/accounts/{account_id}/subscription", READ, response=SubscribedAccountOut)
def get_subscription(ctx: Ctx, account_id: UUID) -> SubscribedAccountOut:
    """Return the account with its current paid plan, if any."""
    return _shown(ctx, accounts.get(ctx.session, account_id))


@subscription_routes.delete(
    "/v1/accounts/{account_id}/subscription", RESELLERS, response=SubscribedAccountOut, problems=[409]
)
def cancel_subscription(ctx: Ctx, account_id: UUID) -> SubscribedAccountOut:
    """End the paid plan with its paid period; no effect on the free plan."""
    service_ctx = ctx.context
    return _shown(ctx, plans.cancel_plan(service_ctx, ctx.session, account_id))
