"""Reads the sections on prices: discount, products, subscriptions, promo codes and campaigns."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from domain.programme.model import (
    AccountSubscription,
    Discount,
    FlatDiscount,
    ManagedBy,
    NoDiscount,
    Product,
    Promotion,
    ResellerSubscription,
    Tier,
    TurnoverDiscount,
)
from domain.programme.place import Place, Section
from domain.programme.sections import check_codes, money, names


class DiscountKind(StrEnum):
    """Kinds of discount."""

    NONE = "none"
    FLAT = "flat"
    TURNOVER = "turnover"


def discount(field: Place | None) -> Discount:
    """Read `kind` and the keys of that kind."""
    if field is None:
        return NoDiscount()
    section = Section(field)
    kind = section.need("kind").choice(DiscountKind)
    result: Discount
    match kind:
        case DiscountKind.NONE:
            result = NoDiscount()
        case DiscountKind.FLAT:
            result = FlatDiscount(section.need("percent").percent())
        case DiscountKind.TURNOVER:
            result = _turnover(section)
        case _:
            assert_never(kind)
    section.close()
    return result


def products(field: Place | None, currency: str) -> dict[str, Product]:
    """Read the products, by code."""
    entries = field.entries() if field else {}
    if field:
        check_codes(field, entries)
    return {code: _product(code, inner, currency) for code, inner in sorted(entries.items())}


def subscriptions(
    field: Place | None, currency: str
) -> tuple[dict[str, AccountSubscription], dict[str, ResellerSubscription]]:
    """Read `account` (retail) and `reseller` (wholesale) fees, by code."""
    if field is None:
        return {}, {}
    section = Section(field)
    retail, wholesale = section.take("account"), section.take("reseller")
    section.close()
    return _account_subscriptions(retail, currency), _reseller_subscriptions(wholesale, currency)


def promotions(field: Place | None, all_products: Mapping[str, Product]) -> dict[str, Promotion]:
    """Read promo codes or campaigns, by code."""
    result: dict[str, Promotion] = {}
    folded: set[str] = set()
    for code, inner in (field.entries() if field else {}).items():
        if field and code.casefold() in folded:
            field.key_of(code).complain("two codes differ only in case")
        folded.add(code.casefold())
        result[code] = _promotion(code, inner, all_products)
    return dict(sorted(result.items()))


def _account_subscriptions(field: Place | None, currency: str) -> dict[str, AccountSubscription]:
    result = {}
    for code, inner in _by_code(field).items():
        section = Section(inner)
        name, fee, shared = section.take("name"), section.need("fee"), section.take("shared")
        section.close()
        result[code] = AccountSubscription(
            code, name.text() if name else code, money(fee, currency), shared.truth() if shared else False
        )
    return result


def _reseller_subscriptions(field: Place | None, currency: str) -> dict[str, ResellerSubscription]:
    result = {}
    for code, inner in _by_code(field).items():
        section = Section(inner)
        name, fee, multiple = section.take("name"), section.need("fee"), section.take("multiple")
        section.close()
        result[code] = ResellerSubscription(
            code, name.text() if name else code, money(fee, currency), multiple.truth() if multiple else False
        )
    return result


def _by_code(field: Place | None) -> dict[str, Place]:
    entries = field.entries() if field else {}
    if field:
        check_codes(field, entries)
    return dict(sorted(entries.items()))


def _turnover(section: Section) -> TurnoverDiscount:
    families: list[str] = []
    for item in section.need("families").items():
        if item.code() in families:
            item.complain("duplicate family")
        families.append(item.code())
    rail = section.take("guard_rail")
    table = section.need("tiers")
    tiers: list[Tier] = []
    for item in table.items():
        tiers.append(_tier(item, families, tiers))
    if not tiers:
        table.complain("at least one tier is required")
    return TurnoverDiscount(tuple(families), tuple(tiers), rail.percent() if rail else Decimal(30))


def _tier(field: Place, families: list[str], before: list[Tier]) -> Tier:
    section = Section(field)
    name, start, percent = section.need("name"), section.need("from"), section.need("percent")
    section.close()
    tier = Tier(name.text(), start.decimal(), _percentages(percent, families))
    if tier.start < 0:
        start.complain(f"a tier must not start below zero ({tier.start})")
    if any(tier.name == other.name and tier.name != "?" for other in before):
        name.complain(f"duplicate tier: the name {tier.name!r} is used above")
    if any(tier.start == other.start for other in before):
        start.complain(f"duplicate tier: another tier starts at {tier.start}")
    elif before and tier.start < before[-1].start:
        start.complain(f"unsorted tier: {tier.start} follows {before[-1].start}")
    return tier


def _percentages(field: Place, families: list[str]) -> dict[str, Decimal]:
    section = Section(field)
    result = {family: section.need(family).percent() for family in families}
    section.close()
    return result


def _product(code: str, field: Place, currency: str) -> Product:
    section = Section(field)
    name, more, family = section.need("name"), section.take("names"), section.take("family")
    price = section.take("price")
    retail, wholesale = section.take("account_subscription"), section.take("reseller_subscription")
    managed, reseller, shared = section.take("managed_by"), section.take("reseller"), section.take("shared")
    section.close()
    return Product(
        code=code,
        name=name.text(),
        names=names(more),
        family=family.code() if family else None,
        price=money(price, currency) if price else None,
        account_subscription=retail.word() if retail else None,
        reseller_subscription=wholesale.word() if wholesale else None,
        managed_by=managed.choice(ManagedBy) if managed else ManagedBy.ADMIN,
        reseller=reseller.text() if reseller else None,
        shared=shared.truth() if shared else False,
    )


def _promotion(code: str, field: Place, all_products: Mapping[str, Product]) -> Promotion:
    section = Section(field)
    percent, chosen = section.need("percent"), section.take("products")
    first, last = section.take("from"), section.take("until")
    section.close()
    first_day, last_day = first.day() if first else None, last.day() if last else None
    if last and first_day and last_day and last_day < first_day:
        last.complain("the last day is before the first")
    codes = tuple(item.known(all_products, "product") for item in chosen.items()) if chosen else ()
    return Promotion(code, percent.percent(), codes, first_day, last_day)
