"""The meaning of taking, changing and cancelling a plan (programme.md 7.6)."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.oracle.days import wall_instant
from tests.oracle.fees import Charge, Running
from tests.oracle.memory import JournalEntry, Person
from tests.oracle.offers import expected

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def plan(oracle: Oracle, entry: JournalEntry) -> None:
    """A first plan, or one that costs more than what runs was charged, begins at once; it converts a trial."""
    if not expected(oracle, entry, "ok"):
        return
    person, code, today = oracle.memory.people[entry.values["account"]], entry.values["plan"], oracle.today()
    oracle.settle(person)
    former = person.plans.on(today)
    paid = last_paid(oracle, former) if former is not None else None
    first_instant = paid is not None and entry.at == wall_instant(paid[0].start, time(0), oracle.rules.zone)
    price = oracle.rules.prices[code] or Decimal(0)
    if person.plans.take(person.label, code, price, paid[0].fee if paid else None, today, first_instant=first_instant):
        if paid is not None:
            credit(oracle, paid, today)
        assert person.plans.current is not None
        oracle.charge(person, person.plans.current, today)
        if person.trial is not None and person.trial.state(entry.at) == "running":
            person.trial.converted, person.trial.closed_at = True, entry.at
            oracle.memory.trying.pop(person.label, None)
    oracle.move(person)


def last_paid(oracle: Oracle, running: Running) -> tuple[Charge, str] | None:
    """The last charge of a plan that runs, and who paid it."""
    for charge, payer in reversed(oracle.memory.payers):
        if (charge.account, charge.kind, charge.code) == (running.account, "plan", running.code):
            return charge, payer
    return None


def credit(oracle: Oracle, paid: tuple[Charge, str], day: date) -> None:
    """Who paid gets the unused days back, the day of the change among them."""
    charge, payer = paid
    used, days = (day - charge.start).days, (charge.end - charge.start).days
    amount = oracle.rules.rounded(charge.total * (days - max(used, 0)) / days)
    if amount:
        back = Charge(charge.account, "credit", charge.code, max(day, charge.start), charge.end, amount, Decimal(0))
        oracle.memory.payers.append((back, payer))


def unplan(oracle: Oracle, entry: JournalEntry) -> None:
    """The plan ends with the paid period."""
    if expected(oracle, entry, "ok"):
        person: Person = oracle.memory.people[entry.values["account"]]
        oracle.settle(person)
        person.plans.cancel(oracle.today())
