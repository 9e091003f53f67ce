"""A programme as a canonical document, and the difference between two."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from kontor.kernel.serialization import canonical_json
from kontor.kernel.states import Renewal
from kontor.programme.billing import BillingRules
from kontor.programme.model import (
    Discount,
    DisplayName,
    FlatDiscount,
    Locale,
    ManagedBy,
    NoDiscount,
    Plan,
    Product,
    ProductKind,
    Programme,
    Promotion,
    ProviderContact,
    QuotaRules,
    TrialRules,
    TurnoverDiscount,
)
from kontor.programme.provisioning import ProvisioningRules
from kontor.programme.sections import UNLIMITED

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
            "signup": "open" if programme.signup else "closed",
            "second_factor": "resellers" if programme.second_factor else "optional",
            "accounts": _without_none(
                {
                    "legal_entity_required": programme.accounts.legal_entity_required,
                    "affiliate": programme.accounts.affiliate,
                }
            ),
            "terms": _without_none({"version": programme.terms.version, "url": programme.terms.url}),
            "contact": _contact(programme.contact),
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
            "billing": _billing(programme.billing),
            "metrics": _display_names(programme.metric_names),
            "families": _display_names(programme.family_names),
            "products": {code: _product(product) for code, product in programme.products.items()},
            "subscriptions": _subscriptions(programme),
            "promo_codes": {code: _promotion(promotion) for code, promotion in programme.promo_codes.items()},
            "campaigns": {code: _promotion(promotion) for code, promotion in programme.campaigns.items()},
        }
    )


def _contact(contact: ProviderContact) -> Document | None:
    return _without_none({"sales": contact.sales, "support": contact.support, "url": contact.url}) or None


def _plan(plan: Plan) -> Document:
    limits = {metric: UNLIMITED if limit is None else limit for metric, limit in plan.limits.items()}
    price = None if plan.price is None else f"{plan.price.amount:f}"
    features = list(plan.features) or None
    rows = {"name": plan.name, **_more_names(plan.names), "price": price, "limits": limits, "features": features}
    return _without_none(rows)


def _display_names(shown: Mapping[str, DisplayName]) -> Document | None:
    return {code: {"name": each.name, **_more_names(each.names)} for code, each in shown.items()} or None


def _more_names(names: Mapping[Locale, str]) -> Document:
    """Return `names` if there are any: files without them keep their digest."""
    return {"names": _by_locale(names)} if names else {}


def _trial(trial: TrialRules | None) -> Document | None:
    if trial is None:
        return None
    return {"days": trial.length.days, "reminders": [lead.days for lead in trial.reminders]}


def _quota(quota: QuotaRules) -> Document:
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
                    **_more_names(tier.names),
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


def _billing(billing: BillingRules) -> Document | None:
    """Return the section; None for the defaults: files without it keep their digest."""
    if billing == BillingRules():
        return None
    amounts = {"credit_limit": billing.credit_limit, "balance_low": billing.balance_low}
    written = {name: None if amount is None else f"{amount.amount:f}" for name, amount in amounts.items()}
    return _without_none({"mode": billing.mode.value, **written, "payment_url": billing.payment_url})


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
            # Files without these keys keep their digest.
            "kind": product.kind.value if product.kind is ProductKind.MAIN else None,
            "requires_main": True if product.requires_main else None,
            "terms": list(product.terms) or None,
            **_provisioning(product.provisioning),
        }
    )


def _provisioning(rules: ProvisioningRules) -> Document:
    """Return the keys that are not the defaults: files without them keep their digest."""
    return {
        "provisioning": {verb.value: task for verb, task in sorted(rules.tasks.items())} or None,
        "config": None if rules.config is None else dict(rules.config),
        "term": rules.term,
        "renewal": None if rules.renewal is Renewal.MANUAL else rules.renewal.value,
        "grace": f"P{rules.grace}D" if rules.grace else None,
    }


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


class ChangeKind(StrEnum):
    """Kinds of change."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ProgrammeChange:
    """One changed value; `path` is dotted, list rows are identified by name."""

    kind: ChangeKind
    path: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        match self.kind:
            case ChangeKind.ADDED:
                return f"+ {self.path}: {self.after}"
            case ChangeKind.REMOVED:
                return f"- {self.path}: {self.before}"
            case ChangeKind.CHANGED:
                return f"~ {self.path}: {self.before} -> {self.after}"
            case _:
                assert_never(self.kind)


def diff(old: Programme | None, new: Programme) -> list[ProgrammeChange]:
    """Return the changes from `old` (`None`: nothing applied yet), sorted by path; empty when equal."""
    return changes_between({} if old is None else to_document(old), to_document(new))


def changes_between(old: Document, new: Document) -> list[ProgrammeChange]:
    """Return the changes from one document to another, sorted by path."""
    before, after = dict(_flatten(old, "")), dict(_flatten(new, ""))
    changes = [_change(path, before.get(path), after.get(path)) for path in sorted({*before, *after})]
    return [change for change in changes if change.before != change.after]


def _change(path: str, before: str | None, after: str | None) -> ProgrammeChange:
    if before is None:
        return ProgrammeChange(ChangeKind.ADDED, path, None, after)
    kind = ChangeKind.REMOVED if after is None else ChangeKind.CHANGED
    return ProgrammeChange(kind, path, before, after)


def _flatten(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case Mapping():
            for key, inner in value.items():
                yield from _flatten(inner, f"{path}.{key}" if path else str(key))
        case [{"name": _}, *_] as rows:
            for row in rows:
                yield from _flatten_row(row, path)
        case str():
            yield path, value
        case _:
            yield path, canonical_json(value)


def _flatten_row(row: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(row, Mapping):
        rest = {key: inner for key, inner in row.items() if key != "name"}
        yield from _flatten(rest, f"{path}[{row['name']}]")
