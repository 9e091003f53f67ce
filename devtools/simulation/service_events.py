"""Random events of services: ordered, renewed, suspended, resumed, ended, tried again."""

from __future__ import annotations

from typing import Final

from devtools.simulation.actors import Scenario
from devtools.simulation.log import Action

REFUSED_QUANTITY: Final = 13
"""Handlers of a simulation refuse to make so many at once."""
QUANTITIES: Final = (1, 1, 1, 1, 2, 3, REFUSED_QUANTITY)
VERBS: Final = ("renew", "renew", "renew", "suspend", "suspend", "resume", "resume", "resume", "terminate", "retry")


def order(scenario: Scenario) -> list[Action]:
    """Order a service that a handler makes; one in seven is refused by the handler."""
    actors = scenario.actors
    reseller = scenario.choose(list(actors.resellers.values()))
    product = scenario.choose(actors.provisioned_products)
    if reseller is None or product is None:
        return []
    number = actors.next_number("service")
    actors.services.append(f"S{number}")
    values = {
        "service": f"S{number}",
        "product": product,
        "quantity": scenario.random.choice(QUANTITIES),
        "order_ref": f"S-{number:06d}",
    }
    return [scenario.new_action(reseller.label, "service", reseller=reseller.label, **values)]


def ask(scenario: Scenario) -> list[Action]:
    """Ask something of a service, whatever its state."""
    label = scenario.choose(scenario.actors.services)
    if label is None:
        return []
    return [scenario.new_action("operator", "ask", service=label, verb=scenario.random.choice(VERBS))]
