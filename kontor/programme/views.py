"""A programme as its readers see it: a reseller without what is others', a client without prices and the provider."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from kontor.programme.diff import Document, to_document
from kontor.programme.model import ManagedBy, Plan, Product, Programme, Promotion
from kontor.programme.sections import UNLIMITED


def sold_by(programme: Programme, reseller_id: UUID) -> Mapping[str, Product]:
    """Return the products that a reseller may sell: all except those that another reseller manages."""
    return {
        code: product
        for code, product in programme.products.items()
        if product.managed_by is not ManagedBy.RESELLER or product.reseller == str(reseller_id)
    }


def for_reseller(programme: Programme, reseller_id: UUID) -> Document:
    """Return the document that a reseller sees: without other resellers' products, and what only those use."""
    products = {code: _without_tasks(product) for code, product in sold_by(programme, reseller_id).items()}
    hidden = programme.products.keys() - products.keys()
    retail = {product.account_subscription for product in products.values()}
    others = {programme.products[code].account_subscription for code in hidden} - retail
    wholesale = {product.reseller_subscription for product in products.values()}
    shown = replace(
        programme,
        products=products,
        account_subscriptions={
            code: each
            for code, each in programme.account_subscriptions.items()
            if code in retail or (each.shared and code not in others)
        },
        reseller_subscriptions={
            code: each for code, each in programme.reseller_subscriptions.items() if code in wholesale
        },
        promo_codes=_without(programme.promo_codes, hidden),
        campaigns=_without(programme.campaigns, hidden),
    )
    return to_document(shown)


def _without_tasks(product: Product) -> Product:
    """Return a product without the task types that provision it: those are the provider's own."""
    return (
        replace(product, provisioning=replace(product.provisioning, tasks={}))
        if product.provisioning.tasks
        else product
    )


def _without(promotions: Mapping[str, Promotion], hidden: Collection[str]) -> dict[str, Promotion]:
    """Return the promotions without hidden products; one for those alone is left out."""
    return {
        code: replace(each, products=tuple(product for product in each.products if product not in hidden))
        for code, each in promotions.items()
        if not each.products or set(each.products) - set(hidden)
    }


def for_client(programme: Programme, own_products: Iterable[str], renamed: Mapping[str, str]) -> Document:
    """Return the document that a client sees: plans and limits, the trial, and the names of its own products.

    `renamed`: names that its reseller gave.
    """
    whole = to_document(programme)
    named = {code: programme.products[code] for code in sorted(own_products) if code in programme.products}
    return {
        "currency": programme.currency,
        "locale": programme.locale.value,
        "timezone": programme.timezone,
        "plans": {code: _plan(plan) for code, plan in programme.plans.items()},
        **{section: whole[section] for section in ("trial", "quota") if section in whole},
        "products": {
            code: {"name": renamed[code]} if code in renamed else _names(product) for code, product in named.items()
        },
    }


def _plan(plan: Plan) -> Document:
    limits = {metric: UNLIMITED if limit is None else limit for metric, limit in plan.limits.items()}
    return {"name": plan.name, "limits": limits, **({"features": list(plan.features)} if plan.features else {})}


def _names(product: Product) -> Document:
    return {"name": product.name, "names": {locale.value: name for locale, name in product.names.items()}}
