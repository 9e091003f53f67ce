"""Trials."""

from uuid import UUID

from api import owners
from api.call import Ctx, RoutePolicy
from api.routes import Routes
from api.schema import ResponseModel, UtcOut
from models.keys import Scope
from services import trials

routes = Routes("accounts")
START = RoutePolicy(Scope.ENQUEUE, "account_id", owners.account)


class StartedTrialOut(ResponseModel):
    """A running trial; its end is exclusive."""

    ends_at: UtcOut | None


@routes.post("/v1/accounts/{account_id}/trial", START, response=StartedTrialOut, status=201)
def start_trial(ctx: Ctx, account_id: UUID) -> StartedTrialOut:
    """Start the account's one trial. 409 `trial_used`, `already_subscribed`, `no_trial`."""
    account = trials.start(ctx.accounts, ctx.session, account_id)
    return StartedTrialOut(ends_at=account.trial_ends_at)
