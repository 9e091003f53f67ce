"""Products assigned to clients for a monthly fee."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.accounts import RESELLERS
from api.answers import Answer
from api.call import Access, Call, Here, uuid_of
from api.fee_words import book_of, retail_fee
from api.money import MoneyBody, MoneyDoc
from api.routes import Routes
from api.schema import Incoming, Moment, Outgoing, Page, Paging
from models.fees import FeeRun
from models.keys import Scope
from services import accounts
from services.fees import assigned
from services.fees.assignments import Assignments

routes = Routes("fees")


class NewAssignment(Incoming):
    """A product to assign; without a retail fee, the recommended one applies."""

    product: str
    retail_fee: MoneyBody | None = None


class AssignmentChange(Incoming):
    """The monthly fee that the reseller charges its client; null: as recommended."""

    retail_fee: MoneyBody | None


class AssignmentDoc(Outgoing):
    """A product assigned to an account.

    Days are local to the programme, `paid_until` and `ends_on` exclusive. `reseller_fee` is what the
    reseller is charged before its discount, `cost` after it. Fees are null if the product is no longer sold.
    """

    id: UUID
    account_id: UUID
    product: str
    name: str
    retail_fee: MoneyDoc | None
    recommended: bool
    reseller_fee: MoneyDoc | None
    cost: MoneyDoc | None
    below_cost: bool
    anchor: date
    since: date
    paid_until: date
    ends_on: date | None
    created_at: Moment


def require_sold(call: Call) -> None:
    """Raise NotFound for a product that the account's reseller cannot sell; runs before body validation."""
    account = accounts.get(call.session, uuid_of(call.arrival.params["account_id"]))
    assigned.must_show(book_of(call), call.session, account, call.arrival.params["product"])


READ = Access(Scope.READ, "account_id", owners.account, not_account=True)
ONE = Access(Scope.ENQUEUE, "account_id", owners.account, not_account=True, guard=require_sold)


def _shown(call: Call, run: FeeRun) -> AssignmentDoc:
    return AssignmentDoc.model_validate(assigned.one(book_of(call), call.session, run))


@routes.post(
    "/v1/accounts/{account_id}/products",
    RESELLERS,
    answer=AssignmentDoc,
    status=201,
    also={200: AssignmentDoc},
)
def assign_product(call: Here, account_id: UUID, body: NewAssignment) -> Answer:
    """Assign a product and charge its first period. Already assigned: 200, unchanged, a planned end is cancelled.

    404 `unknown_product`; 409 `not_multiple`, `not_a_client`; 422 `not_recurring`.
    """
    work = Assignments.of(book_of(call), call.session, account_id)
    retail = retail_fee(call, account_id, body.retail_fee)
    result = work.assign(body.product, retail)
    return Answer.of(_shown(call, result.run), 201 if result.created else 200)


@routes.get("/v1/accounts/{account_id}/products", READ, answer=Page[AssignmentDoc])
def list_assignments(call: Here, account_id: UUID, query: Annotated[Paging, Query()]) -> Page[AssignmentDoc]:
    """List products assigned to the account today, ordered by product."""
    account = accounts.get(call.session, account_id)
    page = assigned.page(book_of(call), call.session, account, query.cursor, query.limit)
    return Page(items=[AssignmentDoc.model_validate(row) for row in page.items], next=page.next)


@routes.patch("/v1/accounts/{account_id}/products/{product}", ONE, answer=AssignmentDoc, problems=[409])
def change_assignment(call: Here, account_id: UUID, product: str, body: AssignmentChange) -> AssignmentDoc:
    """Set the retail fee. A fee below cost is flagged and the reseller is notified."""
    work = Assignments.of(book_of(call), call.session, account_id)
    return _shown(call, work.change(product, retail_fee(call, account_id, body.retail_fee)))


@routes.delete("/v1/accounts/{account_id}/products/{product}", ONE, answer=AssignmentDoc, problems=[409])
def unassign_product(call: Here, account_id: UUID, product: str) -> AssignmentDoc:
    """End the assignment with its paid period; assigning the product again before then cancels the end."""
    work = Assignments.of(book_of(call), call.session, account_id)
    return _shown(call, work.unassign(product))
