"""The meaning of a merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.account_book import Line, balance
from tests.oracle.memory import JournalEntry
from tests.oracle.offers import expected

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
    target.paid.extend(source.paid)
    source.paid.clear()
    source.kind = "regular"
