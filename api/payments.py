"""Payments of resellers. Only unbound keys post them; a reseller can read its own."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api import owners
from api.answers import Answer
from api.call import Access, Call, Here
from api.money import MoneyBody, MoneyDoc
from api.routes import Routes
from api.schema import Day, Incoming, Instant, Moment, Outgoing, Page, Paging
from domain.tiers import PaymentKind
from models.accounts import Account
from models.keys import Scope
from services import accounts, payments
from services.discounts.book import DiscountBook

routes = Routes("payments")
POST = Access(Scope.ENQUEUE, "reseller_id", owners.account, unbound_only=True)
READ = Access(Scope.READ, "reseller_id", owners.account, not_account=True)


class NewPayment(Incoming):
    """A payment, refund or chargeback; amounts are positive."""

    amount: MoneyBody
    paid_at: Instant
    reference: str = Field(max_length=1_000)
    kind: PaymentKind = Field(strict=False)


class PaymentDoc(Outgoing):
    """A payment; `day` is its local day, `posted_to` the reseller it was posted to."""

    id: UUID
    reseller_id: UUID
    posted_to: UUID
    kind: PaymentKind
    amount: MoneyDoc
    paid_at: Moment
    day: date
    reference: str
    created_at: Moment


class PaymentQuery(Paging):
    """Filter for payments; `from` and `to` are local days, inclusive."""

    kind: PaymentKind | None = None
    reference: str | None = None
    first: Day | None = Field(None, alias="from")
    last: Day | None = Field(None, alias="to")


def discount_book(call: Call) -> DiscountBook:
    """Return the dependencies of the payment and discount services."""
    return DiscountBook(call.jobs, call.deps.programmes)


def reseller_here(call: Call, reseller_id: UUID) -> Account:
    """Return the account named by the path, whatever its kind: a former reseller keeps its history."""
    return accounts.get(call.session, reseller_id)


@routes.post(
    "/v1/resellers/{reseller_id}/payments",
    POST,
    answer=PaymentDoc,
    status=201,
    also={200: PaymentDoc},
)
def post_payment(call: Here, reseller_id: UUID, body: NewPayment) -> Answer:
    """Post a payment. Known reference: 200, the first. 422 `currency_mismatch`, `in_future`, `invalid_amount`."""
    account = reseller_here(call, reseller_id)
    book = discount_book(call)
    programme = book.programme(call.session, account.programme)
    new = payments.NewPayment(body.kind, body.amount.money(programme.currency), body.paid_at, body.reference)
    posted = payments.post(book, call.session, account.id, new)
    shown = PaymentDoc.model_validate(payments.document(posted.row, programme))
    return Answer.of(shown, 201 if posted.created else 200)


@routes.get("/v1/resellers/{reseller_id}/payments", READ, answer=Page[PaymentDoc])
def list_payments(call: Here, reseller_id: UUID, query: Annotated[PaymentQuery, Query()]) -> Page[PaymentDoc]:
    """List payments, most recently posted first."""
    account = reseller_here(call, reseller_id)
    programme = discount_book(call).programme(call.session, account.programme)
    filter_ = payments.filtered(programme, query.kind, query.first, query.last, query.reference)
    page = payments.page(call.session, account.id, filter_, query.cursor, query.limit)
    shown = [PaymentDoc.model_validate(payments.document(row, programme)) for row in page.items]
    return Page(items=shown, next=page.next)
