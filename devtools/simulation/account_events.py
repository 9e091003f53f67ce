"""Random events about accounts: sign-up, connect, disconnect, delete, restore."""

from __future__ import annotations

from decimal import Decimal

from devtools.simulation.actors import LOCALES, ZONES, Client, Reseller, Scenario
from devtools.simulation.log import Action

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of accounts that live for minutes


def join(scenario: Scenario) -> list[Action]:
    """Create a reseller."""
    actors = scenario.actors
    label = f"R{actors.next_number('reseller'):04d}"
    size = Decimal(round(10 ** scenario.random.uniform(2, 5.5)))
    locale = scenario.random.choice(LOCALES)
    reseller = Reseller(label, f"{label.lower()}@resellers.example", locale, scenario.random.choice(ZONES), size)
    actors.resellers[label] = reseller
    values = {"account": label, "name": label, "email": reseller.email, "locale": locale, "zone": reseller.zone}
    return [scenario.new_action(label, "join", **values)]


def client(scenario: Scenario) -> list[Action]:
    """Create a client; some share the address of their reseller or of a deleted account."""
    actors = scenario.actors
    reseller = scenario.choose(list(actors.resellers.values()))
    if reseller is None:
        return []
    label = f"C{actors.next_number('client'):05d}"
    freed = [account.email for account in actors.clients.values() if account.deleted is not None]
    email = f"{label.lower()}@clients.example"
    if scenario.chance(0.06):
        email = reseller.email
    elif freed and scenario.chance(0.2):
        email = scenario.random.choice(freed)
    new = Client(label, email, reseller.label)
    actors.clients[label] = new
    zone = scenario.random.choice(ZONES)
    values = {"account": label, "name": label, "reseller": reseller.label, "email": email, "zone": zone}
    actions = [scenario.new_action(reseller.label, "client", **values)]
    if actors.one_time_products and scenario.chance(0.7):
        new.instance = True
        actions.append(scenario.new_action(reseller.label, "instance", account=label))
    return actions


def regular(scenario: Scenario) -> list[Action]:
    """Create a regular account."""
    label = f"A{scenario.actors.next_number('regular'):04d}"
    email = f"{label.lower()}@people.example"
    scenario.actors.clients[label] = Client(label, email, None, password=PASSWORD)
    values = {"account": label, "name": label, "email": email, "password": PASSWORD}
    return [scenario.new_action(label, "account", zone=scenario.random.choice(ZONES), **values)]


def connect(scenario: Scenario) -> list[Action]:
    """Connect an account by its password; some passwords are wrong, some accounts belong to another reseller."""
    reseller = scenario.choose(list(scenario.actors.resellers.values()))
    account = scenario.choose([account for account in scenario.actors.active_accounts() if account.password])
    if reseller is None or account is None or scenario.defers_billing:
        return []
    matches = scenario.chance(0.8)
    if matches and account.reseller is None:
        account.reseller = reseller.label
    password = account.password if matches else "no idea at all"
    values = {"account": account.label, "reseller": reseller.label, "password": password, "matches": matches}
    return [scenario.new_action(reseller.label, "connect", **values)]


def disconnect(scenario: Scenario) -> list[Action]:
    """Disconnect a client from its reseller."""
    client = scenario.choose(scenario.actors.active_clients())
    if client is None or scenario.defers_billing:
        return []
    reseller, client.reseller = client.reseller, None
    client.products.clear()
    return [scenario.new_action(str(reseller), "disconnect", account=client.label, reseller=reseller)]


def suspend(scenario: Scenario) -> list[Action]:
    """Suspend a client, or end its suspension; a suspended client is still charged."""
    client = scenario.choose(scenario.actors.active_clients())
    if client is None:
        return []
    return [scenario.new_action(str(client.reseller), "suspend", account=client.label, on=scenario.chance(0.6))]


def delete(scenario: Scenario) -> list[Action]:
    """Delete a client; half of them are restored later, some after the 30 days."""
    client = scenario.choose(scenario.actors.active_clients())
    if client is None or scenario.defers_billing:
        return []
    client.deleted, client.plan = scenario.now, None
    client.products.clear()
    if scenario.chance(0.5):
        scenario.schedule(scenario.in_days(1, 34), lambda later: restore(later, client))
    return [scenario.new_action(str(client.reseller), "delete", account=client.label)]


def restore(scenario: Scenario, client: Client) -> list[Action]:
    """Restore a client, which works for 30 days after the deletion."""
    if scenario.defers_billing:
        scenario.schedule(scenario.in_days(0.1, 0.4), lambda later: restore(later, client))
        return []
    assert client.deleted is not None
    if (scenario.now - client.deleted).days < 30:
        client.deleted = None
    return [scenario.new_action(str(client.reseller), "restore", account=client.label)]
