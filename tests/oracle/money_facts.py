"""The meaning of payments and orders."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.oracle import turnover
from tests.oracle.account_book import Line, balance, came_from, last_of
from tests.oracle.days import local_date
from tests.oracle.memory import JournalEntry
from tests.oracle.offers import expected

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def pay(oracle: Oracle, entry: JournalEntry) -> None:
    """A payment counts once per reference; refunds and chargebacks count on their own date."""
    values = entry.values
    key = (values["reseller"], values["reference"])
    if values["paid_at"] > entry.at:
        expected(oracle, entry, "in_future")
        return
    merged = oracle.memory.merged
    earlier = [(origin, values["reference"]) for origin in came_from(merged, values["reseller"])]
    if not expected(oracle, entry, "ok") or any(each in oracle.memory.references for each in (key, *earlier)):
        return
    sign = 1 if values["kind"] == "payment" else -1
    paid = turnover.Paid(local_date(values["paid_at"], oracle.rules.zone), sign * Decimal(values["amount"]))
    oracle.memory.references[key] = paid
    counts_for = last_of(merged, values["reseller"])
    oracle.memory.people[counts_for].paid.append(paid)
    oracle.memory.lines.append(Line(counts_for, values["kind"], paid.amount, values["paid_at"]))


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
