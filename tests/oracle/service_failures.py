"""What goes wrong with services (provisioning.md 3): jobs that fail, orders that are cancelled, changes, accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.oracle.memory import JournalEntry
from tests.oracle.offers import expected
from tests.oracle.services import Asked, Service, go_on, is_covered, may_begin, pay_back, price_of, take, write

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle


def fail(oracle: Oracle, service: Service) -> None:
    """What is under way has failed for good: credited; the state stays unless it was to be made; an end stays asked."""
    asked = service.asked[0]
    if asked.verb == "terminate":
        asked.dead = True
        return
    service.asked.pop(0)
    service.busy = False
    pay_back(oracle, service, asked)
    if asked.cause == "account":
        service.strayed = True
    if asked.verb == "create":
        service.failed += 1
        service.move("failed")
    go_on(oracle, service)


def cancel(oracle: Oracle, entry: JournalEntry) -> None:
    """An order is cancelled while its service is made: credited, and nothing was done yet, so the service ends."""
    service = oracle.memory.services[entry.values["service"]]
    if service.state != "pending" or not service.busy:
        expected(oracle, entry, "illegal_transition")
    elif expected(oracle, entry, "ok"):
        service.busy = False
        pay_back(oracle, service, service.asked.pop(0))
        service.move("ended")
        go_on(oracle, service)


def change(oracle: Oracle, entry: JournalEntry) -> None:
    """More costs its part of the days left, at once; less counts from the next renewal."""
    service, quantity = oracle.memory.services[entry.values["service"]], entry.values["quantity"]
    allowed = may_begin(service, Asked("change"))
    if quantity <= service.quantity:
        if expected(oracle, entry, "ok" if allowed else "illegal_transition"):
            service.next_quantity = quantity if quantity < service.quantity else None
        return
    if oracle.memory.people[service.reseller].suspended:
        expected(oracle, entry, "account_suspended")
    elif service.busy:
        expected(oracle, entry, "action_under_way")
    elif not allowed:
        expected(oracle, entry, "illegal_transition")
    else:
        grow(oracle, entry, service, quantity)


def grow(oracle: Oracle, entry: JournalEntry, service: Service, quantity: int) -> None:
    """Charge what is added: its price of now, days left over days of the term, half up."""
    start, until = service.paid
    whole = price_of(oracle, service.reseller, service.product, quantity - service.quantity)
    left = Decimal(max((until - oracle.today()).days, 0))
    net = oracle.rules.rounded(whole * left / (until - start).days)
    if not is_covered(oracle, service.reseller, net):
        expected(oracle, entry, "insufficient_balance")
    elif expected(oracle, entry, "ok"):
        write(oracle, service.reseller, "order", -net)
        take(oracle, service, Asked("change", net=net, quantity=quantity))


def follow(oracle: Oracle, reseller: str) -> None:
    """Services are suspended, or resumed, as their account is."""
    suspended = oracle.memory.people[reseller].suspended
    for service in oracle.memory.services.values():
        lives = service.reseller == reseller and service.state in ("pending", "active", "suspended")
        is_asked = any(asked.cause == "account" for asked in service.asked)
        if lives and not is_asked and not service.strayed and suspended != ("account" in service.causes):
            take(oracle, service, Asked("suspend" if suspended else "resume", "account"))
