"""Ideas about offers, and about customers' instances that are away for a while."""

from __future__ import annotations

from typing import Any

from workers.simulation.cast import Client
from workers.simulation.journal import Action
from workers.simulation.plot import Plot

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
