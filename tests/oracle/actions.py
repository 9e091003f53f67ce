"""The meaning of each journal entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.oracle import imports, money_facts, plans, resellers, service_failures, services, trials
from tests.oracle.fees import Running
from tests.oracle.memory import JournalEntry, Person
from tests.oracle.offers import decide, down, expected, is_client_of, offer, up
from tests.oracle.recomputing import recompute
from tests.oracle.resellers import cancel_open, has_clients, release, release_client
from tests.oracle.usage import Meter, Reported

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def account(oracle: Oracle, entry: JournalEntry) -> None:
    """Create a regular account."""
    values = entry.values
    label = values["account"]
    zone = ZoneInfo(values["zone"]) if values.get("zone") else oracle.rules.zone
    oracle.memory.people[label] = Person(
        label, values["name"], values["email"], zone, oracle.today(), oracle.rules.free
    )


def join(oracle: Oracle, entry: JournalEntry) -> None:
    """Create a regular account that becomes a reseller at once."""
    account(oracle, entry)
    oracle.memory.people[entry.values["account"]].kind = "reseller"


def client(oracle: Oracle, entry: JournalEntry) -> None:
    """Create a client of a reseller, in the reseller's zone by default."""
    account(oracle, entry)
    person = oracle.memory.people[entry.values["account"]]
    person.kind, person.reseller = "client", entry.values["reseller"]
    if not entry.values.get("zone"):
        person.zone = oracle.memory.people[entry.values["reseller"]].zone


def connect(oracle: Oracle, entry: JournalEntry) -> None:
    """Connect with the right password, unless the account has another reseller."""
    person = oracle.memory.people[entry.values["account"]]
    if not entry.values["matches"]:
        expected(oracle, entry, "bad_credentials")
        return
    if person.reseller not in (None, entry.values["reseller"]):
        expected(oracle, entry, "has_reseller")
        return
    if expected(oracle, entry, "ok"):
        oracle.settle(person)
        person.kind, person.reseller = "client", entry.values["reseller"]


def disconnect(oracle: Oracle, entry: JournalEntry) -> None:
    """It is nobody's client any more."""
    person = oracle.memory.people[entry.values["account"]]
    if not is_client_of(oracle, person.label, entry.values["reseller"]):
        expected(oracle, entry, "not_found")
    elif expected(oracle, entry, "ok"):
        release_client(oracle, person, entry)


def trial(oracle: Oracle, entry: JournalEntry) -> None:
    """A trial is once per account and once per person."""
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


def usage(oracle: Oracle, entry: JournalEntry) -> None:
    """A report counts once and is checked at once."""
    if entry.outcome != "ok":
        return
    values = entry.values
    person = oracle.memory.people[values["account"]]
    level = values.get("value")
    amount = level if level is not None else values["delta"]
    meter = person.meters.setdefault(values["metric"], Meter())
    if meter.take(Reported(level is not None, amount, values["at"]), values.get("report_id")):
        oracle.judge_metric(person, values["metric"], oracle.limits(person)[values["metric"]])


def assign(oracle: Oracle, entry: JournalEntry) -> None:
    """An assignment is charged at once; repeating it only cancels its end."""
    values = entry.values
    person = oracle.memory.people[values["account"]]
    oracle.settle(person)
    running = own_product(person, values["product"])
    if is_taken(oracle, person, values["product"]) and (running is None or running.until is not None):
        expected(oracle, entry, "not_multiple")
    elif not expected(oracle, entry, "ok"):
        return
    elif running is not None:
        running.until, running.deleted = None, False
    else:
        today = oracle.today()
        person.products[values["product"]] = Running(
            person.label, "product", values["product"], today, today, seller=person.reseller
        )
        oracle.charge(person, person.products[values["product"]], today, starting=True)


def own_product(person: Person, product: str) -> Running | None:
    """What its reseller of today assigned; what a former one paid for is not there for the next."""
    running = person.products.get(product)
    return running if running is None or person.reseller in (None, running.seller) else None


def is_taken(oracle: Oracle, person: Person, product: str) -> bool:
    """Whether the reseller has the product for another client, and may have it only once."""
    if oracle.rules.products[product].multiple:
        return False
    for other in oracle.memory.people.values():
        running = other.products.get(product)
        mine = other is not person and other.reseller is not None and other.reseller == person.reseller
        if mine and running is not None and running.seller == person.reseller and not running.is_over(oracle.today()):
            return True
    return False


def unassign(oracle: Oracle, entry: JournalEntry) -> None:
    """The plan ends with the paid period."""
    person = oracle.memory.people[entry.values["account"]]
    oracle.settle(person)
    running = own_product(person, entry.values["product"])
    if running is None:
        expected(oracle, entry, "not_found")
    elif expected(oracle, entry, "ok"):
        running.end_with_period(oracle.today())


def delete(oracle: Oracle, entry: JournalEntry) -> None:
    """Open offers are cancelled, the trial ends, fees run to the end of the paid period."""
    person = oracle.memory.people[entry.values["account"]]
    if person.kind == "reseller" and has_clients(oracle, person):
        expected(oracle, entry, "has_clients")
        return
    if not expected(oracle, entry, "ok"):
        return
    if person.kind == "reseller":
        release(oracle, person, entry)
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
    cancel_open(oracle, person, entry, "account_closed")


def running_of(person: Person) -> list[Running]:
    """Everything paid monthly."""
    plan = person.plans.current
    return [*([plan] if plan is not None else []), *person.products.values()]


def restore(oracle: Oracle, entry: JournalEntry) -> None:
    """Within 30 days; fees that only the deletion would have ended continue."""
    person = oracle.memory.people[entry.values["account"]]
    assert person.deleted is not None
    if entry.at >= person.deleted + timedelta(days=30):
        expected(oracle, entry, "final", "not_found")
    elif expected(oracle, entry, "ok"):
        oracle.settle(person)
        person.deleted = None
        if person.kind == "reseller":
            recompute(oracle, person.label)
        for running in running_of(person):
            if running.deleted:
                running.until, running.deleted = None, False


def suspend(oracle: Oracle, entry: JournalEntry) -> None:
    """No offer is sent, delivered or decided until it is resumed; all else goes on."""
    if entry.outcome == "ok":
        person = oracle.memory.people[entry.values["account"]]
        person.suspended, person.resumed = entry.values["on"], None if entry.values["on"] else entry.at


def apply(oracle: Oracle, entry: JournalEntry) -> None:
    """A file begins a version unless it changes nothing; the answer names the version that is in force then."""
    if not expected(oracle, entry, "ok"):
        return
    effective = entry.values["effective"]
    begun = oracle.versions.apply(entry.values["changes"], entry.at, effective)
    number = (begun or oracle.versions.at(effective or entry.at)).number
    said = entry.result["version"], entry.result["applied"]
    if said != (number, begun is not None):
        oracle.memory.complaints.append(f"{entry.at} version {said}, expected {number}")


ACTIONS: Mapping[str, Callable[[Oracle, JournalEntry], None]] = {
    "account": account,
    "join": join,
    "client": client,
    "connect": connect,
    "disconnect": disconnect,
    "trial": trial,
    "usage": usage,
    "pay": money_facts.pay,
    "order": money_facts.order,
    "service": services.order,
    "ask": services.ask,
    "change": service_failures.change,
    "cancel_order": service_failures.cancel,
    "offer": offer,
    "accept": decide("accepted"),
    "reject": decide("rejected"),
    "cancel": decide("cancelled"),
    "plan": plans.plan,
    "unplan": plans.unplan,
    "assign": assign,
    "unassign": unassign,
    "delete": delete,
    "restore": restore,
    "merge": resellers.merge,
    "revert": resellers.revert,
    "rejoin": resellers.rejoin,
    "down": down,
    "up": up,
    "suspend": suspend,
    "apply": apply,
    "import": imports.bank_file,
    "assign_unmatched": imports.assign_unmatched,
    "void": plans.void,
    # No rule here depends on these.
    **dict.fromkeys(("instance", "round", "mailbox"), lambda oracle, entry: None),
}
