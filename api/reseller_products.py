"""A reseller's products: those it sells with their fees, and those it manages."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.call import Access, Call, Here, uuid_of
from api.fee_words import book_of, retail_fee
from api.money import MoneyBody, MoneyDoc
from api.routes import Routes
from api.schema import Incoming, Outgoing, Page, Paging
from domain.programme.model import ManagedBy
from models.keys import Scope
from services.fees import products

routes = Routes("fees")


class ProductChange(Incoming):
    """Changes to a product that the reseller manages; null: as in the programme."""

    name: str | None = None
    retail_fee: MoneyBody | None = None


class ProductDoc(Outgoing):
    """A product as its reseller sees it; monthly fees are null if it has none."""

    product: str
    name: str
    family: str | None
    managed_by: ManagedBy
    editable: bool
    price: MoneyDoc | None
    retail_fee: MoneyDoc | None
    reseller_fee: MoneyDoc | None
    cost: MoneyDoc | None
    below_cost: bool
    multiple: bool | None


def require_managed(call: Call) -> None:
    """Raise NotFound for a product that the reseller cannot see, Forbidden for one it does not manage."""
    reseller_id = uuid_of(call.arrival.params["reseller_id"])
    products.refuse_editing(book_of(call), call.session, reseller_id, call.arrival.params["product"])


EDIT = Access(Scope.ENQUEUE, "reseller_id", owners.account, guard=require_managed)
LISTED = Access(Scope.READ, "reseller_id", owners.account, not_account=True)


@routes.get("/v1/resellers/{reseller_id}/products", LISTED, answer=Page[ProductDoc], problems=[409])
def list_products(call: Here, reseller_id: UUID, query: Annotated[Paging, Query()]) -> Page[ProductDoc]:
    """List products that the reseller can sell, with fees, ordered by code."""
    page = products.page(book_of(call), call.session, reseller_id, query.cursor, query.limit)
    return Page(items=[ProductDoc.model_validate(product) for product in page.items], next=page.next)


@routes.patch("/v1/resellers/{reseller_id}/products/{product}", EDIT, answer=ProductDoc, problems=[409])
def change_product(call: Here, reseller_id: UUID, product: str, body: ProductChange) -> ProductDoc:
    """Change name or recommended retail fee of a product that the reseller manages. 403 `managed_by_provider`."""
    changes = body.model_dump(exclude_unset=True)
    if "retail_fee" in changes:
        changes["retail_fee"] = retail_fee(call, reseller_id, body.retail_fee)
    return ProductDoc.model_validate(products.edit(book_of(call), call.session, reseller_id, product, changes))
