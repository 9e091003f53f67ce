"""Serialization of a programme: the shape of its file in JSON values, deterministic."""

from collections.abc import Mapping
from decimal import Decimal

from domain.programme.model import (
    Discount,
    FlatDiscount,
    Locale,
    ManagedBy,
    NoDiscount,
    Plan,
    Product,
    Programme,
    Promotion,
    Quota,
    Trial,
    TurnoverDiscount,
)
from domain.programme.sections import UNLIMITED

Document = dict[str, object]


def to_document(programme: Programme) -> Document:
    """Return the document that `from_document` reads back; every default is written out."""
    return _without_none(
        {
            "name": programme.name,
            "locale": programme.locale.value,
            "currency": programme.currency,
            "timezone": programme.timezone,
            "white_label": programme.white_label,
            "accounts": _without_none(
                {
                    "legal_entity_required": programme.accounts.legal_entity_required,
                    "affiliate": programme.accounts.affiliate,
                }
            ),
            "terms": _without_none({"version": programme.terms.version, "url": programme.terms.url}),
            "sender": {
                "name": programme.sender.name,
                "address": programme.sender.address,
                "addresses": _by_locale(programme.sender.addresses),
            },
            "plans": {code: _plan(plan) for code, plan in programme.plans.items()},
            "trial": _trial(programme.trial),
            "quota": _quota(programme.quota),
            "offers": {"expire_after_days": programme.offer_life.days},
            "discount": _discount(programme.discount),
            "products": {code: _product(product) for code, product in programme.products.items()},
            "subscriptions": _subscriptions(programme),
            "promo_codes": {code: _promotion(promotion) for code, promotion in programme.promo_codes.items()},
            "campaigns": {code: _promotion(promotion) for code, promotion in programme.campaigns.items()},
        }
    )


def _plan(plan: Plan) -> Document:
    limits = {metric: UNLIMITED if limit is None else limit for metric, limit in plan.limits.items()}
    price = None if plan.price is None else f"{plan.price.amount:f}"
    return _without_none({"name": plan.name, "price": price, "limits": limits})


def _trial(trial: Trial | None) -> Document | None:
    if trial is None:
        return None
    return {"days": trial.length.days, "reminders": [lead.days for lead in trial.reminders]}


def _quota(quota: Quota) -> Document:
    return {"warning": _number(quota.warning), "period": quota.period.value}


def _discount(discount: Discount) -> Document:
    match discount:
        case NoDiscount():
            return {"kind": "none"}
        case FlatDiscount(percent):
            return {"kind": "flat", "percent": _number(percent)}
        case TurnoverDiscount(families, tiers, guard_rail):
            rows = [
                {
                    "name": tier.name,
                    "from": _number(tier.start),
                    "percent": {family: _number(percent) for family, percent in tier.percent.items()},
                }
                for tier in tiers
            ]
            return {
                "kind": "turnover",
                "families": list(families),
                "guard_rail": _number(guard_rail),
                "tiers": rows,
            }


def _product(product: Product) -> Document:
    return _without_none(
        {
            "name": product.name,
            "names": _by_locale(product.names),
            "family": product.family,
            "price": None if product.price is None else f"{product.price.amount:f}",
            "account_subscription": product.account_subscription,
            "reseller_subscription": product.reseller_subscription,
            "managed_by": product.managed_by.value,
            "reseller": product.reseller if product.managed_by is ManagedBy.RESELLER else None,
            "shared": product.shared,
        }
    )


def _subscriptions(programme: Programme) -> Document:
    return {
        "account": {
            code: {"name": retail.name, "fee": f"{retail.fee.amount:f}", "shared": retail.shared}
            for code, retail in programme.account_subscriptions.items()
        },
        "reseller": {
            code: {"name": wholesale.name, "fee": f"{wholesale.fee.amount:f}", "multiple": wholesale.multiple}
            for code, wholesale in programme.reseller_subscriptions.items()
        },
    }


def _promotion(promotion: Promotion) -> Document:
    return _without_none(
        {
            "percent": _number(promotion.percent),
            "products": list(promotion.products),
            "from": None if promotion.first_day is None else promotion.first_day.isoformat(),
            "until": None if promotion.last_day is None else promotion.last_day.isoformat(),
        }
    )


def _by_locale(names: Mapping[Locale, str]) -> dict[str, str]:
    return {locale.value: name for locale, name in names.items()}


def _number(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _without_none(document: Mapping[str, object]) -> Document:
    return {key: value for key, value in document.items() if value is not None}
