"""Readers of the sections of a programme file."""

from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from typing import Final

from kontor.kernel.money import Money, round_half_up
from kontor.kernel.validation import email_address, https_url
from kontor.programme.billing import BillingMode, BillingRules
from kontor.programme.model import (
    AccountRules,
    DisplayName,
    Locale,
    Plan,
    ProviderContact,
    ProviderSender,
    QuotaPeriod,
    QuotaRules,
    TermsAndConditions,
    TrialRules,
)
from kontor.programme.reader import FieldReader, SectionReader

MAX_LIMIT: Final = 10**12
UNLIMITED: Final = "unlimited"
PLACEHOLDERS: Final = ("reseller", "amount", "reference")
"""Of the template of payment links."""


def read_money(field: FieldReader, currency: str) -> Money:
    """Read an amount in the programme's currency, zero or above, quoted or not."""
    amount = field.decimal()
    rounded = round_half_up(amount, currency)
    if amount < 0:
        field.add_error(f"a fee or price must not be negative ({amount})")
    elif rounded != amount:
        field.add_error(f"{amount} has more decimals than {currency}")
    return Money(rounded, currency)


def read_account_rules(field: FieldReader | None) -> AccountRules:
    """Read `legal_entity_required` and `affiliate`."""
    if field is None:
        return AccountRules()
    section = SectionReader(field)
    required = section.optional("legal_entity_required")
    affiliate = section.optional("affiliate")
    section.reject_unknown()
    entity_only = required.boolean() if required else False
    if entity_only and affiliate is None:
        field.add_error("the key 'affiliate' is missing: refused persons are referred there")
    return AccountRules(entity_only, affiliate.validated(_link_or_address, "?") if affiliate else None)


def read_terms(field: FieldReader) -> TermsAndConditions:
    """Read `version` and `url`."""
    section = SectionReader(field)
    version, url = section.required("version").word(), section.optional("url")
    section.reject_unknown()
    return TermsAndConditions(version, url.validated(https_url, "?") if url else None)


def read_contact(field: FieldReader | None) -> ProviderContact:
    """Read `sales` and `support` (mail addresses or https links) and `url`."""
    if field is None:
        return ProviderContact()
    section = SectionReader(field)
    sales, support, url = section.optional("sales"), section.optional("support"), section.optional("url")
    section.reject_unknown()
    return ProviderContact(
        sales.validated(_link_or_address, "?") if sales else None,
        support.validated(_link_or_address, "?") if support else None,
        url.validated(https_url, "?") if url else None,
    )


def read_sender(field: FieldReader) -> ProviderSender:
    """Read `name`, `address`, and `addresses` per locale."""
    section = SectionReader(field)
    name, address = section.required("name").text(), section.required("address").validated(email_address, "?")
    more = section.optional("addresses")
    section.reject_unknown()
    return ProviderSender(name, address, _by_locale(more, email_address) if more else {})


def read_names(field: FieldReader | None) -> dict[Locale, str]:
    """Read a name per locale."""
    return _by_locale(field, str) if field else {}


def read_display_names(field: FieldReader | None, codes: Collection[str], what: str) -> dict[str, DisplayName]:
    """Read `name` and `names` by code; each code is one of `codes`."""
    result = {}
    for code, inner in (field.entries() if field else {}).items():
        if field and code not in codes:
            field.key_of(code).add_error(f"unknown {what} {code!r}")
        section = SectionReader(inner)
        name, more = section.required("name").text(), section.optional("names")
        section.reject_unknown()
        result[code] = DisplayName(name, read_names(more))
    return dict(sorted(result.items()))


def read_plans(field: FieldReader, currency: str) -> dict[str, Plan]:
    """Read the plans, by code; exactly one of them has no price."""
    result = {code: _plan(code, inner, currency) for code, inner in field.entries().items()}
    check_codes(field, result)
    free = [code for code, plan in result.items() if plan.price is None]
    if not free:
        field.add_error("one plan without a price is required: the free plan")
    for code in free[1:]:
        field.key_of(code).add_error(f"a price is missing: {free[0]!r} is already the free plan")
    return dict(sorted(result.items()))


def read_trial(field: FieldReader | None) -> TrialRules | None:
    """Read `days` and `reminders` (days before the end)."""
    if field is None:
        return None
    section = SectionReader(field)
    days = section.required("days").integer(1, 366)
    reminders = section.optional("reminders")
    section.reject_unknown()
    leads = {lead.integer(1, 366) for lead in reminders.items()} if reminders else {3, 1}
    if reminders and any(lead >= days for lead in leads):
        reminders.add_error(f"a reminder must be less than {days} days, the length of the trial, before its end")
    return TrialRules(timedelta(days=days), tuple(timedelta(days=lead) for lead in sorted(leads, reverse=True)))


def read_quota(field: FieldReader | None) -> QuotaRules:
    """Read `warning` (percent of the limit) and `period`."""
    if field is None:
        return QuotaRules()
    section = SectionReader(field)
    warning, period = section.optional("warning"), section.optional("period")
    section.reject_unknown()
    return QuotaRules(
        warning.percent() if warning else Decimal(80),
        period.choice(QuotaPeriod) if period else QuotaPeriod.CALENDAR_MONTH,
    )


def read_offer_life(field: FieldReader | None) -> timedelta:
    """Read `expire_after_days`."""
    if field is None:
        return timedelta(days=30)
    section = SectionReader(field)
    days = section.required("expire_after_days").integer(1, 3650)
    section.reject_unknown()
    return timedelta(days=days)


def read_billing(field: FieldReader | None, payment_url: FieldReader | None, currency: str) -> BillingRules:
    """Read `mode`, `credit_limit`, `balance_low` and `payment_url`, which may stand beside the section, too."""
    if field is None:
        return BillingRules(payment_url=payment_url.validated(_payment_url, "?") if payment_url else None)
    section = SectionReader(field)
    mode, limit, low = section.optional("mode"), section.optional("credit_limit"), section.optional("balance_low")
    link = section.optional("payment_url") or payment_url
    section.reject_unknown()
    return BillingRules(
        mode=mode.choice(BillingMode) if mode else BillingMode.POSTPAID,
        credit_limit=read_money(limit, currency) if limit else None,
        balance_low=_threshold(low, currency) if low else None,
        payment_url=link.validated(_payment_url, "?") if link else None,
    )


def _threshold(field: FieldReader, currency: str) -> Money:
    """Read an amount of either sign: postpaid balances are below zero."""
    amount = field.decimal()
    rounded = round_half_up(amount, currency)
    if rounded != amount:
        field.add_error(f"{amount} has more decimals than {currency}")
    return Money(rounded, currency)


def _payment_url(text: str) -> str:
    """Return a template of a payment link; raises ValueError for other placeholders than the three."""
    plain = text
    for name in PLACEHOLDERS:
        plain = plain.replace(f"{{{name}}}", "x")
    if "{" in plain or "}" in plain:
        raise ValueError(f"the placeholders are {', '.join(f'{{{name}}}' for name in PLACEHOLDERS)}")
    https_url(plain)
    return text


def check_codes(field: FieldReader, codes: Collection[str]) -> None:
    """Report every key that is not a valid code."""
    for code in codes:
        field.key_of(code).code()


def _plan(code: str, field: FieldReader, currency: str) -> Plan:
    section = SectionReader(field)
    name, price, limits = section.optional("name"), section.optional("price"), section.optional("limits")
    names, features = section.optional("names"), section.optional("features")
    section.reject_unknown()
    metrics = limits.entries() if limits else {}
    if limits:
        check_codes(limits, metrics)
    return Plan(
        code,
        name.text() if name else code,
        read_money(price, currency) if price else None,
        {metric: _limit(inner) for metric, inner in sorted(metrics.items())},
        read_names(names),
        _features(features) if features else (),
    )


def _features(field: FieldReader) -> tuple[str, ...]:
    """Read codes of features, in alphabetical order."""
    codes: set[str] = set()
    for item in field.items():
        code = item.code()
        if code in codes:
            item.add_error(f"the feature {code!r} stands there already")
        codes.add(code)
    return tuple(sorted(codes))


def _limit(field: FieldReader) -> int | None:
    return None if field.word() == UNLIMITED else field.integer(0, MAX_LIMIT)


def _by_locale(field: FieldReader, check: Callable[[str], str]) -> dict[Locale, str]:
    result = {}
    for key, inner in field.entries().items():
        result[field.key_of(key).choice(Locale)] = inner.validated(check, "?")
    return dict(sorted(result.items()))


def _link_or_address(text: str) -> str:
    return email_address(text) if "@" in text else https_url(text)
