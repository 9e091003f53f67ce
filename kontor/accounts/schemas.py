"""Request and response models of accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from kontor.accounts import instances
from kontor.accounts.instances import InstanceState
from kontor.accounts.labels import shown_id
from kontor.http.wire import CreatedQuery, RequestModel, ResponseModel, UtcOut
from kontor.kernel.ids import new_badge_token
from kontor.kernel.ports import PASSWORD_MAX
from kontor.kernel.states import TrialState
from kontor.mails.strangers import MailFate
from kontor.programme.model import Programme
from kontor.programme.service import Programmes
from kontor.provisioning.kept import OPERATOR, shown
from kontor.provisioning.listed import AccountServiceOut, services_of
from kontor.usage import service as usage
from kontor.usage.rules import is_read_only
from kontor.usage.service import limits, trial_state
from models.accounts import Account, AccountKind, Party


class AccountIn(RequestModel):
    """A new account. Locale and time zone default to the programme's."""

    programme: str
    name: str
    admin_email: str
    password: str | None = Field(None, max_length=4 * PASSWORD_MAX)
    party: Party = Party.COMPANY
    locale: str | None = None
    timezone: str | None = None
    external_id: str | None = None
    metadata: dict[str, str] | None = None


class AccountPatch(RequestModel):
    """Fields to change; omitted fields stay unchanged."""

    name: str | None = None
    admin_email: str | None = None
    password: str | None = Field(None, max_length=4 * PASSWORD_MAX)
    locale: str | None = None
    timezone: str | None = None
    suspended: bool | None = None
    external_id: str | None = None
    metadata: dict[str, str] | None = None
    home_url: str | None = None


class ClientIn(RequestModel):
    """A new client account."""

    name: str
    admin_email: str
    locale: str | None = None
    timezone: str | None = None
    external_id: str | None = None
    metadata: dict[str, str] | None = None


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


class InstanceStateOut(ResponseModel):
    """Whether an account has an instance, and whether calls to it go through."""

    state: InstanceState


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
    home_url: str | None
    badge_token: str
    plan: str
    features: list[str]
    trial: TrialOut
    usage: dict[str, UsageOut]
    read_only: bool
    suspended: bool
    instance: InstanceStateOut
    external_id: str | None
    metadata: dict[str, str]
    services: list[AccountServiceOut]
    terms: AcceptedTermsOut | None
    activated_at: UtcOut | None
    deleted_at: UtcOut | None
    created_at: UtcOut


class ClientQuery(CreatedQuery):
    """Filter for clients. `q`: part of a name or address; a page with `over_quota` may be short: go on with `next`."""

    q: str | None = Field(None, min_length=1, max_length=200)
    external_id: str | None = None
    name: str | None = None
    admin_email: str | None = None
    plan: str | None = None
    trial: TrialState | None = None
    over_quota: bool | None = None
    read_only: bool | None = None
    open_offer: bool | None = None
    instance: InstanceState | None = None
    suspended: bool | None = None


class AccountQuery(ClientQuery):
    """Filter for accounts."""

    programme: str | None = None
    kind: AccountKind | None = None
    reseller: UUID | None = None


class InstanceIn(RequestModel):
    """URL of the customer's system; a secret is generated if omitted."""

    url: str = Field(max_length=4_000)
    secret: str | None = Field(None, max_length=200)


class InstanceSecretOut(ResponseModel):
    """The instance; its secret is returned only once."""

    url: str
    secret: str


class InstanceOut(InstanceStateOut):
    """The instance, without its secret."""

    url: str
    created_at: UtcOut
    updated_at: UtcOut


class PingOut(ResponseModel):
    """The job that pings an instance; its result says whether the instance answered."""

    job_id: UUID


def account_outs(
    session: Session, programmes: Programmes, accounts: Sequence[Account], now: datetime, side: str = OPERATOR
) -> list[AccountOut]:
    """Return accounts with usage, instances and services, in the order given; `side`: whose metadata."""
    services = services_of(session, accounts)
    usages = usage.current_values(session, programmes, accounts, now)
    states = instances.states(session, [account.id for account in accounts])
    return [
        account_out(
            account, programmes.current(session, account.programme), now, usages[account.id], states
        ).model_copy(update={"metadata": shown(account.notes, side), "services": services.get(account.id, [])})
        for account in accounts
    ]


def badge_token_of(account: Account) -> str:
    """Return the public token of an account's badge; one that the previous release made gets it now."""
    account.badge_token = account.badge_token or new_badge_token()
    return account.badge_token


def account_out(
    account: Account,
    programme: Programme,
    now: datetime,
    used: Mapping[str, int] | None = None,
    states: Mapping[UUID, InstanceState] = MappingProxyType({}),
) -> AccountOut:
    """Return an account; `used` maps metrics to values, a missing metric counts as 0; `states`: of instances."""
    values = used or {}
    allowed = limits(account, programme, now)
    return AccountOut(
        id=account.id,
        programme=account.programme,
        name=account.name,
        kind=AccountKind(account.kind),
        party=Party(account.party),
        reseller_id=account.reseller_id,
        admin_email=account.admin_email,
        locale=account.locale,
        timezone=account.timezone,
        home_url=account.home_url,
        badge_token=badge_token_of(account),
        plan=account.plan,
        features=usage.features(account, programme, now),
        trial=TrialOut(state=trial_state(account, now), ends_at=account.trial_ends_at),
        usage={metric: UsageOut(value=values.get(metric, 0), limit=limit) for metric, limit in allowed.items()},
        read_only=is_read_only(values, allowed),
        suspended=account.suspended,
        instance=InstanceStateOut(state=states.get(account.id, InstanceState.NONE)),
        external_id=shown_id(account),
        metadata=shown(account.notes, OPERATOR),
        services=[],
        terms=_terms(account),
        activated_at=account.activated_at,
        deleted_at=account.deleted_at,
        created_at=account.created_at,
    )


class InvitedOut(AccountOut):
    """A client whose admin is mailed; `mail`: sent, or held until the reseller's allowance grows."""

    mail: MailFate


def _terms(account: Account) -> AcceptedTermsOut | None:
    if account.terms_version is None or account.terms_accepted_at is None:
        return None
    return AcceptedTermsOut(version=account.terms_version, accepted_at=account.terms_accepted_at)
