"""Reads the sections on prices: discount, products, subscriptions, promo codes and campaigns."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from kontor.programme.model import (
    AccountSubscription,
    Discount,
    FlatDiscount,
    ManagedBy,
    NoDiscount,
    Product,
    ProductKind,
    Promotion,
    ResellerSubscription,
    Tier,
    TurnoverDiscount,
)
from kontor.programme.provisioning import duration, read_provisioning
from kontor.programme.reader import FieldReader, SectionReader
from kontor.programme.sections import check_codes, read_money, read_names


class DiscountKind(StrEnum):
    """Kinds of discount."""

    NONE = "none"
    FLAT = "flat"
    TURNOVER = "turnover"


def read_discount(field: FieldReader | None) -> Discount:
    """Read `kind` and the keys of that kind."""
    if field is None:
        return NoDiscount()
    section = SectionReader(field)
    kind = section.required("kind").choice(DiscountKind)
    result: Discount
    match kind:
        case DiscountKind.NONE:
            result = NoDiscount()
        case DiscountKind.FLAT:
            result = FlatDiscount(section.required("percent").percent())
        case DiscountKind.TURNOVER:
            result = _turnover(section)
        case _:
            assert_never(kind)
    section.reject_unknown()
    return result


def read_products(field: FieldReader | None, currency: str) -> dict[str, Product]:
    """Read the products, by code."""
    entries = field.entries() if field else {}
    if field:
        check_codes(field, entries)
    return {code: _product(code, inner, currency) for code, inner in sorted(entries.items())}


def read_subscriptions(
    field: FieldReader | None, currency: str
) -> tuple[dict[str, AccountSubscription], dict[str, ResellerSubscription]]:
    """Read `account` (retail) and `reseller` (wholesale) fees, by code."""
    if field is None:
        return {}, {}
    section = SectionReader(field)
    retail, wholesale = section.optional("account"), section.optional("reseller")
    section.reject_unknown()
    return _account_subscriptions(retail, currency), _reseller_subscriptions(wholesale, currency)


def read_promotions(field: FieldReader | None, all_products: Mapping[str, Product]) -> dict[str, Promotion]:
    """Read promo codes or campaigns, by code."""
    result: dict[str, Promotion] = {}
    folded: set[str] = set()
    for code, inner in (field.entries() if field else {}).items():
        if field and code.casefold() in folded:
            field.key_of(code).add_error("two codes differ only in case")
        folded.add(code.casefold())
        result[code] = _promotion(code, inner, all_products)
    return dict(sorted(result.items()))


def _account_subscriptions(field: FieldReader | None, currency: str) -> dict[str, AccountSubscription]:
    result = {}
    for code, inner in _by_code(field).items():
        section = SectionReader(inner)
        name, fee, shared = section.optional("name"), section.required("fee"), section.optional("shared")
        section.reject_unknown()
        result[code] = AccountSubscription(
            code, name.text() if name else code, read_money(fee, currency), shared.boolean() if shared else False
        )
    return result


def _reseller_subscriptions(field: FieldReader | None, currency: str) -> dict[str, ResellerSubscription]:
    result = {}
    for code, inner in _by_code(field).items():
        section = SectionReader(inner)
        name, fee, multiple = section.optional("name"), section.required("fee"), section.optional("multiple")
        section.reject_unknown()
        result[code] = ResellerSubscription(
            code, name.text() if name else code, read_money(fee, currency), multiple.boolean() if multiple else False
        )
    return result


def _by_code(field: FieldReader | None) -> dict[str, FieldReader]:
    entries = field.entries() if field else {}
    if field:
        check_codes(field, entries)
    return dict(sorted(entries.items()))


def _turnover(section: SectionReader) -> TurnoverDiscount:
    families: list[str] = []
    for item in section.required("families").items():
        if item.code() in families:
            item.add_error("duplicate family")
        families.append(item.code())
    rail = section.optional("guard_rail")
    table = section.required("tiers")
    tiers: list[Tier] = []
    for item in table.items():
        tiers.append(_tier(item, families, tiers))
    if not tiers:
        table.add_error("at least one tier is required")
    return TurnoverDiscount(tuple(families), tuple(tiers), rail.percent() if rail else Decimal(30))


def _tier(field: FieldReader, families: list[str], before: list[Tier]) -> Tier:
    section = SectionReader(field)
    name, start, percent = section.required("name"), section.required("from"), section.required("percent")
    names = section.optional("names")
    section.reject_unknown()
    tier = Tier(name.text(), start.decimal(), _percentages(percent, families), read_names(names))
    if tier.start < 0:
        start.add_error(f"a tier must not start below zero ({tier.start})")
    if any(tier.name == other.name and tier.name != "?" for other in before):
        name.add_error(f"duplicate tier: the name {tier.name!r} is used above")
    if any(tier.start == other.start for other in before):
        start.add_error(f"duplicate tier: another tier starts at {tier.start}")
    elif before and tier.start < before[-1].start:
        start.add_error(f"unsorted tier: {tier.start} follows {before[-1].start}")
    return tier


def _percentages(field: FieldReader, families: list[str]) -> dict[str, Decimal]:
    section = SectionReader(field)
    result = {family: section.required(family).percent() for family in families}
    section.reject_unknown()
    return result


def _product(code: str, field: FieldReader, currency: str) -> Product:
    section = SectionReader(field)
    name, more, family = section.required("name"), section.optional("names"), section.optional("family")
    price = section.optional("price")
    retail, wholesale = section.optional("account_subscription"), section.optional("reseller_subscription")
    managed, reseller, shared = section.optional("managed_by"), section.optional("reseller"), section.optional("shared")
    kind, requires_main, terms = section.optional("kind"), section.optional("requires_main"), section.optional("terms")
    provisioning = read_provisioning(section)
    section.reject_unknown()
    return Product(
        code=code,
        name=name.text(),
        names=read_names(more),
        family=family.code() if family else None,
        price=read_money(price, currency) if price else None,
        account_subscription=retail.word() if retail else None,
        reseller_subscription=wholesale.word() if wholesale else None,
        managed_by=managed.choice(ManagedBy) if managed else ManagedBy.ADMIN,
        reseller=reseller.text() if reseller else None,
        shared=shared.boolean() if shared else False,
        kind=kind.choice(ProductKind) if kind else ProductKind.ADDON,
        requires_main=_requires_main(kind, requires_main),
        terms=_licence_terms(terms) if terms else (),
        provisioning=provisioning,
    )


def _requires_main(kind: FieldReader | None, requires_main: FieldReader | None) -> bool:
    """Read `requires_main`; a main product cannot require one."""
    required = requires_main is not None and requires_main.boolean()
    if requires_main is not None and required and kind is not None and kind.word() == ProductKind.MAIN:
        requires_main.add_error("a main product cannot require a main product")
    return required


def _licence_terms(field: FieldReader) -> tuple[str, ...]:
    """Read durations such as `P6M`, each once."""
    terms: list[str] = []
    for item in field.items():
        term = item.validated(duration, "?")
        if term in terms and term != "?":
            item.add_error(f"duplicate term {term}")
        terms.append(term)
    if not terms:
        field.add_error("at least one term is required; leave the key out for any")
    return tuple(terms)


def _promotion(code: str, field: FieldReader, all_products: Mapping[str, Product]) -> Promotion:
    section = SectionReader(field)
    percent, chosen = section.required("percent"), section.optional("products")
    first, last = section.optional("from"), section.optional("until")
    section.reject_unknown()
    first_day, last_day = first.day() if first else None, last.day() if last else None
    if last and first_day and last_day and last_day < first_day:
        last.add_error("the last day is before the first")
    codes = tuple(item.one_of_codes(all_products, "product") for item in chosen.items()) if chosen else ()
    return Promotion(code, percent.percent(), codes, first_day, last_day)
