"""The meaning of payments and orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.oracle import turnover
from tests.oracle.account_book import Line, balance, came_from, last_of
from tests.oracle.days import local_date
from tests.oracle.memory import Fact, JournalEntry
from tests.oracle.offers import expected
from tests.oracle.recomputing import recompute

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def pay(oracle: Oracle, entry: JournalEntry) -> None:
    """A payment counts once per reference; refunds and chargebacks count on their own date."""
    values = entry.values
    if values["paid_at"] > entry.at:
        expected(oracle, entry, "in_future")
    elif expected(oracle, entry, "ok") and seen(oracle, values["reseller"], values["reference"]) is None:
        enter(oracle, values["reseller"], values["reference"], fact_of(values))


def fact_of(values: Mapping[str, Any]) -> Fact:
    """Kind, amount and date."""
    return values["kind"], Decimal(values["amount"]), values["paid_at"]


def seen(oracle: Oracle, reseller: str, reference: object) -> Fact | None:
    """What was entered under a reference for the reseller, or for one that was merged into it."""
    for origin in (reseller, *came_from(oracle.memory.merged, reseller)):
        fact = oracle.memory.references.get((origin, reference))
        if fact is not None:
            return fact
    return None


def enter(oracle: Oracle, reseller: str, reference: object, fact: Fact) -> None:
    """A money fact counts for the reseller, or for the one that counts for it now; it is a line in that one's book."""
    kind, amount, paid_at = fact
    signed = amount if kind == "payment" else -amount
    oracle.memory.references[reseller, reference] = fact
    counts_for = last_of(oracle.memory.merged, reseller)
    oracle.memory.people[counts_for].paid.append(turnover.Paid(local_date(paid_at, oracle.rules.zone), signed))
    recompute(oracle, counts_for)
    oracle.memory.lines.append(Line(counts_for, kind, signed, paid_at))


def order(oracle: Oracle, entry: JournalEntry) -> None:
    """The price follows from the ledger at that moment; balance and credit limit have to cover it."""
    values = entry.values
    paid = oracle.memory.people[values["reseller"]].paid
    priced = turnover.order(
        oracle.rules, paid, oracle.today(), values["product"], values["quantity"], values.get("promo_code")
    )
    there = balance(oracle.memory.lines, values["reseller"])
    if oracle.rules.credit is not None and 0 < priced.net > there + oracle.rules.credit:
        expected(oracle, entry, "insufficient_balance")
        return
    if not expected(oracle, entry, "ok"):
        return
    oracle.memory.lines.append(Line(values["reseller"], "order", -priced.net, entry.at))
    said = entry.result
    answered = (Decimal(said["list"]), Decimal(said["percent"]), Decimal(said["net"]), frozenset(said["suppressed"]))
    if answered != (priced.list_price, priced.percent, priced.net, priced.suppressed):
        oracle.memory.complaints.append(f"{entry.at} order {dict(values)}: {answered}, expected {priced}")
