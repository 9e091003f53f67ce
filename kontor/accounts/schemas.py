"""Request and response models of accounts."""

from uuid import UUID

from pydantic import Field

from kontor.http.wire import MoneyOut, PageQuery, RequestModel, ResponseModel, UtcOut
from kontor.kernel.ports import PASSWORD_MAX
from kontor.kernel.states import TrialState
from models.accounts import AccountKind, Party


class AccountIn(RequestModel):
    """A new account. Locale and time zone default to the programme's."""

    programme: str
    name: str
    admin_email: str
    password: str | None = Field(None, max_length=4 * PASSWORD_MAX)
    party: Party = Party.COMPANY
    locale: str | None = None
    timezone: str | None = None


class AccountPatch(RequestModel):
    """Fields to change; omitted fields stay unchanged."""

    name: str | None = None
    admin_email: str | None = None
    password: str | None = Field(None, max_length=4 * PASSWORD_MAX)
    locale: str | None = None
    timezone: str | None = None
    suspended: bool | None = None


class TrialOut(ResponseModel):
    """The current state of the trial."""

    state: TrialState
    ends_at: UtcOut | None


class UsageOut(ResponseModel):
    """Value and limit of a metric; `limit` null: unlimited."""

    value: int
    limit: int | None


class AcceptedTermsOut(ResponseModel):
    """The terms and conditions that a reseller accepted."""

    version: str
    accepted_at: UtcOut


class AccountOut(ResponseModel):
    """An account."""

    id: UUID
    programme: str
    name: str
    kind: AccountKind
    party: Party
    reseller_id: UUID | None
    admin_email: str
    locale: str
    timezone: str
    plan: str
    trial: TrialOut
    usage: dict[str, UsageOut]
    read_only: bool
    suspended: bool
    terms: AcceptedTermsOut | None
    activated_at: UtcOut | None
    deleted_at: UtcOut | None
    created_at: UtcOut


class AccountQuery(PageQuery):
    """Filter for accounts."""

    programme: str | None = None
    kind: AccountKind | None = None
    reseller: UUID | None = None


class InstanceIn(RequestModel):
    """URL of the customer's system; a secret is generated if omitted."""

    url: str = Field(max_length=4_000)
    secret: str | None = Field(None, max_length=200)


class InstanceOut(ResponseModel):
    """The instance; its secret is returned only once."""

    url: str
    secret: str


class BrandIn(RequestModel):
    """A brand, replaced completely; null or omitted: not set."""

    name: str | None = None
    logo_url: str | None = None
    colours: dict[str, str] | None = None
    favicon_url: str | None = None
    domain: str | None = None
    from_address: str | None = None
    support: dict[str, str] | str | None = None


class DnsRecordOut(ResponseModel):
    """The DNS record that verifies a domain."""

    name: str
    type: str
    value: str


class DomainOut(ResponseModel):
    """A domain that the brand uses, and whether it is verified."""

    account_id: UUID
    domain: str
    verified: bool
    verified_at: UtcOut | None
    verified_by: str | None
    checked_at: UtcOut | None
    last_error: str | None
    record: DnsRecordOut


class BrandOut(ResponseModel):
    """The current brand settings."""

    name: str | None
    logo_url: str | None
    colours: dict[str, str]
    favicon_url: str | None
    domain: str | None
    from_address: str | None
    support: dict[str, str]
    domains: list[DomainOut]


class LicenceOut(ResponseModel):
    """Number of licences of a product, and when the next grant ends."""

    product: str
    count: int
    expires_at: UtcOut | None


class TemplateClashOut(ResponseModel):
    """A template whose name the other reseller already uses, and its name after the merge."""

    template: str
    becomes: str


class HeldAssignmentOut(ResponseModel):
    """A client's product under a subscription that allows one client only."""

    account_id: UUID
    account: str
    reseller_id: UUID
    product: str


class SubscriptionConflictOut(ResponseModel):
    """A subscription that both resellers hold; it blocks the merge."""

    subscription: str
    held: list[HeldAssignmentOut]


class MergeReportOut(ResponseModel):
    """Effects of a merge. Turnover and tier belong to the remaining reseller; counts are records that move.

    `keys` are revoked. `managed_products` still name the merged reseller in the programme file.
    """

    reseller_id: UUID
    into: UUID
    turnover_before: MoneyOut
    turnover_after: MoneyOut
    tier_before: str | None
    tier_after: str | None
    clients: int
    open_offers: int
    running_trials: int
    templates: int
    payments: int
    charges: int
    assignments: int
    paid_plans: int
    webhook_endpoints: int
    keys: int
    clashes: list[TemplateClashOut]
    conflicts: list[SubscriptionConflictOut]
    managed_products: list[str]
