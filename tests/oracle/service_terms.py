"""What a service's term brings by itself (provisioning.md 3): renewals, grace, the end; and what a payment brings."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from tests.oracle.days import days_from, local_date
from tests.oracle.services import Asked, Service, is_covered, price_of, take, write

if TYPE_CHECKING:
    from tests.oracle.oracle import Oracle

UNPAID_DAYS = timedelta(days=30)
SWEEP = time(4, tzinfo=UTC)
"""When the simulation looks for what is due; a deployment does every minute."""


def settle(oracle: Oracle) -> None:
    """Whoever got a line in its account book: its services that wait for money are renewed, those that end first."""
    memory = oracle.memory
    while oracle.stopped is None and memory.settled_lines < len(memory.lines):
        changed = {line.reseller for line in memory.lines[memory.settled_lines :]}
        memory.settled_lines = len(memory.lines)
        waiting = [each for each in memory.services.values() if each.unpaid and not each.busy]
        for service in sorted(waiting, key=lambda each: (each.paid[1], each.number)):
            owner = memory.people[service.reseller]
            pays = owner.label in changed and owner.kind == "reseller" and owner.deleted is None
            if pays and oracle.rules.products[service.product].renewal == "auto":
                renew_by_itself(oracle, service)


def renew_by_itself(oracle: Oracle, service: Service) -> bool:
    """Renew at the price of now if the balance covers it, else the service waits for money."""
    net = price_of(oracle, service.reseller, service.product, service.next_quantity or service.quantity)
    if not is_covered(oracle, service.reseller, net):
        service.unpaid = True
        return False
    write(oracle, service.reseller, "order", -net)
    take(oracle, service, Asked("renew", net=net))
    return True


def sweeps(oracle: Oracle, until: datetime) -> list[datetime]:
    """The instants after now and up to `until` at which the simulation looks for what is due."""
    if not oracle.memory.services:
        return []
    days = days_from(oracle.now.astimezone(UTC).date(), until.astimezone(UTC).date())
    instants = [datetime.combine(day, SWEEP) for day in days]
    return [instant for instant in instants if oracle.now < instant <= until]


def sweep(oracle: Oracle) -> None:
    """Do what is due, once for each sweep; one that was missed is made up for when the processes run again."""
    now = oracle.now.astimezone(UTC)
    last = datetime.combine(now.date(), SWEEP)
    last = last if last <= now else last - timedelta(days=1)
    if oracle.memory.swept >= last:
        return
    oracle.memory.swept = last
    today = local_date(oracle.now, oracle.rules.zone)
    for service in oracle.memory.services.values():
        if service.state in ("active", "suspended") and not service.busy:
            care(oracle, service, today)
    settle(oracle)


def care(oracle: Oracle, service: Service, today: date) -> None:
    """Renew, suspend or end a service whose term ends or has ended."""
    sold, until, owner = oracle.rules.products[service.product], service.paid[1], oracle.memory.people[service.reseller]
    if owner.deleted is not None:
        if today >= until:
            take(oracle, service, Asked("terminate"))
        return
    is_auto = sold.renewal == "auto" and today >= until - timedelta(days=1)
    ends, suspends = today >= until + UNPAID_DAYS, today >= until + timedelta(days=sold.grace)
    is_new = ends or (suspends and "unpaid" not in service.causes)
    if is_auto and (not service.unpaid or is_new) and renew_by_itself(oracle, service):
        return
    if ends:
        take(oracle, service, Asked("terminate"))
    elif suspends and "unpaid" not in service.causes:
        service.unpaid = True
        take(oracle, service, Asked("suspend", "unpaid"))
