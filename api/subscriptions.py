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
    """The new plan; the free plan cancels the subscription."""

    plan: str


class SubscriptionDoc(Outgoing):
    """A paid plan. Days are local to the programme; `paid_until` and `ends_on` are exclusive.

    `then` is the paid plan that follows at `ends_on`; null: the account returns to the free plan.
    """

    plan: str
    since: date
    paid_until: date
    ends_on: date | None
    then: str | None


class SubscribedDoc(AccountDoc):
    """An account with its current paid plan."""

    subscription: SubscriptionDoc | None


def _shown(call: Call, account: Account) -> SubscribedDoc:
    book = book_of(call)
    programme = book.programme_of(call.session, account)
    current = plans.document(call.session, account, book.today(programme))
    subscription = None if current is None else SubscriptionDoc.model_validate(current)
    return SubscribedDoc(**shown(call, account).model_dump(), subscription=subscription)


@routes.put("/v1/accounts/{account_id}/subscription", RESELLERS, answer=SubscribedDoc, problems=[409])
def put_subscription(call: Here, account_id: UUID, body: NewPlan) -> SubscribedDoc:
    """Change plan: upgrades start a new period today, others follow at the period's end. 422 `unknown_plan`."""
    book = book_of(call)
    return _shown(call, plans.take_plan(book, call.session, account_id, body.plan))


@routes.get("/v1/accounts/{account_id}/subscription", READ, answer=SubscribedDoc)
def get_subscription(call: Here, account_id: UUID) -> SubscribedDoc:
    """Return the account with its current paid plan, if any."""
    return _shown(call, accounts.get(call.session, account_id))


@routes.delete("/v1/accounts/{account_id}/subscription", RESELLERS, answer=SubscribedDoc, problems=[409])
def cancel_subscription(call: Here, account_id: UUID) -> SubscribedDoc:
    """End the paid plan with its paid period; no effect on the free plan."""
    book = book_of(call)
    return _shown(call, plans.cancel_plan(book, call.session, account_id))
