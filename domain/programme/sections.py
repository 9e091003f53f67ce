"""Readers of the sections of a programme file."""

from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from typing import Final

from domain.money import Money, round_half_up
from domain.names import email_address, https_url
from domain.programme.model import (
    AccountRules,
    Locale,
    Plan,
    Quota,
    QuotaPeriod,
    Sender,
    Terms,
    Trial,
)
from domain.programme.place import Place, Section

MAX_LIMIT: Final = 10**12
UNLIMITED: Final = "unlimited"


def money(field: Place, currency: str) -> Money:
    """Read an amount in the programme's currency, zero or above, quoted or not."""
    amount = field.decimal()
    rounded = round_half_up(amount, currency)
    if amount < 0:
        field.complain(f"a fee or price must not be negative ({amount})")
    elif rounded != amount:
        field.complain(f"{amount} has more decimals than {currency}")
    return Money(rounded, currency)


def account_rules(field: Place | None) -> AccountRules:
    """Read `legal_entity_required` and `affiliate`."""
    if field is None:
        return AccountRules()
    section = Section(field)
    required = section.take("legal_entity_required")
    affiliate = section.take("affiliate")
    section.close()
    entity_only = required.truth() if required else False
    if entity_only and affiliate is None:
        field.complain("the key 'affiliate' is missing: refused persons are referred there")
    return AccountRules(entity_only, affiliate.checked(_link_or_address, "?") if affiliate else None)


def terms(field: Place) -> Terms:
    """Read `version` and `url`."""
    section = Section(field)
    version, url = section.need("version").word(), section.take("url")
    section.close()
    return Terms(version, url.checked(https_url, "?") if url else None)


def sender(field: Place) -> Sender:
    """Read `name`, `address`, and `addresses` per locale."""
    section = Section(field)
    name, address = section.need("name").text(), section.need("address").checked(email_address, "?")
    more = section.take("addresses")
    section.close()
    return Sender(name, address, _by_locale(more, email_address) if more else {})


def names(field: Place | None) -> dict[Locale, str]:
    """Read a name per locale."""
    return _by_locale(field, str) if field else {}


def plans(field: Place, currency: str) -> dict[str, Plan]:
    """Read the plans, by code; exactly one of them has no price."""
    result = {code: _plan(code, inner, currency) for code, inner in field.entries().items()}
    check_codes(field, result)
    free = [code for code, plan in result.items() if plan.price is None]
    if not free:
        field.complain("one plan without a price is required: the free plan")
    for code in free[1:]:
        field.key_of(code).complain(f"a price is missing: {free[0]!r} is already the free plan")
    return dict(sorted(result.items()))


def trial(field: Place | None) -> Trial | None:
    """Read `days` and `reminders` (days before the end)."""
    if field is None:
        return None
    section = Section(field)
    days = section.need("days").whole(1, 366)
    reminders = section.take("reminders")
    section.close()
    leads = {lead.whole(1, 366) for lead in reminders.items()} if reminders else {3, 1}
    if reminders and any(lead >= days for lead in leads):
        reminders.complain(f"a reminder must be less than {days} days, the length of the trial, before its end")
    return Trial(timedelta(days=days), tuple(timedelta(days=lead) for lead in sorted(leads, reverse=True)))


def quota(field: Place | None) -> Quota:
    """Read `warning` (percent of the limit) and `period`."""
    if field is None:
        return Quota()
    section = Section(field)
    warning, period = section.take("warning"), section.take("period")
    section.close()
    return Quota(
        warning.percent() if warning else Decimal(80),
        period.choice(QuotaPeriod) if period else QuotaPeriod.CALENDAR_MONTH,
    )


def offer_life(field: Place | None) -> timedelta:
    """Read `expire_after_days`."""
    if field is None:
        return timedelta(days=30)
    section = Section(field)
    days = section.need("expire_after_days").whole(1, 3650)
    section.close()
    return timedelta(days=days)


def check_codes(field: Place, codes: Collection[str]) -> None:
    """Report every key that is not a valid code."""
    for code in codes:
        field.key_of(code).code()


def _plan(code: str, field: Place, currency: str) -> Plan:
    section = Section(field)
    name, price, limits = section.take("name"), section.take("price"), section.take("limits")
    section.close()
    metrics = limits.entries() if limits else {}
    if limits:
        check_codes(limits, metrics)
    return Plan(
        code,
        name.text() if name else code,
        money(price, currency) if price else None,
        {metric: _limit(inner) for metric, inner in sorted(metrics.items())},
    )


def _limit(field: Place) -> int | None:
    return None if field.word() == UNLIMITED else field.whole(0, MAX_LIMIT)


def _by_locale(field: Place, check: Callable[[str], str]) -> dict[Locale, str]:
    result = {}
    for key, inner in field.entries().items():
        result[field.key_of(key).choice(Locale)] = inner.checked(check, "?")
    return dict(sorted(result.items()))


def _link_or_address(text: str) -> str:
    return email_address(text) if "@" in text else https_url(text)
