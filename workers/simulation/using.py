"""Ideas about trials and usage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from workers.simulation.cast import Client
from workers.simulation.journal import Action
from workers.simulation.money import take_plan
from workers.simulation.plot import Plot


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
