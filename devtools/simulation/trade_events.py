"""Random events about money, offers, instances and usage."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from devtools.simulation.actors import Client, Reseller, Scenario
from devtools.simulation.log import Action

CENT = Decimal("0.01")


def pay(scenario: Scenario) -> list[Action]:
    """Enter a payment, a refund of an earlier one, or the same payment again; some of former resellers."""
    gone = [each for each in [*scenario.actors.merged, *scenario.actors.former.values()] if each.payments]
    if gone and scenario.chance(0.05):
        return refund(scenario, scenario.random.choice(gone))
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


def void(scenario: Scenario) -> list[Action]:
    """Void one of an account's last charges, on a statement or not."""
    client = scenario.choose([each for each in scenario.actors.active_accounts() if each.plan or each.products])
    if client is None or scenario.defers_billing:
        return []
    return [scenario.new_action("operator", "void", account=client.label, number=scenario.random.randint(0, 30))]


TERMS = ("P1Y", "P6M", "P1M", "P30D", "P14D", "P10D", "P2W", "P1Y1M1D")


def offer(scenario: Scenario) -> list[Action]:
    """Send an offer to a client with an instance; most are decided, some expire, some are withdrawn."""
    client = scenario.choose([client for client in scenario.actors.active_clients() if client.instance])
    if client is None or not scenario.actors.one_time_products:
        return []
    label = f"F{scenario.actors.next_number('offer'):06d}"
    scenario.actors.offers[label] = client.label
    days = scenario.random.choice([None, None, None, 1, 3, 10])
    values = {"offer": label, "account": client.label, "reseller": client.reseller, "days": days}
    _plan_decision(scenario, label, client, days or 30)
    return [
        scenario.new_action(str(client.reseller), "offer", lines=_lines(scenario), message=_message(scenario), **values)
    ]


def _lines(scenario: Scenario) -> list[dict[str, object]]:
    return [
        {
            "product": scenario.random.choice(scenario.actors.one_time_products),
            "count": scenario.random.choice([1, 5, 10, 10, 25, 100]),
            "mode": scenario.random.choice(["absolute", "relative"]),
            "term": scenario.random.choice(TERMS) if scenario.chance(0.9) else str(scenario.in_days(5, 300).date()),
        }
        for _ in range(scenario.random.choice([1, 1, 2, 3]))
    ]


def _message(scenario: Scenario) -> str | None:
    return "Your courses for the coming term.\nCall us." if scenario.chance(0.5) else None


def _plan_decision(scenario: Scenario, label: str, client: Client, days: float) -> None:
    """Plan the decision: soon, late, never, or about when the offer expires."""
    roll = scenario.random.random()
    action = "accept" if roll < 0.55 else "reject" if roll < 0.7 else "cancel" if roll < 0.85 else ""
    if not action:
        return
    at = scenario.in_days(0, min(days * 1.02, 12))
    scenario.schedule(at, lambda later: decide(later, action, label, client))
    if scenario.chance(0.1):
        second = scenario.random.choice(["accept", "reject", "cancel"])
        scenario.schedule(at, lambda later: decide(later, second, label, client))


def decide(scenario: Scenario, action: str, label: str, client: Client) -> list[Action]:
    """Accept, reject or withdraw an offer."""
    actor = str(client.reseller) if action == "cancel" else client.label
    return [scenario.new_action(actor, action, offer=label)]


def down(scenario: Scenario) -> list[Action]:
    """Take a customer's instance down for hours or days: refused, timeout, 503 or 429."""
    client = scenario.choose(
        [client for client in scenario.actors.active_accounts() if client.instance and not client.down]
    )
    if client is None:
        return []
    client.down = True
    scenario.schedule(scenario.in_days(0.02, 2.6), lambda later: up(later, client))
    failure = scenario.random.choice(["refused", "timeout", "503", "429"])
    return [scenario.new_action(client.label, "down", account=client.label, failure=failure)]


def up(scenario: Scenario, client: Client) -> list[Action]:
    """Bring an instance back."""
    client.down = False
    return [scenario.new_action(client.label, "up", account=client.label)]


def trial(scenario: Scenario) -> list[Action]:
    """Start a trial; a third are converted, some in the second of their end, some a second before."""
    client = scenario.choose(scenario.actors.active_accounts())
    rules = scenario.actors.programme.trial
    if client is None or rules is None:
        return []
    actor = client.label if scenario.chance(0.5) else client.reseller or client.label
    if client.trial_ends is None and client.plan is None:
        client.trial_ends = scenario.now + rules.length
        if scenario.actors.paid_plans and scenario.chance(0.35):
            ends = client.trial_ends
            moments = [ends, ends - timedelta(seconds=1), scenario.in_days(0.5, 6.5), ends + timedelta(days=1)]
            code = scenario.random.choice(scenario.actors.paid_plans)
            scenario.schedule(scenario.random.choice(moments), lambda later: take_plan(later, client, code))
    return [scenario.new_action(actor, "trial", account=client.label)]


def usage(scenario: Scenario) -> list[Action]:
    """Report usage as a level or an increase: on time, late, repeated, out of order, or around the limit."""
    client = scenario.choose(scenario.actors.active_accounts())
    metric = scenario.choose(scenario.actors.programme.metrics)
    if client is None or metric is None or scenario.defers_billing:
        return []
    if client.reports and scenario.chance(0.05):
        return [scenario.new_action("instance", "usage", **scenario.random.choice(client.reports[-4:]))]
    values: dict[str, Any] = {"account": client.label, "metric": metric, "at": scenario.now}
    roll = scenario.random.random()
    if roll < 0.08:
        values["at"] = scenario.now - timedelta(seconds=scenario.random.randint(1, 40 * 86_400))
    elif roll < 0.12:
        values["at"] = scenario.now.replace(second=0)
    values.update(_level(scenario, client, metric))
    if scenario.chance(0.6):
        values["report_id"] = f"U-{scenario.actors.next_number('report'):07d}"
        client.reports.append(values)
    return [scenario.new_action("instance", "usage", **values)]


def _level(scenario: Scenario, client: Client, metric: str) -> dict[str, int]:
    """Return a level for seven in ten accounts, an increase for two, either for the tenth."""
    group = int(client.label[1:]) % 10
    before = client.levels.get(metric, 0)
    if group < 2 or (group == 2 and scenario.chance(0.5)):
        added = scenario.random.choice([1, 1, 2, 5, 9, 14])
        client.levels[metric] = before + added
        return {"delta": added}
    level = max(0, before + scenario.random.choice([-8, -1, 1, 1, 2, 4, 7, 12]))
    if scenario.chance(0.25):
        limit = scenario.actors.programme.free_plan.limits.get(metric) or 50
        level = scenario.random.choice([limit * 8 // 10 - 1, limit * 8 // 10, limit - 1, limit, limit + 1, limit * 21])
    client.levels[metric] = level if level < 500 else before
    return {"value": level}
