"""Request and response models of accounts."""

from uuid import UUID

from pydantic import Field

from api.schema import Incoming, Moment, Outgoing, Paging
from domain.credentials import PASSWORD_MAX
from domain.trials import TrialState
from models.accounts import AccountKind, Party


class NewAccount(Incoming):
    """A new account. Locale and time zone default to the programme's."""

    programme: str
    name: str
    admin_email: str
    password: str | None = Field(None, max_length=4 * PASSWORD_MAX)
    party: Party = Party.COMPANY
    locale: str | None = None
    timezone: str | None = None


class AccountChange(Incoming):
    """Fields to change; omitted fields stay unchanged."""

    name: str | None = None
    admin_email: str | None = None
    password: str | None = Field(None, max_length=4 * PASSWORD_MAX)
    locale: str | None = None
    timezone: str | None = None
    suspended: bool | None = None


class TrialDoc(Outgoing):
    """The current state of the trial."""

    state: TrialState
    ends_at: Moment | None


class UsageDoc(Outgoing):
    """Value and limit of a metric; `limit` null: unlimited."""

    value: int
    limit: int | None


class TermsDoc(Outgoing):
    """The terms and conditions that a reseller accepted."""

    version: str
    accepted_at: Moment


class AccountDoc(Outgoing):
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
    trial: TrialDoc
    usage: dict[str, UsageDoc]
    read_only: bool
    suspended: bool
    terms: TermsDoc | None
    activated_at: Moment | None
    deleted_at: Moment | None
    created_at: Moment


class AccountFilter(Paging):
    """Filter for accounts."""

    programme: str | None = None
    kind: AccountKind | None = None
    reseller: UUID | None = None


class NewInstance(Incoming):
    """URL of the customer's system; a secret is generated if omitted."""

    url: str = Field(max_length=4_000)
    secret: str | None = Field(None, max_length=200)


class InstanceDoc(Outgoing):
    """The instance; its secret is returned only once."""

    url: str
    secret: str


class BrandBody(Incoming):
    """A brand, replaced completely; null or omitted: not set."""

    name: str | None = None
    logo_url: str | None = None
    colours: dict[str, str] | None = None
    favicon_url: str | None = None
    domain: str | None = None
    from_address: str | None = None
    support: dict[str, str] | str | None = None


class RecordDoc(Outgoing):
    """The DNS record that verifies a domain."""

    name: str
    type: str
    value: str


class DomainDoc(Outgoing):
    """A domain that the brand uses, and whether it is verified."""

    account_id: UUID
    domain: str
    verified: bool
    verified_at: Moment | None
    verified_by: str | None
    checked_at: Moment | None
    last_error: str | None
    record: RecordDoc


class BrandDoc(Outgoing):
    """The current brand settings."""

    name: str | None
    logo_url: str | None
    colours: dict[str, str]
    favicon_url: str | None
    domain: str | None
    from_address: str | None
    support: dict[str, str]
    domains: list[DomainDoc]


class LicenceDoc(Outgoing):
    """Number of licences of a product, and when the next grant ends."""

    product: str
    count: int
    expires_at: Moment | None
