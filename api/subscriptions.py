"""Paid plans of accounts."""

from datetime import date
from uuid import UUID

from api.account_docs import AccountOut
from api.accounts import READ, RESELLERS, shown
from api.call import Ctx, RequestContext
from api.fee_words import fee_context
from api.routes import Routes
from api.schema import RequestModel, ResponseModel
from models.accounts import Account
from services import accounts
from services.fees import plans

routes = Routes("fees")


class PlanIn(RequestModel):
    """The new plan; the free plan cancels the subscription."""

    plan: str


class SubscriptionOut(ResponseModel):
    """A paid plan. Days are local to the programme; `paid_until` and `ends_on` are exclusive.

    `then` is the paid plan that follows at `ends_on`; null: the account returns to the free plan.
    """

    plan: str
    since: date
    paid_until: date
    ends_on: date | None
    then: str | None


class SubscribedAccountOut(AccountOut):
    """An account with its current paid plan."""

    subscription: SubscriptionOut | None


def _shown(ctx: RequestContext, account: Account) -> SubscribedAccountOut:
    service_ctx = fee_context(ctx)
    programme = service_ctx.programme_of(ctx.session, account)
    current = plans.document(ctx.session, account, service_ctx.today(programme))
    subscription = None if current is None else SubscriptionOut.model_validate(current)
    return SubscribedAccountOut(**shown(ctx, account).model_dump(), subscription=subscription)


@routes.put("/v1/accounts/{account_id}/subscription", RESELLERS, response=SubscribedAccountOut, problems=[409])
def put_subscription(ctx: Ctx, account_id: UUID, body: PlanIn) -> SubscribedAccountOut:
    """Change plan: upgrades start a new period today, others follow at the period's end. 422 `unknown_plan`."""
    service_ctx = fee_context(ctx)
    return _shown(ctx, plans.take_plan(service_ctx, ctx.session, account_id, body.plan))


@routes.get("/v1/accounts/{account_id}/subscription", READ, response=SubscribedAccountOut)
def get_subscription(ctx: Ctx, account_id: UUID) -> SubscribedAccountOut:
    """Return the account with its current paid plan, if any."""
    return _shown(ctx, accounts.get(ctx.session, account_id))


@routes.delete("/v1/accounts/{account_id}/subscription", RESELLERS, response=SubscribedAccountOut, problems=[409])
def cancel_subscription(ctx: Ctx, account_id: UUID) -> SubscribedAccountOut:
    """End the paid plan with its paid period; no effect on the free plan."""
    service_ctx = fee_context(ctx)
    return _shown(ctx, plans.cancel_plan(service_ctx, ctx.session, account_id))
