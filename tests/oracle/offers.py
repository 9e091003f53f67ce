"""Entries about offers, and complaints about unexpected outcomes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.oracle.licences import accept as accept_lines
from tests.oracle.memory import JournalEntry, Offered

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def expected(oracle: Oracle, entry: JournalEntry, *outcomes: str) -> bool:
    """Complain about another outcome; returns whether the action was done."""
    if entry.outcome not in outcomes:
        values, expected_outcomes = dict(entry.values), " or ".join(outcomes)
        oracle.memory.complaints.append(
            f"{entry.at} {entry.action} {values}: {entry.outcome}, expected {expected_outcomes}"
        )
    return entry.outcome == "ok" and "ok" in outcomes


def is_client_of(oracle: Oracle, account: str, reseller: str) -> bool:
    """Whether it is. The scenario does not always know: it does not learn of a refused merge."""
    person = oracle.memory.people[account]
    return person.deleted is None and person.reseller == reseller


def offer(oracle: Oracle, entry: JournalEntry) -> None:
    """Lines are a snapshot; the offer expires after 30 days by default."""
    values = entry.values
    if not is_client_of(oracle, values["account"], values["reseller"]):
        expected(oracle, entry, "not_found")
    elif oracle.memory.people[values["account"]].suspended:
        expected(oracle, entry, "account_suspended")
    elif expected(oracle, entry, "ok"):
        life = timedelta(days=values.get("days") or oracle.rules.offer_days)
        made = Offered(values["offer"], values["account"], list(values["lines"]), entry.at, entry.at + life)
        oracle.memory.offers[values["offer"]] = made


def decide(state: str) -> Callable[[Oracle, JournalEntry], None]:
    """A decision or a withdrawal: only an open offer can be closed."""

    def decided(oracle: Oracle, entry: JournalEntry) -> None:
        offered = oracle.memory.offers.get(entry.values["offer"])
        if offered is None:
            expected(oracle, entry, "not_found")
            return
        if offered.seen(entry.at)[0] != "open":
            expected(oracle, entry, "illegal_transition")
            return
        if state != "cancelled" and oracle.memory.people[offered.account].suspended:
            expected(oracle, entry, "account_suspended", "illegal_transition")
            return
        if entry.outcome != "ok":
            if state == "cancelled":
                expected(oracle, entry, "ok")
            return
        offered.state, offered.reason = state, "withdrawn" if state == "cancelled" else None
        if state == "accepted":
            person = oracle.memory.people[offered.account]
            accept_lines(person.grants, offered.lines, entry.at, person.zone)

    return decided


def down(oracle: Oracle, entry: JournalEntry) -> None:
    """The customer's instance is down from now on."""
    oracle.memory.down[entry.values["account"]] = entry.at
    oracle.memory.up_since.pop(entry.values["account"], None)


def up(oracle: Oracle, entry: JournalEntry) -> None:
    """The instance is up again."""
    oracle.memory.down.pop(entry.values["account"], None)
    oracle.memory.up_since[entry.values["account"]] = entry.at
