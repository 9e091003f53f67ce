"""Ideas about accounts: they come, are connected and let go, deleted and restored, and resellers merge."""

from __future__ import annotations

from decimal import Decimal

from devtools.simulation.actors import LOCALES, ZONES, Client, Plot, Reseller
from devtools.simulation.log import Action

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of accounts that live for minutes


def join(plot: Plot) -> list[Action]:
    """A new reseller."""
    cast = plot.cast
    label = f"R{cast.number('reseller'):04d}"
    size = Decimal(round(10 ** plot.random.uniform(2, 5.5)))
    locale = plot.random.choice(LOCALES)
    made = Reseller(label, f"{label.lower()}@resellers.example", locale, plot.random.choice(ZONES), size)
    cast.resellers[label] = made
    told = {"account": label, "name": label, "email": made.email, "locale": locale, "zone": made.zone}
    return [plot.act(label, "join", **told)]


def client(plot: Plot) -> list[Action]:
    """A new client; some share their reseller's address, some had an account before."""
    cast = plot.cast
    reseller = plot.pick(list(cast.resellers.values()))
    if reseller is None:
        return []
    label = f"C{cast.number('client'):05d}"
    gone = [one.email for one in cast.clients.values() if one.deleted is not None]
    email = f"{label.lower()}@clients.example"
    if plot.chance(0.06):
        email = reseller.email
    elif gone and plot.chance(0.2):
        email = plot.random.choice(gone)
    made = Client(label, email, reseller.label)
    cast.clients[label] = made
    zone = plot.random.choice(ZONES)
    told = {"account": label, "name": label, "reseller": reseller.label, "email": email, "zone": zone}
    actions = [plot.act(reseller.label, "client", **told)]
    if cast.sold and plot.chance(0.7):
        made.instance = True
        actions.append(plot.act(reseller.label, "instance", account=label))
    return actions


def regular(plot: Plot) -> list[Action]:
    """Somebody who came alone."""
    label = f"A{plot.cast.number('regular'):04d}"
    email = f"{label.lower()}@people.example"
    plot.cast.clients[label] = Client(label, email, None, password=PASSWORD)
    told = {"account": label, "name": label, "email": email, "password": PASSWORD}
    return [plot.act(label, "account", zone=plot.random.choice(ZONES), **told)]


def connect(plot: Plot) -> list[Action]:
    """A reseller tries a name and a password; now and then a wrong one, or somebody else's client."""
    reseller = plot.pick(list(plot.cast.resellers.values()))
    account = plot.pick([one for one in plot.cast.living() if one.password])
    if reseller is None or account is None or plot.quiet:
        return []
    fits = plot.chance(0.8)
    if fits and account.reseller is None:
        account.reseller = reseller.label
    password = account.password if fits else "no idea at all"
    told = {"account": account.label, "reseller": reseller.label, "password": password, "fits": fits}
    return [plot.act(reseller.label, "connect", **told)]


def disconnect(plot: Plot) -> list[Action]:
    """A client goes its own way."""
    client = plot.pick(plot.cast.attached())
    if client is None or plot.quiet:
        return []
    reseller, client.reseller = client.reseller, None
    client.products.clear()
    return [plot.act(str(reseller), "disconnect", account=client.label, reseller=reseller)]


def suspend(plot: Plot) -> list[Action]:
    """A suspended client is charged all the same."""
    client = plot.pick(plot.cast.attached())
    if client is None:
        return []
    return [plot.act(str(client.reseller), "suspend", account=client.label, on=plot.chance(0.6))]


def delete(plot: Plot) -> list[Action]:
    """Half of the deleted come back, some of them too late."""
    client = plot.pick(plot.cast.attached())
    if client is None or plot.quiet:
        return []
    client.deleted, client.plan = plot.now, None
    client.products.clear()
    if plot.chance(0.5):
        plot.plan(plot.in_days(1, 34), lambda then: restore(then, client))
    return [plot.act(str(client.reseller), "delete", account=client.label)]


def restore(plot: Plot, client: Client) -> list[Action]:
    """Possible for 30 days."""
    if plot.quiet:
        plot.plan(plot.in_days(0.1, 0.4), lambda then: restore(then, client))
        return []
    assert client.deleted is not None
    if (plot.now - client.deleted).days < 30:
        client.deleted = None
    return [plot.act(str(client.reseller), "restore", account=client.label)]


def merge(plot: Plot) -> list[Action]:
    """One reseller takes over another."""
    cast = plot.cast
    if plot.quiet or len(cast.resellers) < 4:
        return []
    source, target = plot.random.sample(list(cast.resellers), 2)
    moving = [one for one in cast.clients.values() if one.reseller == source]
    staying = [one for one in cast.clients.values() if one.reseller == target]
    single = set(cast.single)
    if any(a.products & b.products & single for a in moving for b in staying):
        return [plot.act("operator", "merge", source=source, target=target)]
    for client in moving:
        client.reseller = target
    cast.resellers[target].payments.extend(cast.resellers.pop(source).payments)
    return [plot.act("operator", "merge", source=source, target=target)]
