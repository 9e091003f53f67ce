"""Paid plans of accounts."""

from datetime import date
from uuid import UUID

from api.account_docs import AccountDoc
from api.accounts import READ, RESELLERS, shown
from api.call import Call, Here
from api.fee_words import book_of
from api.routes import Routes
from api.schema import Incoming, Outgoing
from models.accounts import Account
from services import accounts
from services.fees import plans

routes = Routes("fees")


class NewPlan(Incoming):
    """The plan to be on; the free one cancels."""

    plan: str


class SubscriptionDoc(Outgoing):
    """A paid plan. Days are local to the programme; `paid_until` and `ends_on` are exclusive.

    `then` is the paid plan that follows at `ends_on`; without one the account is on the free plan again.
    """

    plan: str
    since: date
    paid_until: date
    ends_on: date | None
    then: str | None


class SubscribedDoc(AccountDoc):
    """An account, and the paid plan that runs."""

    subscription: SubscriptionDoc | None


def _shown(call: Call, account: Account) -> SubscribedDoc:
    book = book_of(call)
    programme = book.programme_of(call.session, account)
    found = plans.document(call.session, account, book.today(programme))
    subscription = None if found is None else SubscriptionDoc.model_validate(found)
    return SubscribedDoc(**shown(call, account).model_dump(), subscription=subscription)


@routes.put("/v1/accounts/{account_id}/subscription", RESELLERS, answer=SubscribedDoc, problems=[409])
def put_subscription(call: Here, account_id: UUID, body: NewPlan) -> SubscribedDoc:
    """Take a plan: a dearer one starts a period today, another one follows at the period's end. 422 `unknown_plan`."""
    book = book_of(call)
    return _shown(call, plans.take_plan(book, call.session, account_id, body.plan))


@routes.get("/v1/accounts/{account_id}/subscription", READ, answer=SubscribedDoc)
def get_subscription(call: Here, account_id: UUID) -> SubscribedDoc:
    """The paid plan that runs, if any."""
    return _shown(call, accounts.get(call.session, account_id))


@routes.delete("/v1/accounts/{account_id}/subscription", RESELLERS, answer=SubscribedDoc, problems=[409])
def cancel_subscription(call: Here, account_id: UUID) -> SubscribedDoc:
    """End the paid plan with its paid period; without one nothing changes."""
    book = book_of(call)
    return _shown(call, plans.cancel_plan(book, call.session, account_id))
