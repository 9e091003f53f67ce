"""The meaning of taking, changing and cancelling a plan (programme.md 7.6)."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.oracle.account_book import Line
from tests.oracle.days import wall_instant
from tests.oracle.fees import Charge, Running
from tests.oracle.memory import JournalEntry, Person
from tests.oracle.offers import expected
from tests.oracle.turnover import percent_of

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def plan(oracle: Oracle, entry: JournalEntry) -> None:
    """A first plan, or one that costs more than what runs was charged, begins at once; it converts a trial."""
    if not expected(oracle, entry, "ok"):
        return
    person, code, today = oracle.memory.people[entry.values["account"]], entry.values["plan"], oracle.today()
    oracle.settle(person)
    former = person.plans.on(today)
    goes_on = former is not None and former.code == code and former.until is None
    paid = last_paid(oracle, former) if former is not None else None
    first_instant = paid is not None and entry.at == wall_instant(paid[0].start, time(0), oracle.rules.zone)
    price = oracle.rules.prices[code] or Decimal(0)
    answer = (Decimal(0), Decimal(0), entry.at)
    if person.plans.take(person.label, code, price, paid[0].fee if paid else None, today, first_instant=first_instant):
        back = credit(oracle, paid, entry.at, today) if paid is not None else Decimal(0)
        assert person.plans.current is not None
        oracle.charge(person, person.plans.current, today)
        answer = (oracle.memory.payers[-1][0].total, back, entry.at)
        if person.trial is not None and person.trial.state(entry.at) == "running":
            person.trial.converted, person.trial.closed_at = True, entry.at
            oracle.memory.trying.pop(person.label, None)
    elif former is not None and not goes_on:
        answer = (
            net(oracle, person, price),
            Decimal(0),
            wall_instant(former.period(today)[1], time(0), oracle.rules.zone),
        )
    check_quote(oracle, entry, answer)
    oracle.move(person)


def net(oracle: Oracle, person: Person, price: Decimal) -> Decimal:
    """What the payer of today would pay for a plan at the next period's start, by its discount of today."""
    payer = oracle.memory.people[person.payer]
    percent = percent_of(oracle.rules, payer.paid, oracle.today(), None) if payer.kind == "reseller" else Decimal(0)
    return oracle.rules.rounded(price * (100 - percent) / 100)


def check_quote(oracle: Oracle, entry: JournalEntry, answer: tuple[Decimal, Decimal, datetime]) -> None:
    """What was quoted before must be what then happened."""
    quoted = entry.result
    if quoted and (Decimal(quoted["charge"]), Decimal(quoted["credit"]), quoted["at"]) != answer:
        oracle.memory.complaints.append(f"{entry.at} quote {dict(entry.values)}: {dict(quoted)}, expected {answer}")


def last_paid(oracle: Oracle, running: Running) -> tuple[Charge, str] | None:
    """The last charge of a plan that runs, and who paid it."""
    for charge, payer in reversed(oracle.memory.payers):
        if (charge.account, charge.kind, charge.code) == (running.account, "plan", running.code):
            return charge, payer
    return None


def credit(oracle: Oracle, paid: tuple[Charge, str], at: datetime, day: date) -> Decimal:
    """Who paid gets the unused days back, the day of the change among them; returns the amount."""
    charge, payer = paid
    used, days = (day - charge.start).days, (charge.end - charge.start).days
    amount = oracle.rules.rounded(charge.total * (days - max(used, 0)) / days)
    if amount:
        back = Charge(charge.account, "credit", charge.code, max(day, charge.start), charge.end, amount, Decimal(0))
        oracle.memory.payers.append((back, payer))
        if payer != charge.account:
            oracle.memory.lines.append(Line(payer, "credit", amount, at))
    return amount


def unplan(oracle: Oracle, entry: JournalEntry) -> None:
    """The plan ends with the paid period."""
    if expected(oracle, entry, "ok"):
        person: Person = oracle.memory.people[entry.values["account"]]
        oracle.settle(person)
        person.plans.cancel(oracle.today())
