"""What a merge means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.offering import expected
from tests.oracle.people import Written

if TYPE_CHECKING:
    from tests.oracle.book import Oracle


def single_products(oracle: Oracle, reseller: str) -> set[str]:
    """What its clients have now of which it may have only one."""
    return {
        code
        for person in oracle.memory.people.values()
        for code, running in person.products.items()
        if person.reseller == reseller
        and not running.is_over(oracle.today())
        and not oracle.rules.products[code].multiple
    }


def merge(oracle: Oracle, entry: Written) -> None:
    """Clients, payments and charges move; the source is a regular account."""
    told = entry.values
    if single_products(oracle, told["source"]) & single_products(oracle, told["target"]):
        expected(oracle, entry, "conflicts")
        return
    if not expected(oracle, entry, "ok"):
        return
    source = oracle.memory.people[told["source"]]
    target = oracle.memory.people[told["target"]]
    for person in oracle.memory.people.values():
        if person.reseller == source.label:
            oracle.settle(person)
            person.reseller = target.label
    oracle.memory.payers = [
        (charge, target.label if payer == source.label and charge.account != source.label else payer)
        for charge, payer in oracle.memory.payers
    ]
    target.paid.extend(source.paid)
    source.paid.clear()
    source.kind = "regular"
