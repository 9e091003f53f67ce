"""What entries about offers mean, and what is said of a refusal that nobody expected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.oracle.licences import accept as accept_lines
from tests.oracle.people import Offered, Written

if TYPE_CHECKING:
    from tests.oracle.book import Oracle


def expected(oracle: Oracle, entry: Written, *outcomes: str) -> bool:
    """Complain when something else came of it; tell whether it was done."""
    if entry.outcome not in outcomes:
        told, wanted = dict(entry.values), " or ".join(outcomes)
        oracle.memory.complaints.append(f"{entry.at} {entry.action} {told}: {entry.outcome}, expected {wanted}")
    return entry.outcome == "ok" and "ok" in outcomes


def is_client_of(oracle: Oracle, account: str, reseller: str) -> bool:
    """Whether it is. The script does not always know: of a merge that is refused it hears nothing."""
    person = oracle.memory.people[account]
    return person.deleted is None and person.reseller == reseller


def offer(oracle: Oracle, entry: Written) -> None:
    """Lines are a snapshot; it lives 30 days unless told otherwise."""
    told = entry.values
    if not is_client_of(oracle, told["account"], told["reseller"]):
        expected(oracle, entry, "not_found")
    elif expected(oracle, entry, "ok"):
        life = timedelta(days=told.get("days") or oracle.rules.offer_days)
        made = Offered(told["offer"], told["account"], list(told["lines"]), entry.at, entry.at + life)
        oracle.memory.offers[told["offer"]] = made


def decide(state: str) -> Callable[[Oracle, Written], None]:
    """A decision or a withdrawal: only what is open can be closed."""

    def decided(oracle: Oracle, entry: Written) -> None:
        offered = oracle.memory.offers.get(entry.values["offer"])
        if offered is None:
            expected(oracle, entry, "not_found")
            return
        if offered.seen(entry.at)[0] != "open":
            expected(oracle, entry, "illegal_transition")
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


def down(oracle: Oracle, entry: Written) -> None:
    """The customer's instance cannot be reached from now on."""
    oracle.memory.down[entry.values["account"]] = entry.at
    oracle.memory.up_since.pop(entry.values["account"], None)


def up(oracle: Oracle, entry: Written) -> None:
    """It can be again."""
    oracle.memory.down.pop(entry.values["account"], None)
    oracle.memory.up_since[entry.values["account"]] = entry.at
