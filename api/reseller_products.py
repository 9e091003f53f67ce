"""A reseller's products: those it sells with their fees, and those it manages."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.call import Ctx, RequestContext, RoutePolicy, uuid_of
from api.fee_words import fee_context, retail_fee
from api.money import MoneyIn, MoneyOut
from api.routes import Routes
from api.schema import PageOut, PageQuery, RequestModel, ResponseModel
from domain.programme.model import ManagedBy
from models.keys import Scope
from services.fees import products

routes = Routes("fees")


class ProductPatch(RequestModel):
    """Changes to a product that the reseller manages; null: as in the programme."""

    name: str | None = None
    retail_fee: MoneyIn | None = None


class ProductOut(ResponseModel):
    """A product as its reseller sees it; monthly fees are null if it has none."""

    product: str
    name: str
    family: str | None
    managed_by: ManagedBy
    editable: bool
    price: MoneyOut | None
    retail_fee: MoneyOut | None
    reseller_fee: MoneyOut | None
    cost: MoneyOut | None
    below_cost: bool
    multiple: bool | None


def require_managed(ctx: RequestContext) -> None:
    """Raise NotFound for a product that the reseller cannot see, Forbidden for one it does not manage."""
    reseller_id = uuid_of(ctx.incoming.params["reseller_id"])
    products.refuse_editing(fee_context(ctx), ctx.session, reseller_id, ctx.incoming.params["product"])


EDIT = RoutePolicy(Scope.ENQUEUE, "reseller_id", owners.account, guard=require_managed)
LISTED = RoutePolicy(Scope.READ, "reseller_id", owners.account, not_account=True)


@routes.get("/v1/resellers/{reseller_id}/products", LISTED, response=PageOut[ProductOut], problems=[409])
def list_products(ctx: Ctx, reseller_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[ProductOut]:
    """List products that the reseller can sell, with fees, ordered by code."""
    page = products.page(fee_context(ctx), ctx.session, reseller_id, query.cursor, query.limit)
    return PageOut(items=[ProductOut.model_validate(product) for product in page.items], next=page.next)


@routes.patch("/v1/resellers/{reseller_id}/products/{product}", EDIT, response=ProductOut, problems=[409])
def change_product(ctx: Ctx, reseller_id: UUID, product: str, body: ProductPatch) -> ProductOut:
    """Change name or recommended retail fee of a product that the reseller manages. 403 `managed_by_provider`."""
    changes = body.model_dump(exclude_unset=True)
    if "retail_fee" in changes:
        changes["retail_fee"] = retail_fee(ctx, reseller_id, body.retail_fee)
    return ProductOut.model_validate(products.edit(fee_context(ctx), ctx.session, reseller_id, product, changes))
