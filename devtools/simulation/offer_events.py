"""Random events about offers, instances and usage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from devtools.simulation.actors import Client, Plot
from devtools.simulation.log import Action
from devtools.simulation.money_events import take_plan

TERMS = ("P1Y", "P6M", "P1M", "P30D", "P14D", "P10D", "P2W", "P1Y1M1D")


def offer(plot: Plot) -> list[Action]:
    """An offer to a client with an instance; most are decided, some expire, some are withdrawn."""
    client = plot.pick([one for one in plot.cast.attached() if one.instance])
    if client is None or not plot.cast.sold:
        return []
    label = f"F{plot.cast.number('offer'):06d}"
    plot.cast.offers[label] = client.label
    days = plot.random.choice([None, None, None, 1, 3, 10])
    told = {"offer": label, "account": client.label, "reseller": client.reseller, "days": days}
    _plan_decision(plot, label, client, days or 30)
    return [plot.act(str(client.reseller), "offer", lines=_lines(plot), message=_message(plot), **told)]


def _lines(plot: Plot) -> list[dict[str, Any]]:
    return [
        {
            "product": plot.random.choice(plot.cast.sold),
            "count": plot.random.choice([1, 5, 10, 10, 25, 100]),
            "mode": plot.random.choice(["absolute", "relative"]),
            "term": plot.random.choice(TERMS) if plot.chance(0.9) else str(plot.in_days(5, 300).date()),
        }
        for _ in range(plot.random.choice([1, 1, 2, 3]))
    ]


def _message(plot: Plot) -> str | None:
    return "Your courses for the coming term.\nCall us." if plot.chance(0.5) else None


def _plan_decision(plot: Plot, label: str, client: Client, days: float) -> None:
    """Soon, late, never, or just when it expires."""
    roll = plot.random.random()
    action = "accept" if roll < 0.55 else "reject" if roll < 0.7 else "cancel" if roll < 0.85 else ""
    if not action:
        return
    at = plot.in_days(0, min(days * 1.02, 12))
    plot.plan(at, lambda then: decide(then, action, label, client))
    if plot.chance(0.1):
        again = plot.random.choice(["accept", "reject", "cancel"])
        plot.plan(at, lambda then: decide(then, again, label, client))


def decide(plot: Plot, action: str, label: str, client: Client) -> list[Action]:
    """Accept, reject or withdraw."""
    actor = str(client.reseller) if action == "cancel" else client.label
    return [plot.act(actor, action, offer=label)]


def down(plot: Plot) -> list[Action]:
    """A customer's instance goes away for hours or days, refusing or answering 503."""
    client = plot.pick([one for one in plot.cast.living() if one.instance and not one.down])
    if client is None:
        return []
    client.down = True
    plot.plan(plot.in_days(0.02, 2.6), lambda then: up(then, client))
    manner = plot.random.choice(["refused", "timeout", "503", "429"])
    return [plot.act(client.label, "down", account=client.label, manner=manner)]


def up(plot: Plot, client: Client) -> list[Action]:
    """It is back."""
    client.down = False
    return [plot.act(client.label, "up", account=client.label)]


def trial(plot: Plot) -> list[Action]:
    """A trial; a third is converted, some of those in the very second of its end, some a second before."""
    client = plot.pick(plot.cast.living())
    rules = plot.cast.programme.trial
    if client is None or rules is None:
        return []
    actor = client.label if plot.chance(0.5) else client.reseller or client.label
    if client.trial_ends is None and client.plan is None:
        client.trial_ends = plot.now + rules.length
        if plot.cast.paid_plans and plot.chance(0.35):
            ends = client.trial_ends
            moments = [ends, ends - timedelta(seconds=1), plot.in_days(0.5, 6.5), ends + timedelta(days=1)]
            code = plot.random.choice(plot.cast.paid_plans)
            plot.plan(plot.random.choice(moments), lambda then: take_plan(then, client, code))
    return [plot.act(actor, "trial", account=client.label)]


def usage(plot: Plot) -> list[Action]:
    """A report: a level or something more; late, repeated, out of order, at the limit and beside it."""
    client = plot.pick(plot.cast.living())
    metric = plot.pick(plot.cast.programme.metrics)
    if client is None or metric is None or plot.quiet:
        return []
    if client.reports and plot.chance(0.05):
        return [plot.act("instance", "usage", **plot.random.choice(client.reports[-4:]))]
    told: dict[str, Any] = {"account": client.label, "metric": metric, "at": plot.now}
    roll = plot.random.random()
    if roll < 0.08:
        told["at"] = plot.now - timedelta(seconds=plot.random.randint(1, 40 * 86_400))
    elif roll < 0.12:
        told["at"] = plot.now.replace(second=0)
    told.update(_amount(plot, client, metric))
    if plot.chance(0.6):
        told["report_id"] = f"U-{plot.cast.number('report'):07d}"
        client.reports.append(told)
    return [plot.act("instance", "usage", **told)]


def _amount(plot: Plot, client: Client, metric: str) -> dict[str, int]:
    """Most accounts report levels, every fifth reports what was added, every tenth both."""
    manner = int(client.label[1:]) % 10
    before = client.levels.get(metric, 0)
    if manner < 2 or (manner == 2 and plot.chance(0.5)):
        added = plot.random.choice([1, 1, 2, 5, 9, 14])
        client.levels[metric] = before + added
        return {"delta": added}
    level = max(0, before + plot.random.choice([-8, -1, 1, 1, 2, 4, 7, 12]))
    if plot.chance(0.25):
        limit = plot.cast.programme.free_plan.limits.get(metric) or 50
        level = plot.random.choice([limit * 8 // 10 - 1, limit * 8 // 10, limit - 1, limit, limit + 1, limit * 21])
    client.levels[metric] = level if level < 500 else before
    return {"value": level}
