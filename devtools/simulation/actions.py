"""How each action of the script is done: by the services that API and console call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from devtools.simulation import operator_actions
from devtools.simulation.fake_world import url_of
from devtools.simulation.log import OK, Action, Entry, done
from devtools.simulation.operator_actions import Answer, Deed, Hands, Values
from kontor.accounts import clients, deletion, instances, reseller_status
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


def carry_out(hands: Hands, action: Action) -> Entry:
    """Do one action in a transaction of its own; a refusal is an outcome, not a failure."""
    deed = ACTIONS[action.action]
    try:
        answer = hands.stage.transact(lambda session: deed(hands, session, action.values))
    except KontorError as refused:
        return done(action, refused.code)
    if isinstance(answer, KontorError):
        return done(action, answer.code)
    return done(action, OK, answer)


def account(hands: Hands, session: Session, told: Values) -> None:
    """A regular account."""
    new = NewAccount(
        hands.programme, told["name"], told["email"], password=told.get("password"), locale=told.get("locale"),
        timezone=told.get("zone") or None,
    )  # fmt: skip
    hands.know(told["account"], accounts.create(hands.stage.context, session, new).id)


def join(hands: Hands, session: Session, told: Values) -> None:
    """An account that becomes a reseller at once."""
    account(hands, session, told)
    reseller_status.become_reseller(hands.stage.context, session, hands.id(told["account"]))


def client(hands: Hands, session: Session, told: Values) -> None:
    """A client of a reseller."""
    new = NewClient(told["name"], told["email"], timezone=told.get("zone") or None)
    made = clients.create(hands.stage.context, session, hands.id(told["reseller"]), new)
    hands.know(told["account"], made.id)


def instance(hands: Hands, session: Session, told: Values) -> None:
    """Tell where a customer's system is."""
    stage, account_id = hands.stage, hands.id(told["account"])
    instances.put(session, stage.secret_box, account_id, url_of(told["account"]), None, stage.now)


def connect(hands: Hands, session: Session, told: Values) -> Answer:
    """Attach an account by its password; a wrong one is returned, for the failure counts."""
    reseller = hands.id(told["reseller"])
    found = clients.connect(hands.stage.context, session, reseller, told["account"], told["password"])
    return found if isinstance(found, KontorError) else None


def disconnect(hands: Hands, session: Session, told: Values) -> None:
    """Let a client go."""
    clients.disconnect(hands.stage.context, session, hands.id(told["reseller"]), hands.id(told["account"]))


def suspend(hands: Hands, session: Session, told: Values) -> None:
    """Suspend a client, or no longer."""
    accounts.change(hands.stage.context, session, hands.id(told["account"]), {"suspended": told["on"]})


def delete(hands: Hands, session: Session, told: Values) -> None:
    """Delete softly."""
    deletion.delete(hands.stage.context, session, hands.id(told["account"]), "simulation")


def restore(hands: Hands, session: Session, told: Values) -> None:
    """Take a deletion back."""
    deletion.restore(hands.stage.context, session, hands.id(told["account"]))


def offer(hands: Hands, session: Session, told: Values) -> None:
    """Send an offer."""
    stage = hands.stage
    expires = stage.now + timedelta(days=told["days"]) if told["days"] else None
    new = NewOffer(
        hands.id(told["reseller"]), hands.id(told["account"]), lines=told["lines"], message=told["message"],
        expires_at=expires,
    )  # fmt: skip
    hands.know(told["offer"], offers.send(stage.context, session, new, "simulation").id)


def accept(hands: Hands, session: Session, told: Values) -> None:
    """The customer's admin says yes."""
    decisions.decide(
        hands.stage.context, session, hands.id(told["offer"]), DecisionChoice.ACCEPT, DecidedBy("admin", "Admin")
    )


def reject(hands: Hands, session: Session, told: Values) -> None:
    """The customer's admin says no."""
    decisions.decide(
        hands.stage.context, session, hands.id(told["offer"]), DecisionChoice.REJECT, DecidedBy("admin", "Admin")
    )


def cancel(hands: Hands, session: Session, told: Values) -> None:
    """The reseller takes it back."""
    offers.cancel(hands.stage.context, session, hands.id(told["offer"]), "simulation")


def trial(hands: Hands, session: Session, told: Values) -> None:
    """Start a trial."""
    trials.start(hands.stage.context, session, hands.id(told["account"]))


def usage(hands: Hands, session: Session, told: Values) -> None:
    """Report what an account uses."""
    level = told.get("value")
    kind = ReportKind.DELTA if level is None else ReportKind.VALUE
    amount = told["delta"] if level is None else level
    report = NewUsageReport(told["metric"], kind, amount, told["at"], told.get("report_id"))
    quotas.receive_report(hands.stage.context, session, hands.id(told["account"]), report)


def down(hands: Hands, session: Session, told: Values) -> None:
    """A customer's instance goes away."""
    hands.stage.instances.down[url_of(told["account"])] = told["manner"]


def up(hands: Hands, session: Session, told: Values) -> None:
    """A customer's instance is back."""
    del hands.stage.instances.down[url_of(told["account"])]


ACTIONS: Final[Mapping[str, Deed]] = {
    "account": account,
    "join": join,
    "client": client,
    "instance": instance,
    "connect": connect,
    "disconnect": disconnect,
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
    **operator_actions.MONEY_ACTIONS,
    **operator_actions.OPERATOR_ACTIONS,
}
