"""Trials."""

from uuid import UUID

from api import owners
from api.call import Access, Here
from api.routes import Routes
from api.schema import Moment, Outgoing
from models.keys import Scope
from services import trials

routes = Routes("accounts")
START = Access(Scope.ENQUEUE, "account_id", owners.account)


class StartedTrial(Outgoing):
    """A running trial; its end is exclusive."""

    ends_at: Moment | None


@routes.post("/v1/accounts/{account_id}/trial", START, answer=StartedTrial, status=201)
def start_trial(call: Here, account_id: UUID) -> StartedTrial:
    """Start the account's one trial. 409 `trial_used`, `already_subscribed`, `no_trial`."""
    account = trials.start(call.accounts, call.session, account_id)
    return StartedTrial(ends_at=account.trial_ends_at)
