"""Accounts on the wire."""

from uuid import UUID

from pydantic import Field

from api.schema import Incoming, Moment, Outgoing, Paging
from domain.credentials import PASSWORD_MAX
from domain.trials import TrialState
from models.accounts import AccountKind, Party


class NewAccount(Incoming):
    """An account to be. Locale and time zone default to the programme's."""

    programme: str
    name: str
    admin_email: str
    password: str | None = Field(None, max_length=4 * PASSWORD_MAX)
    party: Party = Party.COMPANY
    locale: str | None = None
    timezone: str | None = None


class AccountChange(Incoming):
    """What may be changed; what is left out stays."""

    name: str | None = None
    admin_email: str | None = None
    password: str | None = Field(None, max_length=4 * PASSWORD_MAX)
    locale: str | None = None
    timezone: str | None = None
    suspended: bool | None = None


class TrialDoc(Outgoing):
    """The trial as of now."""

    state: TrialState
    ends_at: Moment | None


class UsageDoc(Outgoing):
    """A metric's value and limit; null: unlimited."""

    value: int
    limit: int | None


class TermsDoc(Outgoing):
    """The terms a reseller accepted."""

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
    """Which accounts."""

    programme: str | None = None
    kind: AccountKind | None = None
    reseller: UUID | None = None


class NewInstance(Incoming):
    """Where the customer's own system is; a secret is made when absent."""

    url: str = Field(max_length=4_000)
    secret: str | None = Field(None, max_length=200)


class InstanceDoc(Outgoing):
    """The instance; its secret is shown this once."""

    url: str
    secret: str


class BrandBody(Incoming):
    """A brand, replaced whole; null or absent: not set."""

    name: str | None = None
    logo_url: str | None = None
    colours: dict[str, str] | None = None
    favicon_url: str | None = None
    domain: str | None = None
    from_address: str | None = None
    support: dict[str, str] | str | None = None


class RecordDoc(Outgoing):
    """The DNS record that proves a domain."""

    name: str
    type: str
    value: str


class DomainDoc(Outgoing):
    """A domain the brand uses, and whether it is proven."""

    account_id: UUID
    domain: str
    verified: bool
    verified_at: Moment | None
    verified_by: str | None
    checked_at: Moment | None
    last_error: str | None
    record: RecordDoc


class BrandDoc(Outgoing):
    """A brand as it is set."""

    name: str | None
    logo_url: str | None
    colours: dict[str, str]
    favicon_url: str | None
    domain: str | None
    from_address: str | None
    support: dict[str, str]
    domains: list[DomainDoc]


class LicenceDoc(Outgoing):
    """How many licences of a product, and when the next grant ends."""

    product: str
    count: int
    expires_at: Moment | None
