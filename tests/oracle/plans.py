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
        oracle.charge(person, person.plans.current, today, starting=True)
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


def last_paid(oracle: Oracle, running: Running) -> tuple[Charge, int] | None:
    """The last charge of a plan that runs, and its place."""
    payers = oracle.memory.payers
    for place in range(len(payers) - 1, -1, -1):
        charge = payers[place][0]
        if (charge.account, charge.kind, charge.code) == (running.account, "plan", running.code):
            return charge, place
    return None


def credit(oracle: Oracle, paid: tuple[Charge, int], at: datetime, day: date) -> Decimal:
    """Who paid gets the unused days back, the day of the change among them; returns the amount. Nothing, if void."""
    charge, place = paid
    if place in oracle.memory.void:
        return Decimal(0)
    payer = oracle.memory.payers[place][1]
    used, days = (day - charge.start).days, (charge.end - charge.start).days
    amount = oracle.rules.rounded(charge.total * (days - max(used, 0)) / days)
    if amount:
        start = max(day, charge.start)
        back = Charge(charge.account, "credit", charge.code, start, charge.end, amount, Decimal(0), charge.version)
        oracle.memory.credited[place] = len(oracle.memory.payers)
        oracle.memory.payers.append((back, payer))
        if payer != charge.account:
            oracle.memory.lines.append(Line(payer, "credit", amount, at))
    return amount


def void(oracle: Oracle, entry: JournalEntry) -> None:
    """What was charged by mistake goes back into the book of who pays it, and its credit with it."""
    said, places = entry.result, range(len(oracle.memory.payers))
    mine = [place for place in places if oracle.memory.payers[place][0].account == entry.values["account"]]
    if all(place in oracle.memory.void for place in mine):
        expected(oracle, entry, "not_found")
        return
    if not expected(oracle, entry, "ok"):
        return
    named = (said["kind"], said["code"], said["start"], said["end"], Decimal(said["total"]))
    charge_of = [(place, oracle.memory.payers[place][0]) for place in mine if place not in oracle.memory.void]
    [place, *_] = [
        place for place, each in charge_of if (each.kind, each.code, each.start, each.end, each.total) == named
    ]
    cancel(oracle, place, entry.at)
    if place in oracle.memory.credited and oracle.memory.credited[place] not in oracle.memory.void:
        cancel(oracle, oracle.memory.credited[place], entry.at)


def cancel(oracle: Oracle, place: int, at: datetime) -> None:
    """Take one charge or credit back."""
    charge, payer = oracle.memory.payers[place]
    oracle.memory.void.add(place)
    if payer != charge.account:
        amount = -charge.total if charge.kind == "credit" else charge.total
        oracle.memory.lines.append(Line(payer, "void", amount, at))


def unplan(oracle: Oracle, entry: JournalEntry) -> None:
    """The plan ends with the paid period."""
    if expected(oracle, entry, "ok"):
        person: Person = oracle.memory.people[entry.values["account"]]
        oracle.settle(person)
        person.plans.cancel(oracle.today())
