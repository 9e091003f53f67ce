"""Model of a programme: plans, trial, quota, discount, products, subscriptions, sender, terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from kontor.kernel.money import Money
from kontor.kernel.zones import zone
from kontor.programme.billing import BillingRules
from kontor.programme.provisioning import ProvisioningRules


class Locale(StrEnum):
    """Languages of mails and pages."""

    EN = "en"
    DE = "de"
    FR = "fr"
    RU = "ru"
    JA = "ja"


class ManagedBy(StrEnum):
    """Who edits a product and its account subscription (programme.md 7.3)."""

    ADMIN = "admin"
    RESELLER = "reseller"


class ProductKind(StrEnum):
    """Whether a product stands alone or adds to one that does."""

    MAIN = "main"
    ADDON = "addon"


class QuotaPeriod(StrEnum):
    """Period over which usage is counted."""

    CALENDAR_MONTH = "calendar_month"
    PAID_PERIOD = "paid_period"


@dataclass(frozen=True, slots=True)
class AccountRules:
    """Who may become a reseller; `affiliate` is an https URL or a mail address for the others."""

    legal_entity_required: bool = False
    affiliate: str | None = None


@dataclass(frozen=True, slots=True)
class TermsAndConditions:
    """Terms and conditions that a reseller accepts."""

    version: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderContact:
    """Where a reseller turns to: addresses of sales and support, and an https link."""

    sales: str | None = None
    support: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderSender:
    """The provider's name (for mails to resellers) and its addresses per locale."""

    name: str
    address: str
    addresses: Mapping[Locale, str] = field(default_factory=dict)

    def address_for(self, locale: str) -> str:
        """Return the default outgoing address in a locale."""
        return {str(key): address for key, address in self.addresses.items()}.get(locale, self.address)


class Named:
    """What has a general name, and names by language."""

    __slots__ = ()
    name: str
    names: Mapping[Locale, str]

    def name_in(self, locale: str) -> str:
        """Return the name in a locale or its language, or the general name."""
        return name_in(self.name, self.names, locale)


@dataclass(frozen=True, slots=True)
class DisplayName(Named):
    """What readers see of a code: a general name, and names by language."""

    name: str
    names: Mapping[Locale, str] = field(default_factory=dict)


def name_in(name: str, names: Mapping[Locale, str], locale: str) -> str:
    """Return the name in a locale or its language, or the general name."""
    by_language = {str(key): text for key, text in names.items()}
    return by_language.get(locale) or by_language.get(locale.replace("_", "-").partition("-")[0], name)


@dataclass(frozen=True, slots=True)
class Plan(Named):
    """A limit per metric (`None`: unlimited), features, and a monthly price (`None`: the free plan)."""

    code: str
    name: str
    price: Money | None
    limits: Mapping[str, int | None]
    names: Mapping[Locale, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialRules:
    """Length, and lead times of the reminders before the end, longest first."""

    length: timedelta
    reminders: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class QuotaRules:
    """Percentage of a limit at which a warning is mailed, and the usage period."""

    warning: Decimal = Decimal(80)
    period: QuotaPeriod = QuotaPeriod.CALENDAR_MONTH


@dataclass(frozen=True, slots=True)
class NoDiscount:
    """Resellers pay the list price."""


@dataclass(frozen=True, slots=True)
class FlatDiscount:
    """0-100 percent off every paid plan and product."""

    percent: Decimal


@dataclass(frozen=True, slots=True)
class Tier(Named):
    """A row of the tier table: percentages per family from turnover `start` on."""

    name: str
    start: Decimal
    percent: Mapping[str, Decimal]
    names: Mapping[Locale, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnoverDiscount:
    """Per cent per family by a month's payments; tiers ascend. `guard_rail`: per cent that a run moves unapproved."""

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
class Product(Named):
    """A product that is sold once (`price`), licensed, or charged monthly (both subscriptions).

    `reseller`: account id of the managing reseller. `terms`: the only licence terms it is offered for; empty: any.
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
    kind: ProductKind = ProductKind.ADDON
    requires_main: bool = False
    terms: tuple[str, ...] = ()
    provisioning: ProvisioningRules = field(default_factory=ProvisioningRules)

    @property
    def recurring(self) -> bool:
        """Whether it can be assigned to client accounts for a monthly fee."""
        return self.reseller_subscription is not None


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promo code, or a campaign without a code: percent off, on certain days, for certain products.

    No products: all products. Both days are included.
    """

    code: str
    percent: Decimal
    products: tuple[str, ...]
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Programme:
    """One rule set, by the stem of its file's name. `effective`: aware; `second_factor`: of resellers in the portal."""

    name: str
    locale: Locale
    currency: str
    timezone: str
    white_label: bool
    accounts: AccountRules
    terms: TermsAndConditions
    sender: ProviderSender
    plans: Mapping[str, Plan]
    trial: TrialRules | None
    quota: QuotaRules
    offer_life: timedelta
    discount: Discount
    products: Mapping[str, Product]
    account_subscriptions: Mapping[str, AccountSubscription]
    reseller_subscriptions: Mapping[str, ResellerSubscription]
    promo_codes: Mapping[str, Promotion]
    campaigns: Mapping[str, Promotion]
    metric_names: Mapping[str, DisplayName] = field(default_factory=dict)
    family_names: Mapping[str, DisplayName] = field(default_factory=dict)
    billing: BillingRules = field(default_factory=BillingRules)
    contact: ProviderContact = field(default_factory=ProviderContact)
    effective: datetime | None = None
    signup: bool = False
    second_factor: bool = False

    def metric_name(self, code: str, locale: str) -> str:
        """Return what readers see of a metric."""
        return _shown(self.metric_names, code, locale)

    def family_name(self, code: str, locale: str) -> str:
        """Return what readers see of a product family."""
        return _shown(self.family_names, code, locale)

    def tier_name(self, name: str, locale: str) -> str:
        """Return a tier's name in a locale, by its general name."""
        tiers = self.discount.tiers if isinstance(self.discount, TurnoverDiscount) else ()
        return next((tier.name_in(locale) for tier in tiers if tier.name == name), name)

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
        """Look up a promo code as typed by a customer, ignoring case."""
        return {code.casefold(): promotion for code, promotion in self.promo_codes.items()}.get(text.casefold())


def _shown(names: Mapping[str, DisplayName], code: str, locale: str) -> str:
    """Return the name of a code; the code as words for a file that names it nowhere."""
    return names[code].name_in(locale) if code in names else code.replace("-", " ").replace("_", " ").capitalize()
