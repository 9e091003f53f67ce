"""Random events about offers, instances and usage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from devtools.simulation.actors import Client, Scenario
from devtools.simulation.log import Action
from devtools.simulation.money_events import take_plan

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


def _lines(scenario: Scenario) -> list[dict[str, Any]]:
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
    values.update(_amount(scenario, client, metric))
    if scenario.chance(0.6):
        values["report_id"] = f"U-{scenario.actors.next_number('report'):07d}"
        client.reports.append(values)
    return [scenario.new_action("instance", "usage", **values)]


def _amount(scenario: Scenario, client: Client, metric: str) -> dict[str, int]:
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
