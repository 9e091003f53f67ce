"""Random events about money: payments, refunds, orders, plans and monthly products."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

from devtools.simulation.actors import Client, Reseller, Scenario
from devtools.simulation.log import Action

CENT = Decimal("0.01")


def pay(scenario: Scenario) -> list[Action]:
    """Enter a payment, a refund of an earlier one, or the same payment again."""
    reseller = scenario.choose(list(scenario.actors.resellers.values()))
    if reseller is None:
        return []
    if reseller.payments and scenario.chance(0.12):
        return refund(scenario, reseller)
    if reseller.payments and scenario.chance(0.04):
        reference, amount, paid_at = scenario.random.choice(reseller.payments[-5:])
        return [_paid(scenario, reseller, "payment", amount, paid_at, reference)]
    amount, paid_at = _amount(scenario, reseller), _date(scenario)
    reference = f"{reseller.label}-{scenario.actors.next_number('payment'):06d}"
    if paid_at <= scenario.now:
        reseller.payments.append((reference, amount, paid_at))
    return [_paid(scenario, reseller, "payment", amount, paid_at, reference)]


def refund(scenario: Scenario, reseller: Reseller) -> list[Action]:
    """Refund all or part of an earlier payment, on its own date."""
    amount = scenario.random.choice(reseller.payments[-8:])[1]
    part = amount if scenario.chance(0.5) else (amount * scenario.random.randint(1, 99) / 100).quantize(CENT)
    kind = "chargeback" if scenario.chance(0.25) else "refund"
    reference = f"{reseller.label}-{scenario.actors.next_number('payment'):06d}"
    return [_paid(scenario, reseller, kind, max(part, CENT), _date(scenario), reference)]


def _paid(scenario: Scenario, reseller: Reseller, kind: str, amount: Decimal, at: datetime, reference: str) -> Action:
    values = {"kind": kind, "amount": str(amount), "paid_at": at, "reference": reference}
    return scenario.new_action("operator", "pay", reseller=reseller.label, **values)


def _amount(scenario: Scenario, reseller: Reseller) -> Decimal:
    """Return an amount around the reseller's size; one in six is at the start of a tier, or a cent off."""
    bounds = scenario.actors.tier_starts
    if bounds and scenario.chance(0.16):
        near = [bound for bound in bounds if bound <= reseller.size * 4] or bounds[:1]
        return scenario.random.choice(near[-5:]) + scenario.random.choice([-CENT, Decimal("0.00"), CENT])
    cents = int(reseller.size * 100 * Decimal(str(round(scenario.random.uniform(0.1, 1.5), 4))))
    return max(Decimal(cents) / 100, CENT)


def _date(scenario: Scenario) -> datetime:
    """Return mostly now; sometimes weeks ago, the first or last second of a day, rarely tomorrow."""
    roll = scenario.random.random()
    if roll < 0.70:
        return scenario.now
    if roll < 0.80:
        return scenario.local_time(-scenario.random.randint(0, 3), time(0))
    if roll < 0.90:
        return scenario.local_time(-scenario.random.randint(1, 4), time(23, 59, 59))
    if roll < 0.98:
        return scenario.now - timedelta(seconds=scenario.random.randint(0, 45 * 86_400))
    return scenario.now + timedelta(hours=scenario.random.randint(1, 30))


def order(scenario: Scenario) -> list[Action]:
    """Place an order, sometimes with a promo code."""
    reseller, product = (
        scenario.choose(list(scenario.actors.resellers.values())),
        scenario.choose(scenario.actors.one_time_products),
    )
    if reseller is None or product is None:
        return []
    codes = sorted(scenario.actors.programme.promo_codes)
    typed = scenario.random.choice(codes) if codes and scenario.chance(0.4) else None
    values = {
        "product": product,
        "quantity": scenario.random.choice([1, 1, 1, 2, 3, 7, 12]),
        "promo_code": typed.lower() if typed else None,
        "order_ref": f"O-{scenario.actors.next_number('order'):06d}",
    }
    return [scenario.new_action(reseller.label, "order", reseller=reseller.label, **values)]


def plan(scenario: Scenario) -> list[Action]:
    """Take a paid plan: the first, a more or less expensive one, or the same again."""
    client, code = scenario.choose(scenario.actors.active_accounts()), scenario.choose(scenario.actors.paid_plans)
    if client is None or code is None or scenario.defers_billing:
        return []
    return take_plan(scenario, client, code)


def take_plan(scenario: Scenario, client: Client, code: str) -> list[Action]:
    """Take a plan now, unless the account is deleted."""
    if client.deleted is not None or scenario.defers_billing:
        return []
    client.plan = code
    return [scenario.new_action(client.reseller or "operator", "plan", account=client.label, plan=code)]


def unplan(scenario: Scenario) -> list[Action]:
    """Cancel a plan at the end of its period."""
    client = scenario.choose([client for client in scenario.actors.active_accounts() if client.plan is not None])
    if client is None or scenario.defers_billing:
        return []
    client.plan = None
    return [scenario.new_action(client.reseller or "operator", "unplan", account=client.label)]


def assign(scenario: Scenario) -> list[Action]:
    """Assign a monthly product, sometimes below cost, sometimes one that is already assigned."""
    client, product = (
        scenario.choose(scenario.actors.active_clients()),
        scenario.choose(scenario.actors.recurring_products),
    )
    if client is None or product is None or scenario.defers_billing:
        return []
    taken = [
        other
        for other in scenario.actors.active_clients()
        if other.reseller == client.reseller and product in other.products
    ]
    if not (product in scenario.actors.exclusive_products and taken and taken != [client]):
        client.products.add(product)
    retail = scenario.random.choice([None, None, "1.00", "25.00"])
    values = {"account": client.label, "product": product, "retail_fee": retail}
    return [scenario.new_action(str(client.reseller), "assign", **values)]


def unassign(scenario: Scenario) -> list[Action]:
    """End a product with its paid period; four in ten are assigned again before."""
    client = scenario.choose([client for client in scenario.actors.active_clients() if client.products])
    if client is None or scenario.defers_billing:
        return []
    product = scenario.random.choice(sorted(client.products))
    client.products.discard(product)
    actions = [scenario.new_action(str(client.reseller), "unassign", account=client.label, product=product)]
    if scenario.chance(0.4):
        client.products.add(product)
        actions.append(
            scenario.new_action(str(client.reseller), "assign", account=client.label, product=product, retail_fee=None)
        )
    return actions
