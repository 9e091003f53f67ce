"""Ideas about money: payments and refunds, orders, plans and products by the month."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

from devtools.simulation.actors import Client, Plot, Reseller
from devtools.simulation.log import Action

CENT = Decimal("0.01")


def pay(plot: Plot) -> list[Action]:
    """A payment, a refund of an older one, or the same payment told twice."""
    reseller = plot.pick(list(plot.cast.resellers.values()))
    if reseller is None:
        return []
    if reseller.payments and plot.chance(0.12):
        return refund(plot, reseller)
    if reseller.payments and plot.chance(0.04):
        reference, amount, paid_at = plot.random.choice(reseller.payments[-5:])
        return [_paid(plot, reseller, "payment", amount, paid_at, reference)]
    amount, paid_at = _amount(plot, reseller), _date(plot)
    reference = f"{reseller.label}-{plot.cast.number('payment'):06d}"
    if paid_at <= plot.now:
        reseller.payments.append((reference, amount, paid_at))
    return [_paid(plot, reseller, "payment", amount, paid_at, reference)]


def refund(plot: Plot, reseller: Reseller) -> list[Action]:
    """All or part of something paid before, counted on its own date."""
    amount = plot.random.choice(reseller.payments[-8:])[1]
    part = amount if plot.chance(0.5) else (amount * plot.random.randint(1, 99) / 100).quantize(CENT)
    kind = "chargeback" if plot.chance(0.25) else "refund"
    reference = f"{reseller.label}-{plot.cast.number('payment'):06d}"
    return [_paid(plot, reseller, kind, max(part, CENT), _date(plot), reference)]


def _paid(plot: Plot, reseller: Reseller, kind: str, amount: Decimal, at: datetime, reference: str) -> Action:
    told = {"kind": kind, "amount": str(amount), "paid_at": at, "reference": reference}
    return plot.act("operator", "pay", reseller=reseller.label, **told)


def _amount(plot: Plot, reseller: Reseller) -> Decimal:
    """About the reseller's size; every sixth exactly at the bound of a tier, or a hundredth beside it."""
    bounds = plot.cast.bounds
    if bounds and plot.chance(0.16):
        near = [bound for bound in bounds if bound <= reseller.size * 4] or bounds[:1]
        return plot.random.choice(near[-5:]) + plot.random.choice([-CENT, Decimal("0.00"), CENT])
    cents = int(reseller.size * 100 * Decimal(str(round(plot.random.uniform(0.1, 1.5), 4))))
    return max(Decimal(cents) / 100, CENT)


def _date(plot: Plot) -> datetime:
    """Mostly now; also weeks late, the first or last second of a day, rarely tomorrow."""
    roll = plot.random.random()
    if roll < 0.70:
        return plot.now
    if roll < 0.80:
        return plot.wall(-plot.random.randint(0, 3), time(0))
    if roll < 0.90:
        return plot.wall(-plot.random.randint(1, 4), time(23, 59, 59))
    if roll < 0.98:
        return plot.now - timedelta(seconds=plot.random.randint(0, 45 * 86_400))
    return plot.now + timedelta(hours=plot.random.randint(1, 30))


def order(plot: Plot) -> list[Action]:
    """An order, now and then with a promo code."""
    reseller, product = plot.pick(list(plot.cast.resellers.values())), plot.pick(plot.cast.sold)
    if reseller is None or product is None:
        return []
    codes = sorted(plot.cast.programme.promo_codes)
    typed = plot.random.choice(codes) if codes and plot.chance(0.4) else None
    told = {
        "product": product,
        "quantity": plot.random.choice([1, 1, 1, 2, 3, 7, 12]),
        "promo_code": typed.lower() if typed else None,
        "order_ref": f"O-{plot.cast.number('order'):06d}",
    }
    return [plot.act(reseller.label, "order", reseller=reseller.label, **told)]


def plan(plot: Plot) -> list[Action]:
    """A paid plan: a first one, a dearer, a cheaper, or the same again."""
    client, code = plot.pick(plot.cast.living()), plot.pick(plot.cast.paid_plans)
    if client is None or code is None or plot.quiet:
        return []
    return take_plan(plot, client, code)


def take_plan(plot: Plot, client: Client, code: str) -> list[Action]:
    """Take it now, unless the account is gone."""
    if client.deleted is not None or plot.quiet:
        return []
    client.plan = code
    return [plot.act(client.reseller or "operator", "plan", account=client.label, plan=code)]


def unplan(plot: Plot) -> list[Action]:
    """Back to the free plan at the period's end."""
    client = plot.pick([one for one in plot.cast.living() if one.plan is not None])
    if client is None or plot.quiet:
        return []
    client.plan = None
    return [plot.act(client.reseller or "operator", "unplan", account=client.label)]


def assign(plot: Plot) -> list[Action]:
    """A product by the month, now and then below cost, sometimes one that is there already."""
    client, product = plot.pick(plot.cast.attached()), plot.pick(plot.cast.recurring)
    if client is None or product is None or plot.quiet:
        return []
    taken = [one for one in plot.cast.attached() if one.reseller == client.reseller and product in one.products]
    if not (product in plot.cast.single and taken and taken != [client]):
        client.products.add(product)
    retail = plot.random.choice([None, None, "1.00", "25.00"])
    told = {"account": client.label, "product": product, "retail_fee": retail}
    return [plot.act(str(client.reseller), "assign", **told)]


def unassign(plot: Plot) -> list[Action]:
    """It runs to the end of the paid period; half of them are assigned again before."""
    client = plot.pick([one for one in plot.cast.attached() if one.products])
    if client is None or plot.quiet:
        return []
    product = plot.random.choice(sorted(client.products))
    client.products.discard(product)
    actions = [plot.act(str(client.reseller), "unassign", account=client.label, product=product)]
    if plot.chance(0.4):
        client.products.add(product)
        actions.append(plot.act(str(client.reseller), "assign", account=client.label, product=product, retail_fee=None))
    return actions
