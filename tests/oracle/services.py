"""Services that orders bought (provisioning.md 3): one thing at a time, terms, what an unpaid end brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.oracle import turnover
from tests.oracle.account_book import Line, balance, last_of
from tests.oracle.days import is_a_day, months_later
from tests.oracle.memory import JournalEntry
from tests.oracle.offers import expected

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle

TOO_MANY = 13
"""The handler of the simulation refuses to make so many at once."""
BEGINS_IN = {
    "create": ("pending",),
    "renew": ("active", "suspended"),
    "suspend": ("active", "suspended"),
    "resume": ("suspended",),
    "change": ("active", "suspended"),
    "terminate": ("active", "suspended", "failed"),
}


@dataclass
class Asked:
    """Something asked of a service: what it cost, and the term and quantity that it brings. `dead`: its job is."""

    verb: str
    cause: str | None = None
    net: Decimal | None = None
    term: tuple[date, date] | None = None
    quantity: int | None = None
    dead: bool = False


@dataclass
class Service:
    """A service. `paid`: first day and exclusive end; `asked`: the first one is under way when `busy`.

    `next_quantity`: from the next renewal; `strayed`: it could not follow its account, and is left alone for a day.
    """

    label: str
    reseller: str
    product: str
    quantity: int
    net: Decimal
    paid: tuple[date, date]
    anchor: date
    number: int
    state: str = "pending"
    causes: set[str] = field(default_factory=set)
    unpaid: bool = False
    asked: list[Asked] = field(default_factory=list)
    busy: bool = False
    arrows: list[str] = field(default_factory=lambda: ["pending"])
    failed: int = 0
    next_quantity: int | None = None
    strayed: bool = False

    def move(self, state: str) -> None:
        """Go to a state, which is an arrow of its life."""
        self.state = state
        self.arrows.append(state)


def end_of(start: date, anchor: date, term: str) -> date:
    """The end of a term such as P7D or P1M: a month's on the anchor's day, or the last one that the month has."""
    count = int(term[1:-1])
    if term.endswith("D"):
        return start + timedelta(days=count)
    first = months_later(date(start.year, start.month, 1), count)
    day = anchor.day
    while not is_a_day(first.year, first.month, day):
        day -= 1
    return date(first.year, first.month, day)


def price_of(oracle: Oracle, reseller: str, product: str, quantity: int) -> Decimal:
    """What it costs now, without a code."""
    paid = oracle.memory.people[reseller].paid
    return turnover.order(oracle.rules, paid, oracle.today(), product, quantity, None).net


def is_covered(oracle: Oracle, reseller: str, net: Decimal) -> bool:
    """Whether the balance, and what it may be below zero, covers a price."""
    credit = oracle.rules.credit
    return credit is None or net <= 0 or net <= balance(oracle.memory.lines, reseller) + credit


def order(oracle: Oracle, entry: JournalEntry) -> None:
    """An order is charged at once, and its service begins to be made; its term begins today."""
    values = entry.values
    net = price_of(oracle, values["reseller"], values["product"], values["quantity"])
    if oracle.memory.people[values["reseller"]].suspended:
        expected(oracle, entry, "account_suspended")
        return
    if not is_covered(oracle, values["reseller"], net):
        expected(oracle, entry, "insufficient_balance")
        return
    if not expected(oracle, entry, "ok"):
        return
    if Decimal(entry.result["net"]) != net:
        oracle.memory.complaints.append(f"{entry.at} service {dict(values)}: {entry.result}, expected {net}")
    write(oracle, values["reseller"], "order", -net)
    today, term = oracle.today(), oracle.rules.products[values["product"]].term
    number, paid = len(oracle.memory.services), (today, end_of(today, today, term))
    service = Service(
        values["service"], values["reseller"], values["product"], values["quantity"], net, paid, today, number
    )
    oracle.memory.services[service.label] = service
    take(oracle, service, Asked("create", net=net))


def write(oracle: Oracle, reseller: str, kind: str, amount: Decimal) -> None:
    """Write a line of now."""
    oracle.memory.lines.append(Line(reseller, kind, amount, oracle.now))


def ask(oracle: Oracle, entry: JournalEntry) -> None:
    """Something is asked of a service: refused by its state, unless it waits behind what is under way."""
    service, verb = oracle.memory.services.get(entry.values["service"]), entry.values["verb"]
    if service is None:
        expected(oracle, entry, "not_found")
    elif verb == "retry":
        retry(oracle, entry, service)
    elif verb == "renew":
        renew(oracle, entry, service)
    else:
        asked = Asked(verb, "operator" if verb in ("suspend", "resume") else None)
        if not service.busy and not may_begin(service, asked):
            expected(oracle, entry, "illegal_transition")
        elif expected(oracle, entry, "ok"):
            take(oracle, service, asked)


def retry(oracle: Oracle, entry: JournalEntry, service: Service) -> None:
    """A failed service is made again: charged at the order's own net, its term begins today. So is a failed end."""
    if gone := buys_no_longer(oracle, service.reseller):
        expected(oracle, entry, *gone)
    elif service.busy and service.asked[0].verb == "terminate":
        if expected(oracle, entry, "ok" if service.asked[0].dead else "not_retryable"):
            service.asked[0].dead = False
    elif service.state != "failed":
        expected(oracle, entry, "illegal_transition")
    elif oracle.memory.people[service.reseller].suspended:
        expected(oracle, entry, "account_suspended")
    elif not is_covered(oracle, service.reseller, service.net):
        expected(oracle, entry, "insufficient_balance")
    elif expected(oracle, entry, "ok"):
        write(oracle, service.reseller, "order", -service.net)
        today = oracle.today()
        service.paid = (today, end_of(today, today, oracle.rules.products[service.product].term))
        service.anchor = today
        service.move("pending")
        take(oracle, service, Asked("create", net=service.net))


def renew(oracle: Oracle, entry: JournalEntry, service: Service) -> None:
    """A renewal by hand is an order at the price of now."""
    net = price_of(oracle, service.reseller, service.product, service.next_quantity or service.quantity)
    if gone := buys_no_longer(oracle, service.reseller):
        expected(oracle, entry, *gone)
    elif oracle.memory.people[service.reseller].suspended:
        expected(oracle, entry, "account_suspended")
    elif not service.busy and not may_begin(service, Asked("renew")):
        expected(oracle, entry, "illegal_transition")
    elif not is_covered(oracle, service.reseller, net):
        expected(oracle, entry, "insufficient_balance")
    elif expected(oracle, entry, "ok"):
        write(oracle, service.reseller, "order", -net)
        take(oracle, service, Asked("renew", net=net))


def buys_no_longer(oracle: Oracle, reseller: str) -> tuple[str, ...]:
    """The refusal of what costs money for a reseller that is none any more, or is deleted."""
    person = oracle.memory.people[reseller]
    if person.kind != "reseller":
        return ("not_a_reseller",)
    return ("account_deleted", "not_found") if person.deleted is not None else ()


def may_begin(service: Service, asked: Asked) -> bool:
    """Whether the state of now lets it begin."""
    if service.state not in BEGINS_IN[asked.verb]:
        return False
    if asked.verb == "suspend" and service.state == "suspended":
        return asked.cause != "operator" and asked.cause not in service.causes
    return asked.verb != "resume" or asked.cause in service.causes


def take(oracle: Oracle, service: Service, asked: Asked) -> None:
    """Put it behind what was asked before, and go on."""
    service.asked.append(asked)
    go_on(oracle, service)


def go_on(oracle: Oracle, service: Service) -> None:
    """Begin what waits, one after another; a job ends at once while the processes run, else when they do again."""
    while service.asked and not service.busy:
        asked = service.asked[0]
        if not may_begin(service, asked):
            service.asked.pop(0)
            pay_back(oracle, service, asked)
            continue
        service.busy = True
        if asked.verb == "renew":
            asked.term, asked.quantity = next_term(oracle, service), service.next_quantity or service.quantity
        if oracle.stopped is None or not needs_job(oracle, service, asked):
            finish(oracle, service)
        else:
            oracle.memory.begun.append(service)


def needs_job(oracle: Oracle, service: Service, asked: Asked) -> bool:
    """A verb without a task does not; one more cause of a suspension, or one of several less, changes nothing there."""
    if asked.verb not in oracle.rules.products[service.product].verbs:
        return False
    if asked.verb == "suspend":
        return service.state != "suspended"
    return asked.verb != "resume" or service.causes <= {asked.cause}


def next_term(oracle: Oracle, service: Service) -> tuple[date, date]:
    """From the end of the last one, also when early; from today for what is suspended unpaid."""
    term = oracle.rules.products[service.product].term
    if "unpaid" in service.causes:
        return oracle.today(), end_of(oracle.today(), oracle.today(), term)
    return service.paid[1], end_of(service.paid[1], service.anchor, term)


def finish(oracle: Oracle, service: Service) -> None:
    """What is under way has succeeded, or, too many to make, failed."""
    asked, service.busy = service.asked.pop(0), False
    if asked.verb in ("suspend", "resume"):
        turn(service, asked)
    elif asked.verb == "terminate":
        service.causes, service.unpaid = set(), False
        service.move("ended")
    elif asked.verb == "create" and service.quantity == TOO_MANY:
        service.failed += 1
        service.move("failed")
        pay_back(oracle, service, asked)
    elif asked.verb == "create":
        service.move("active")
    else:
        service.quantity, service.next_quantity = asked.quantity or service.quantity, None
    if asked.term is not None:
        prolong(service, asked.term)


def prolong(service: Service, term: tuple[date, date]) -> None:
    """It is paid for a term; one that was suspended for want of money is resumed."""
    if "unpaid" in service.causes:
        service.anchor = term[0]
        service.asked.append(Asked("resume", "unpaid"))
    service.paid, service.unpaid = term, False


def turn(service: Service, asked: Asked) -> None:
    """It is suspended for one more cause, or for one less."""
    if asked.verb == "suspend":
        service.causes.add(str(asked.cause))
        if service.state != "suspended":
            service.move("suspended")
    else:
        service.causes.discard(str(asked.cause))
        if not service.causes:
            service.move("active")


def pay_back(oracle: Oracle, service: Service, asked: Asked) -> None:
    """Credit what it cost to the reseller that has the service."""
    if asked.net is not None:
        write(oracle, service.reseller, "credit", asked.net)


def merged(oracle: Oracle) -> None:
    """Services belong to the reseller that counts for theirs now."""
    for service in oracle.memory.services.values():
        service.reseller = last_of(oracle.memory.merged, service.reseller)


def start_again(oracle: Oracle) -> None:
    """The processes run again: the jobs of what was under way end in the order in which they began."""
    begun, oracle.memory.begun = oracle.memory.begun, []
    for service in begun:
        finish(oracle, service)
        go_on(oracle, service)
