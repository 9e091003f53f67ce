"""Random events about resellers: they merge, stop being resellers, come back, are deleted and restored."""

from __future__ import annotations

from devtools.simulation.actors import Reseller, Scenario
from devtools.simulation.log import Action

FEWEST = 4
"""So many resellers stay."""


def revert(scenario: Scenario) -> list[Action]:
    """A reseller becomes a regular account again, if need be without its clients; some are resellers again later."""
    actors = scenario.actors
    if scenario.defers_billing or len(actors.resellers) < FEWEST:
        return []
    label = scenario.random.choice(list(actors.resellers))
    released, disconnects = _clients_of(scenario, label), scenario.chance(0.7)
    action = scenario.new_action("operator", "revert", account=label, disconnect=disconnects)
    if disconnects or not released:
        _leave(scenario, label)
        if scenario.chance(0.6):
            scenario.schedule(scenario.in_days(0.5, 40), lambda later: rejoin(later, label))
    return [action]


def rejoin(scenario: Scenario, label: str) -> list[Action]:
    """A former reseller becomes one again."""
    if scenario.defers_billing:
        scenario.schedule(scenario.in_days(0.1, 0.4), lambda later: rejoin(later, label))
        return []
    scenario.actors.resellers[label] = scenario.actors.former.pop(label)
    return [scenario.new_action("operator", "rejoin", account=label)]


def delete(scenario: Scenario) -> list[Action]:
    """Delete a reseller, which works if it has no clients; half of them are restored, some after the 30 days."""
    actors = scenario.actors
    if scenario.defers_billing or len(actors.resellers) < FEWEST:
        return []
    alone = [label for label in actors.resellers if not _clients_of(scenario, label)]
    label = scenario.random.choice(alone or list(actors.resellers))
    if alone:
        gone = _leave(scenario, label)
        gone.deleted = scenario.now
        if scenario.chance(0.5):
            scenario.schedule(scenario.in_days(1, 34), lambda later: restore(later, gone))
    return [scenario.new_action("operator", "delete", account=label)]


def restore(scenario: Scenario, gone: Reseller) -> list[Action]:
    """Restore a reseller, which works for 30 days after the deletion."""
    if scenario.defers_billing:
        scenario.schedule(scenario.in_days(0.1, 0.4), lambda later: restore(later, gone))
        return []
    assert gone.deleted is not None
    if (scenario.now - gone.deleted).days < 30:
        gone.deleted = None
        scenario.actors.resellers[gone.label] = scenario.actors.former.pop(gone.label)
    return [scenario.new_action("operator", "restore", account=gone.label)]


def _clients_of(scenario: Scenario, label: str) -> list[str]:
    return [client.label for client in scenario.actors.active_clients() if client.reseller == label]


def _leave(scenario: Scenario, label: str) -> Reseller:
    """Take a reseller out; what it had becomes nobody's, deleted accounts too."""
    actors = scenario.actors
    for client in actors.clients.values():
        if client.reseller == label:
            client.reseller = None
            client.products.clear()
    actors.former[label] = actors.resellers.pop(label)
    return actors.former[label]


def merge(scenario: Scenario) -> list[Action]:
    """Merge one reseller into another, unless both have a product that a reseller may have only once."""
    actors = scenario.actors
    if scenario.defers_billing or len(actors.resellers) < FEWEST:
        return []
    source, target = scenario.random.sample(list(actors.resellers), 2)
    moving = [client for client in actors.clients.values() if client.reseller == source]
    staying = [client for client in actors.clients.values() if client.reseller == target]
    exclusive = set(actors.exclusive_products)
    if any(a.products & b.products & exclusive for a in moving for b in staying):
        return [scenario.new_action("operator", "merge", source=source, target=target)]
    for client in moving:
        client.reseller = target
    gone = actors.resellers.pop(source)
    actors.resellers[target].payments.extend(gone.payments)
    actors.merged.append(gone)
    return [scenario.new_action("operator", "merge", source=source, target=target)]
