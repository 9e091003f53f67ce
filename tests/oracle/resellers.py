"""Resellers that are none any more, and come back (programme.md 2.5 to 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle import services
from tests.oracle.account_book import Line, balance
from tests.oracle.memory import JournalEntry, Person
from tests.oracle.offers import expected
from tests.oracle.recomputing import recompute

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def single_products(oracle: Oracle, reseller: str) -> set[str]:
    """The products its clients have now of which it may have only one."""
    return {
        code
        for person in oracle.memory.people.values()
        for code, running in person.products.items()
        if person.reseller == running.seller == reseller
        and not running.is_over(oracle.today())
        and not oracle.rules.products[code].multiple
    }


def merge(oracle: Oracle, entry: JournalEntry) -> None:
    """Clients, payments, charges and the balance move; the source becomes a regular account."""
    values = entry.values
    if single_products(oracle, values["source"]) & single_products(oracle, values["target"]):
        expected(oracle, entry, "conflicts")
        return
    if not expected(oracle, entry, "ok"):
        return
    source = oracle.memory.people[values["source"]]
    target = oracle.memory.people[values["target"]]
    for person in oracle.memory.people.values():
        if person.reseller == source.label:
            oracle.settle(person)
            person.reseller = target.label
    for person in oracle.memory.people.values():
        for running in person.products.values():
            running.seller = target.label if running.seller == source.label else running.seller
    oracle.memory.payers = [
        (charge, target.label if payer == source.label and charge.account != source.label else payer)
        for charge, payer in oracle.memory.payers
    ]
    moved = balance(oracle.memory.lines, source.label)
    if moved:
        oracle.memory.lines.append(Line(source.label, "transfer", -moved, None))
        oracle.memory.lines.append(Line(target.label, "transfer", moved, None))
    oracle.memory.merged[source.label] = target.label
    services.merged(oracle)
    target.paid.extend(source.paid)
    source.paid.clear()
    source.kind = "regular"
    recompute(oracle, target.label)


def revert(oracle: Oracle, entry: JournalEntry) -> None:
    """Without clients, or letting them go, a reseller is a regular account again; its money facts stay its own."""
    person = oracle.memory.people[entry.values["account"]]
    if has_clients(oracle, person) and not entry.values["disconnect"]:
        expected(oracle, entry, "has_clients")
    elif expected(oracle, entry, "ok"):
        release(oracle, person, entry)
        person.kind = "regular"


def rejoin(oracle: Oracle, entry: JournalEntry) -> None:
    """A reseller again: what was paid meanwhile counts."""
    if expected(oracle, entry, "ok"):
        oracle.memory.people[entry.values["account"]].kind = "reseller"
        recompute(oracle, entry.values["account"])


def has_clients(oracle: Oracle, reseller: Person) -> bool:
    """Whether it has a client that is not deleted."""
    return any(each.reseller == reseller.label and each.deleted is None for each in oracle.memory.people.values())


def release(oracle: Oracle, reseller: Person, entry: JournalEntry) -> None:
    """Disconnect every client of a reseller, deleted ones too."""
    for person in oracle.memory.people.values():
        if person.reseller == reseller.label:
            release_client(oracle, person, entry)


def release_client(oracle: Oracle, person: Person, entry: JournalEntry) -> None:
    """Products run to the end of the paid period; the account pays its plan from the next period on."""
    oracle.settle(person)
    for running in person.products.values():
        running.end_with_period(oracle.today())
    cancel_open(oracle, person, entry, "account_moved")
    person.kind, person.reseller = "regular", None


def cancel_open(oracle: Oracle, person: Person, entry: JournalEntry, reason: str) -> None:
    """Every open offer to the account is cancelled."""
    for offered in oracle.memory.offers.values():
        if offered.account == person.label and offered.seen(entry.at)[0] == "open":
            offered.state, offered.reason = "cancelled", reason
