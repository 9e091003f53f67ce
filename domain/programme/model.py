"""What a programme is: plans, trial, quota, discount, products, subscriptions, sender, terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.money import Money
from domain.zones import zone


class Locale(StrEnum):
    """The languages that mails and pages are written in."""

    EN = "en"
    DE = "de"
    FR = "fr"
    RU = "ru"
    JA = "ja"


class ManagedBy(StrEnum):
    """Who edits a product and its account subscription (programme.md 7.3)."""

    ADMIN = "admin"
    RESELLER = "reseller"


class QuotaPeriod(StrEnum):
    """What usage is counted in."""

    CALENDAR_MONTH = "calendar_month"
    PAID_PERIOD = "paid_period"


@dataclass(frozen=True, slots=True)
class AccountRules:
    """Who may become a reseller; `affiliate` is an https URL or a mail address for the others."""

    legal_entity_required: bool = False
    affiliate: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reseller accepts by becoming one."""

    version: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """The provider's name (for mails to resellers) and its addresses per locale."""

    name: str
    address: str
    addresses: Mapping[Locale, str] = field(default_factory=dict)

    def address_for(self, locale: str) -> str:
        """The default outgoing address in that locale."""
        return {str(key): address for key, address in self.addresses.items()}.get(locale, self.address)


@dataclass(frozen=True, slots=True)
class Plan:
    """A limit per metric (`None`: unlimited) and a monthly price (`None`: the free plan)."""

    code: str
    name: str
    price: Money | None
    limits: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Trial:
    """Its length, and how long before its end reminders are due, longest first."""

    length: timedelta
    reminders: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """The per cent of a limit at which a warning is mailed, and what usage is counted in."""

    warning: Decimal = Decimal(80)
    period: QuotaPeriod = QuotaPeriod.CALENDAR_MONTH


@dataclass(frozen=True, slots=True)
class NoDiscount:
    """Resellers pay the list price."""


@dataclass(frozen=True, slots=True)
class FlatDiscount:
    """0-100 per cent off every paid plan and product."""

    percent: Decimal


@dataclass(frozen=True, slots=True)
class Tier:
    """A row of the tier table: from this turnover on, these per cent per family."""

    name: str
    start: Decimal
    percent: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class TurnoverDiscount:
    """Per cent per product family by last month's payments; tiers ascend.

    `guard_rail` is the per cent of resellers that a daily run may move without an approval.
    """

    families: tuple[str, ...]
    tiers: tuple[Tier, ...]
    guard_rail: Decimal = Decimal(30)


Discount = NoDiscount | FlatDiscount | TurnoverDiscount


@dataclass(frozen=True, slots=True)
class AccountSubscription:
    """The monthly retail fee recommended for a client account."""

    code: str
    name: str
    fee: Money
    shared: bool


@dataclass(frozen=True, slots=True)
class ResellerSubscription:
    """The monthly wholesale fee that a reseller is charged per client account."""

    code: str
    name: str
    fee: Money
    multiple: bool


@dataclass(frozen=True, slots=True)
class Product:
    """Something sold once (`price`), licensed, or charged monthly (both subscriptions).

    `reseller` is the account name of the one that manages it, when `managed_by` is a reseller.
    """

    code: str
    name: str
    names: Mapping[Locale, str]
    family: str | None
    price: Money | None
    account_subscription: str | None
    reseller_subscription: str | None
    managed_by: ManagedBy
    reseller: str | None
    shared: bool

    @property
    def recurring(self) -> bool:
        """Whether it can be assigned to client accounts for a monthly fee."""
        return self.reseller_subscription is not None

    def name_in(self, locale: str) -> str:
        """Its name in that locale, or the general one."""
        return {str(key): name for key, name in self.names.items()}.get(locale, self.name)


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promo code, or a campaign that needs none: per cent off, on these days, for these products.

    No products: all of them. Both days are included.
    """

    code: str
    percent: Decimal
    products: tuple[str, ...]
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Programme:
    """One rule set. Its code is the stem of its file and no part of it."""

    name: str
    locale: Locale
    currency: str
    timezone: str
    white_label: bool
    accounts: AccountRules
    terms: Terms
    sender: Sender
    plans: Mapping[str, Plan]
    trial: Trial | None
    quota: Quota
    offer_life: timedelta
    discount: Discount
    products: Mapping[str, Product]
    account_subscriptions: Mapping[str, AccountSubscription]
    reseller_subscriptions: Mapping[str, ResellerSubscription]
    promo_codes: Mapping[str, Promotion]
    campaigns: Mapping[str, Promotion]

    @property
    def zone(self) -> ZoneInfo:
        """The programme's time zone."""
        return zone(self.timezone)

    @property
    def free_plan(self) -> Plan:
        """The one plan without a price, on which every account starts."""
        return next(plan for plan in self.plans.values() if plan.price is None)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that a plan limits, sorted."""
        return tuple(sorted({metric for plan in self.plans.values() for metric in plan.limits}))

    def promo_code(self, text: str) -> Promotion | None:
        """The promo code that a customer typed, in whatever case."""
        return {code.casefold(): found for code, found in self.promo_codes.items()}.get(text.casefold())
