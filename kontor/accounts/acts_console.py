"""What operators do to accounts and offers in the console: the services of the API, with a reason in the audit log."""

from __future__ import annotations

from typing import Final

from kontor.accounts import deletion, domains, reseller_status
from kontor.accounts import service as accounts
from kontor.audit import Actor
from kontor.fees import plans
from kontor.kernel.errors import Invalid
from kontor.kernel.validation import domain_name
from kontor.offers import service as offers
from kontor.ui.console_request import ConsoleRequest
from kontor.usage import trials

BASE_PATH: Final = "/console/accounts"


def make_reseller(request: ConsoleRequest, _reason: str | None) -> str:
    """Make an account a reseller, on the current terms. Raises NotFound, Conflict, Forbidden."""
    account_id = request.incoming.uuid("account_id")
    reseller_status.become_reseller(request.context, request.session, account_id)
    return f"{BASE_PATH}/{account_id}?done=reseller"


def start_trial(request: ConsoleRequest, _reason: str | None) -> str:
    """Start an account's only trial. Raises NotFound, Conflict."""
    account_id = request.incoming.uuid("account_id")
    trials.start(request.context, request.session, account_id)
    return f"{BASE_PATH}/{account_id}?done=trial"


def change_plan(request: ConsoleRequest, _reason: str | None) -> str:
    """Change an account's plan: an upgrade at once, others at the period's end. Raises NotFound, Conflict, Invalid."""
    account_id, plan = request.incoming.uuid("account_id"), request.incoming.form.get("plan", "").strip()
    plans.take_plan(request.context, request.session, account_id, plan)
    return f"{BASE_PATH}/{account_id}?done=plan"


def delete(request: ConsoleRequest, reason: str | None) -> str:
    """Delete an account; it can be restored for 30 days. Raises NotFound, Conflict."""
    account_id = request.incoming.uuid("account_id")
    deletion.delete(request.context, request.session, account_id, request.actor(reason).name)
    return f"{BASE_PATH}/{account_id}?done=delete"


def restore(request: ConsoleRequest, _reason: str | None) -> str:
    """Restore a deleted account. Raises NotFound, Conflict."""
    account_id = request.incoming.uuid("account_id")
    deletion.restore(request.context, request.session, account_id)
    return f"{BASE_PATH}/{account_id}?done=restore"


def mark_domain(request: ConsoleRequest, reason: str | None) -> str:
    """Mark a domain as verified for an account, without asking DNS. Raises NotFound, Invalid."""
    account = accounts.get(request.session, request.incoming.uuid("account_id"))
    try:
        domain = domain_name(request.incoming.form.get("domain", "").strip())
    except ValueError as error:
        raise Invalid("invalid", f"The domain {error}.") from None
    actor = request.actor(reason)
    domains.verify_manually(request.context, request.session, domain, account, Actor(actor.name, actor.origin, reason))
    return f"{BASE_PATH}/{account.id}?done=domain"


def withdraw_offer(request: ConsoleRequest, reason: str | None) -> str:
    """Withdraw an open offer. Raises NotFound, Conflict."""
    offer_id = request.incoming.uuid("offer_id")
    offers.cancel(request.context, request.session, offer_id, request.actor(reason).name)
    return f"/console/offers/{offer_id}?done=withdraw"
