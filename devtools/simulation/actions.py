"""Executes each action of a scenario through the services that API and console use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from devtools.simulation import import_actions, money_actions, operator_actions, service_actions
from devtools.simulation.action_context import ActionContext, ActionHandler, ActionResult, Values
from devtools.simulation.environment import url_of
from devtools.simulation.log import OK, Action, Entry, done
from kontor.accounts import clients, deletion, instances, reseller_status
from kontor.accounts import external_ids as accounts_external_ids
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount
from kontor.kernel.errors import KontorError
from kontor.kernel.states import ReportKind
from kontor.offers import decisions
from kontor.offers import service as offers
from kontor.offers.decisions import DecidedBy, DecisionChoice
from kontor.offers.service import NewOffer
from kontor.usage import quotas, trials
from kontor.usage.service import NewUsageReport
from models.accounts import Account


def execute(ctx: ActionContext, action: Action) -> Entry:
    """Execute an action in its own transaction; a refusal is an outcome, not a failure."""
    handler = ACTIONS[action.action]
    try:
        result = ctx.environment.transact(lambda session: handler(ctx, session, action.values))
    except KontorError as error:
        return done(action, error.code)
    if isinstance(result, KontorError):
        return done(action, result.code)
    return done(action, OK, result)


def account(ctx: ActionContext, session: Session, values: Values) -> None:
    """Create a regular account."""
    new = NewAccount(
        ctx.programme_code, values["name"], values["email"], password=values.get("password"),
        locale=values.get("locale"), timezone=values.get("zone") or None,
    )  # fmt: skip
    ctx.remember(values["account"], accounts.create(ctx.environment.context, session, new).id)


def join(ctx: ActionContext, session: Session, values: Values) -> None:
    """Create an account and make it a reseller."""
    account(ctx, session, values)
    accounts_external_ids.assign(session, session.get_one(Account, ctx.id(values["account"])), values["account"])
    reseller_status.become_reseller(ctx.environment.context, session, ctx.id(values["account"]))


def client(ctx: ActionContext, session: Session, values: Values) -> None:
    """Create a client of a reseller."""
    new = NewClient(values["name"], values["email"], timezone=values.get("zone") or None)
    made = clients.create(ctx.environment.context, session, ctx.id(values["reseller"]), new)
    ctx.remember(values["account"], made.id)


def instance(ctx: ActionContext, session: Session, values: Values) -> None:
    """Set the URL of an account's instance."""
    environment, account_id = ctx.environment, ctx.id(values["account"])
    instances.put(session, environment.secret_box, account_id, url_of(values["account"]), None, environment.now)


def connect(ctx: ActionContext, session: Session, values: Values) -> ActionResult:
    """Connect an account by its password; return the error of a wrong one, so that the failed attempt is committed."""
    reseller = ctx.id(values["reseller"])
    result = clients.connect(ctx.environment.context, session, reseller, values["account"], values["password"])
    return result if isinstance(result, KontorError) else None


def disconnect(ctx: ActionContext, session: Session, values: Values) -> None:
    """Disconnect a client from its reseller."""
    clients.disconnect(ctx.environment.context, session, ctx.id(values["reseller"]), ctx.id(values["account"]))


def revert(ctx: ActionContext, session: Session, values: Values) -> None:
    """Make a reseller a regular account again."""
    account_id, disconnect = ctx.id(values["account"]), values["disconnect"]
    reseller_status.revert_reseller(ctx.environment.context, session, account_id, disconnect_clients=disconnect)


def rejoin(ctx: ActionContext, session: Session, values: Values) -> None:
    """Make a former reseller one again."""
    reseller_status.become_reseller(ctx.environment.context, session, ctx.id(values["account"]))


def suspend(ctx: ActionContext, session: Session, values: Values) -> None:
    """Suspend a client, or end its suspension."""
    accounts.change(ctx.environment.context, session, ctx.id(values["account"]), {"suspended": values["on"]})


def delete(ctx: ActionContext, session: Session, values: Values) -> None:
    """Delete an account; it can be restored for 30 days."""
    deletion.delete(ctx.environment.context, session, ctx.id(values["account"]), "simulation")


def restore(ctx: ActionContext, session: Session, values: Values) -> None:
    """Restore a deleted account."""
    deletion.restore(ctx.environment.context, session, ctx.id(values["account"]))


def offer(ctx: ActionContext, session: Session, values: Values) -> None:
    """Send an offer."""
    environment = ctx.environment
    expires = environment.now + timedelta(days=values["days"]) if values["days"] else None
    new = NewOffer(
        ctx.id(values["reseller"]), ctx.id(values["account"]), lines=values["lines"], message=values["message"],
        expires_at=expires,
    )  # fmt: skip
    ctx.remember(values["offer"], offers.send(environment.context, session, new, "simulation").id)


def accept(ctx: ActionContext, session: Session, values: Values) -> None:
    """Accept an offer as the customer's admin."""
    decisions.decide(
        ctx.environment.context, session, ctx.id(values["offer"]), DecisionChoice.ACCEPT, DecidedBy("admin", "Admin")
    )


def reject(ctx: ActionContext, session: Session, values: Values) -> None:
    """Reject an offer as the customer's admin."""
    decisions.decide(
        ctx.environment.context, session, ctx.id(values["offer"]), DecisionChoice.REJECT, DecidedBy("admin", "Admin")
    )


def cancel(ctx: ActionContext, session: Session, values: Values) -> None:
    """Withdraw an offer as its reseller."""
    offers.cancel(ctx.environment.context, session, ctx.id(values["offer"]), "simulation")


def trial(ctx: ActionContext, session: Session, values: Values) -> None:
    """Start a trial."""
    trials.start(ctx.environment.context, session, ctx.id(values["account"]))


def usage(ctx: ActionContext, session: Session, values: Values) -> None:
    """Report the usage of an account."""
    level = values.get("value")
    kind = ReportKind.DELTA if level is None else ReportKind.VALUE
    amount = values["delta"] if level is None else level
    report = NewUsageReport(values["metric"], kind, amount, values["at"], values.get("report_id"))
    quotas.receive_report(ctx.environment.context, session, ctx.id(values["account"]), report)


def down(ctx: ActionContext, session: Session, values: Values) -> None:
    """Take a customer's instance down."""
    ctx.environment.instances.down[url_of(values["account"])] = values["failure"]


def up(ctx: ActionContext, session: Session, values: Values) -> None:
    """Bring a customer's instance back."""
    del ctx.environment.instances.down[url_of(values["account"])]


ACTIONS: Final[Mapping[str, ActionHandler]] = {
    "account": account,
    "join": join,
    "client": client,
    "instance": instance,
    "connect": connect,
    "disconnect": disconnect,
    "revert": revert,
    "rejoin": rejoin,
    "suspend": suspend,
    "delete": delete,
    "restore": restore,
    "offer": offer,
    "accept": accept,
    "reject": reject,
    "cancel": cancel,
    "trial": trial,
    "usage": usage,
    "down": down,
    "up": up,
    **money_actions.MONEY_ACTIONS,
    **import_actions.IMPORT_ACTIONS,
    **operator_actions.OPERATOR_ACTIONS,
    **service_actions.SERVICE_ACTIONS,
}
