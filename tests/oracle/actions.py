"""What each entry of the journal means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.oracle import merging, trials, turnover
from tests.oracle.days import local_date
from tests.oracle.fees import Running
from tests.oracle.offering import decide, down, expected, is_client_of, offer, up
from tests.oracle.people import Person, Written
from tests.oracle.usage import Meter, Reported

if TYPE_CHECKING:
    from tests.oracle.book import Oracle


def account(oracle: Oracle, entry: Written) -> None:
    """A regular account."""
    told = entry.values
    label = told["account"]
    zone = ZoneInfo(told["zone"]) if told.get("zone") else oracle.rules.zone
    oracle.memory.people[label] = Person(label, told["name"], told["email"], zone, oracle.today(), oracle.rules.free)


def join(oracle: Oracle, entry: Written) -> None:
    """A regular account that becomes a reseller at once."""
    account(oracle, entry)
    oracle.memory.people[entry.values["account"]].kind = "reseller"


def client(oracle: Oracle, entry: Written) -> None:
    """A client of a reseller; its zone is the reseller's unless told."""
    account(oracle, entry)
    person = oracle.memory.people[entry.values["account"]]
    person.kind, person.reseller = "client", entry.values["reseller"]
    if not entry.values.get("zone"):
        person.zone = oracle.memory.people[entry.values["reseller"]].zone


def connect(oracle: Oracle, entry: Written) -> None:
    """The right password opens, unless somebody else was there before."""
    person = oracle.memory.people[entry.values["account"]]
    if not entry.values["fits"]:
        expected(oracle, entry, "bad_credentials")
        return
    if person.reseller not in (None, entry.values["reseller"]):
        expected(oracle, entry, "has_reseller")
        return
    if expected(oracle, entry, "ok"):
        oracle.settle(person)
        person.kind, person.reseller = "client", entry.values["reseller"]


def disconnect(oracle: Oracle, entry: Written) -> None:
    """Products run to the end of what is paid; the plan is the account's own from the next period on."""
    person = oracle.memory.people[entry.values["account"]]
    if not is_client_of(oracle, person.label, entry.values["reseller"]):
        expected(oracle, entry, "not_found")
    elif expected(oracle, entry, "ok"):
        oracle.settle(person)
        end_products(oracle, person)
        person.kind, person.reseller = "regular", None


def end_products(oracle: Oracle, person: Person) -> None:
    """Each assignment ends with its paid period."""
    for running in person.products.values():
        running.end_with_period(oracle.today())


def trial(oracle: Oracle, entry: Written) -> None:
    """Once per account and once per person."""
    person = oracle.memory.people[entry.values["account"]]
    who = who_tries(oracle, person)
    days = oracle.rules.trial_days
    if days is None:
        expected(oracle, entry, "no_trial")
    elif person.trial is not None:
        expected(oracle, entry, "trial_used")
    elif person.plan != oracle.rules.free:
        expected(oracle, entry, "already_subscribed")
    elif who in oracle.memory.had_trial:
        expected(oracle, entry, "trial_used")
    elif expected(oracle, entry, "ok"):
        person.trial = trials.begin(days, entry.at)
        oracle.memory.trying[person.label] = person
        oracle.memory.had_trial.add(who)


def who_tries(oracle: Oracle, person: Person) -> tuple[str, str]:
    """The person behind a trial."""
    reseller = oracle.memory.people[person.reseller].email if person.reseller else None
    return trials.identity(person.email, person.name, reseller)


def usage(oracle: Oracle, entry: Written) -> None:
    """A report is counted once and judged at once."""
    if entry.outcome != "ok":
        return
    told = entry.values
    person = oracle.memory.people[told["account"]]
    level = told.get("value")
    amount = level if level is not None else told["delta"]
    meter = person.meters.setdefault(told["metric"], Meter())
    if meter.take(Reported(level is not None, amount, told["at"]), told.get("report_id")):
        oracle.judge_metric(person, told["metric"], oracle.limits(person)[told["metric"]])


def pay(oracle: Oracle, entry: Written) -> None:
    """Counted once by its reference; refunds and chargebacks on their own date."""
    told = entry.values
    key = (told["reseller"], told["reference"])
    if told["paid_at"] > entry.at:
        expected(oracle, entry, "in_future")
        return
    if not expected(oracle, entry, "ok") or key in oracle.memory.references:
        return
    sign = 1 if told["kind"] == "payment" else -1
    paid = turnover.Paid(local_date(told["paid_at"], oracle.rules.zone), sign * Decimal(told["amount"]))
    oracle.memory.references[key] = paid
    oracle.memory.people[told["reseller"]].paid.append(paid)


def order(oracle: Oracle, entry: Written) -> None:
    """The price is what the ledger says at that moment."""
    if not expected(oracle, entry, "ok"):
        return
    told = entry.values
    paid = oracle.memory.people[told["reseller"]].paid
    priced = turnover.order(
        oracle.rules, paid, oracle.today(), told["product"], told["quantity"], told.get("promo_code")
    )
    said = entry.result
    answered = (Decimal(said["list"]), Decimal(said["percent"]), Decimal(said["net"]), frozenset(said["suppressed"]))
    if answered != (priced.list_price, priced.percent, priced.net, priced.suppressed):
        oracle.memory.complaints.append(f"{entry.at} order {dict(told)}: {answered}, expected {priced}")


def plan(oracle: Oracle, entry: Written) -> None:
    """A first or dearer plan begins and is charged at once; it ends a trial as converted."""
    if not expected(oracle, entry, "ok"):
        return
    person = oracle.memory.people[entry.values["account"]]
    oracle.settle(person)
    begins = person.plans.take(person.label, entry.values["plan"], oracle.rules.prices, oracle.today())
    if begins and person.plans.current is not None:
        oracle.charge(person, person.plans.current, oracle.today())
        if person.trial is not None and person.trial.state(entry.at) == "running":
            person.trial.converted, person.trial.closed_at = True, entry.at
            oracle.memory.trying.pop(person.label, None)
    oracle.move(person)


def unplan(oracle: Oracle, entry: Written) -> None:
    """It ends with the paid period."""
    if expected(oracle, entry, "ok"):
        person = oracle.memory.people[entry.values["account"]]
        oracle.settle(person)
        person.plans.cancel(oracle.today())


def assign(oracle: Oracle, entry: Written) -> None:
    """Charged at once; again only takes back the end."""
    told = entry.values
    person = oracle.memory.people[told["account"]]
    oracle.settle(person)
    running = person.products.get(told["product"])
    if is_taken(oracle, person, told["product"]) and (running is None or running.until is not None):
        expected(oracle, entry, "not_multiple")
    elif not expected(oracle, entry, "ok"):
        return
    elif running is not None:
        running.until, running.deleted = None, False
    else:
        today = oracle.today()
        person.products[told["product"]] = Running(person.label, "product", told["product"], today, today)
        oracle.charge(person, person.products[told["product"]], today)


def is_taken(oracle: Oracle, person: Person, product: str) -> bool:
    """Whether the reseller has it for another client, and may have it once only."""
    if oracle.rules.products[product].multiple:
        return False
    for other in oracle.memory.people.values():
        running = other.products.get(product)
        mine = other is not person and other.reseller is not None and other.reseller == person.reseller
        if mine and running is not None and not running.is_over(oracle.today()):
            return True
    return False


def unassign(oracle: Oracle, entry: Written) -> None:
    """It ends with the paid period."""
    person = oracle.memory.people[entry.values["account"]]
    oracle.settle(person)
    running = person.products.get(entry.values["product"])
    if running is None:
        expected(oracle, entry, "not_found")
    elif expected(oracle, entry, "ok"):
        running.end_with_period(oracle.today())


def delete(oracle: Oracle, entry: Written) -> None:
    """Open offers are cancelled, the trial ends, fees run to the end of what is paid."""
    if not expected(oracle, entry, "ok"):
        return
    person = oracle.memory.people[entry.values["account"]]
    oracle.settle(person)
    if person.trial is not None:
        oracle.memory.had_trial.add(who_tries(oracle, person))
        if person.trial.state(entry.at) == "running":
            person.trial.closed_at = entry.at
            oracle.memory.trying.pop(person.label, None)
    for running in running_of(person):
        if running.until is None:
            running.end_with_period(oracle.today())
            running.deleted = True
    person.deleted = entry.at
    for offered in oracle.memory.offers.values():
        if offered.account == person.label and offered.seen(entry.at)[0] == "open":
            offered.state, offered.reason = "cancelled", "account_closed"


def running_of(person: Person) -> list[Running]:
    """All that is paid by the month."""
    plan = person.plans.current
    return [*([plan] if plan is not None else []), *person.products.values()]


def restore(oracle: Oracle, entry: Written) -> None:
    """Within 30 days; what only the deletion would have ended goes on."""
    person = oracle.memory.people[entry.values["account"]]
    assert person.deleted is not None
    if entry.at >= person.deleted + timedelta(days=30):
        expected(oracle, entry, "final", "not_found")
    elif expected(oracle, entry, "ok"):
        oracle.settle(person)
        person.deleted = None
        for running in running_of(person):
            if running.deleted:
                running.until, running.deleted = None, False


def nothing(oracle: Oracle, entry: Written) -> None:
    """Of no weight to any rule here."""


ACTIONS: Mapping[str, Callable[[Oracle, Written], None]] = {
    "account": account,
    "join": join,
    "client": client,
    "connect": connect,
    "disconnect": disconnect,
    "trial": trial,
    "usage": usage,
    "pay": pay,
    "order": order,
    "offer": offer,
    "accept": decide("accepted"),
    "reject": decide("rejected"),
    "cancel": decide("cancelled"),
    "plan": plan,
    "unplan": unplan,
    "assign": assign,
    "unassign": unassign,
    "delete": delete,
    "restore": restore,
    "merge": merging.merge,
    "down": down,
    "up": up,
    "instance": nothing,
    "suspend": nothing,
    "round": nothing,
    "mailbox": nothing,
}
