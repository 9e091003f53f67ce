"""What the API takes and answers. Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeAlias, TypedDict

from kontor_client.json_values import Json

class AcceptedTermsOut(TypedDict):
    """The terms and conditions that a reseller accepted."""

    accepted_at: str
    version: str

class AccountActivatedEvent(TypedDict):
    """The owner of an account set a password for the first time."""

    data: AccountEventData
    timestamp: str
    type: Literal["account.activated"]

class AccountBecameResellerEvent(TypedDict):
    """An account became a reseller."""

    data: BecameResellerData
    timestamp: str
    type: Literal["account.became_reseller"]

class AccountBookOut(TypedDict):
    """A page of lines. `balance`: of all lines up to the end of `to`; `available`: what an order may spend now. `available` is null where orders have no limit."""

    available: MoneyOut | None
    balance: MoneyOut
    items: list[BookLineOut]
    next: NotRequired[str | None]

class AccountConnectedEvent(TypedDict):
    """An account became a client of a reseller."""

    data: AccountMovedData
    timestamp: str
    type: Literal["account.connected"]

class AccountCreatedData(TypedDict):
    """An account was made."""

    account_id: str
    kind: Literal["regular", "client", "reseller"]
    name: str

class AccountCreatedEvent(TypedDict):
    """An account was made."""

    data: AccountCreatedData
    timestamp: str
    type: Literal["account.created"]

class AccountDeletedEvent(TypedDict):
    """An account was deleted; it can be restored for 30 days."""

    data: NamedAccountEventData
    timestamp: str
    type: Literal["account.deleted"]

class AccountDisconnectedEvent(TypedDict):
    """A client became a regular account."""

    data: AccountMovedData
    timestamp: str
    type: Literal["account.disconnected"]

class AccountEventData(TypedDict):
    """The account that it is about."""

    account_id: str

class AccountIn(TypedDict):
    """A new account. Locale and time zone default to the programme's."""

    admin_email: str
    external_id: NotRequired[str | None]
    locale: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]
    name: str
    party: NotRequired[Party]
    password: NotRequired[str | None]
    programme: str
    timezone: NotRequired[str | None]

AccountKind: TypeAlias = 'Literal["regular", "reseller", "client"]'

class AccountMergedData(TypedDict):
    """A reseller was merged into another; how many of its rows moved."""

    account_id: str
    assignments: int
    charges: int
    clients: int
    into: str
    into_name: str
    keys: int
    name: str
    open_offers: int
    paid_plans: int
    payments: int
    running_trials: int
    templates: int
    webhook_endpoints: int

class AccountMergedEvent(TypedDict):
    """A reseller was merged into another."""

    data: AccountMergedData
    timestamp: str
    type: Literal["account.merged"]

class AccountMovedData(TypedDict):
    """A client was connected to a reseller, or disconnected."""

    account_id: str
    name: str
    reseller_id: str

class AccountOut(TypedDict):
    """An account."""

    activated_at: str | None
    admin_email: str
    badge_token: str
    created_at: str
    deleted_at: str | None
    external_id: str | None
    features: list[str]
    home_url: str | None
    id: str
    instance: InstanceStateOut
    kind: AccountKind
    locale: str
    metadata: dict[str, str]
    name: str
    party: Party
    plan: str
    programme: str
    read_only: bool
    reseller_id: str | None
    services: list[AccountServiceOut]
    suspended: bool
    terms: AcceptedTermsOut | None
    timezone: str
    trial: TrialOut
    usage: dict[str, UsageOut]

class AccountPatch(TypedDict):
    """Fields to change; omitted fields stay unchanged."""

    admin_email: NotRequired[str | None]
    external_id: NotRequired[str | None]
    home_url: NotRequired[str | None]
    locale: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]
    name: NotRequired[str | None]
    password: NotRequired[str | None]
    suspended: NotRequired[bool | None]
    timezone: NotRequired[str | None]

class AccountPurgedEvent(TypedDict):
    """A deleted account was erased for good."""

    data: AccountEventData
    timestamp: str
    type: Literal["account.purged"]

class AccountRestoredEvent(TypedDict):
    """A deleted account was restored."""

    data: NamedAccountEventData
    timestamp: str
    type: Literal["account.restored"]

class AccountResumedEvent(TypedDict):
    """The suspension of an account was lifted."""

    data: AccountSuspensionData
    timestamp: str
    type: Literal["account.resumed"]

class AccountRevertedEvent(TypedDict):
    """A reseller became a regular account again."""

    data: AccountEventData
    timestamp: str
    type: Literal["account.reverted"]

class AccountServiceOut(TypedDict):
    """A service of an account that has not ended; its own document has the rest."""

    id: str
    paid_until: str | None
    product: str
    result: Json
    since: str | None
    state: ServiceState

class AccountSuspendedEvent(TypedDict):
    """An account was suspended, alone or with its reseller."""

    data: AccountSuspensionData
    timestamp: str
    type: Literal["account.suspended"]

class AccountSuspensionData(TypedDict):
    """An account was suspended or resumed; `through`: by its reseller's suspension alone."""

    account_id: str
    by: Literal["operator", "reseller"]
    name: str
    through: bool

class AccountUpdatedData(TypedDict):
    """Fields of an account have new values; the account's document has them."""

    account_id: str
    changed: list[str]
    name: str

class AccountUpdatedEvent(TypedDict):
    """Fields of an account have new values."""

    data: AccountUpdatedData
    timestamp: str
    type: Literal["account.updated"]

class ActionIn(TypedDict):
    """Reason, kept in the audit log."""

    reason: NotRequired[str | None]

ActionState: TypeAlias = 'Literal["waiting", "running", "succeeded", "failed", "cancelled"]'

class AssignmentIn(TypedDict):
    """A product to assign; without a retail fee, the recommended one applies."""

    product: str
    retail_fee: NotRequired[MoneyIn | None]

class AssignmentOut(TypedDict):
    """A product assigned to an account. Days are local to the programme, `paid_until` and `ends_on` exclusive. `reseller_fee` is what the reseller is charged before its discount, `cost` after it. Fees are null if the product is no longer sold."""

    account_id: str
    anchor: str
    below_cost: bool
    cost: MoneyOut | None
    created_at: str
    ends_on: str | None
    id: str
    name: str
    paid_until: str
    product: str
    recommended: bool
    reseller_fee: MoneyOut | None
    retail_fee: MoneyOut | None
    since: str

class AssignmentPatch(TypedDict):
    """The monthly fee that the reseller charges its client; null: as recommended."""

    retail_fee: MoneyIn | None

class AttemptOut(TypedDict):
    """One attempt; `outcome` is null while it runs."""

    ended_at: str | None
    error: Json
    number: int
    outcome: str | None
    started_at: str | None
    worker: str | None

class BadgeOut(TypedDict):
    """The number of offers that await a decision."""

    count: int

class BeatOut(TypedDict):
    """Until when the lease lasts now; `cancel_requested`: somebody cancelled the job, so stop."""

    cancel_requested: bool
    expires_at: str

class BecameResellerData(TypedDict):
    """An account became a reseller."""

    account_id: str
    terms_version: str | None

class BecomeResellerIn(TypedDict):
    """The version of the terms that were read; another than the current is refused."""

    terms_version: NotRequired[str | None]

BookKind: TypeAlias = 'Literal["payment", "refund", "chargeback", "order", "charge", "credit", "void", "transfer"]'

class BookLineOut(TypedDict):
    """A line: `amount` is signed, `balance` the sum of the lines up to this one in the order of (`at`, `number`). `day`: the local day of `at`. `ref`: a payment's reference, an order's `order_ref`, a charge's id, or the other reseller of a transfer. `fact_id`: the payment, order or charge."""

    amount: MoneyOut
    at: str
    balance: MoneyOut
    day: str
    fact_id: str
    kind: BookKind
    note: str | None
    number: int
    recorded_at: str
    ref: str

class BrandChangedData(TypedDict):
    """The brand of an account was replaced; `changed` names the settings with new values."""

    account_id: str
    changed: list[str]
    name: str

class BrandChangedEvent(TypedDict):
    """The brand of an account has other settings."""

    data: BrandChangedData
    timestamp: str
    type: Literal["brand.changed"]

class BrandImageOut(TypedDict):
    """An image that the brand names by URL: whether it was fetched, and why not."""

    fetched_at: str | None
    problem: FailureCause | None
    requested_at: str
    role: ImageRole
    state: ImageState
    url: str

class BrandIn(TypedDict):
    """A brand, replaced completely; null or omitted: not set."""

    colours: NotRequired[dict[str, str] | None]
    domain: NotRequired[str | None]
    favicon_url: NotRequired[str | None]
    from_address: NotRequired[str | None]
    logo_url: NotRequired[str | None]
    name: NotRequired[str | None]
    support: NotRequired[dict[str, str] | str | None]

class BrandOut(TypedDict):
    """The current brand settings; `logo` and `favicon` are the addresses of what was made of their URLs."""

    colours: dict[str, str]
    domain: str | None
    domains: list[DomainOut]
    favicon: str | None
    favicon_url: str | None
    from_address: str | None
    images: list[BrandImageOut]
    logo: str | None
    logo_url: str | None
    name: str | None
    support: dict[str, str]

class BriefEvidenceOut(TypedDict):
    """The way of a decision, all that a reseller sees of its evidence."""

    via: str

BulkAction: TypeAlias = 'Literal["retry", "cancel"]'

class BulkCountOut(TypedDict):
    """Number of jobs of one task and tenant."""

    count: int
    task: str
    tenant: str

class BulkFilter(TypedDict):
    """Same filters as `GET /v1/jobs`; arguments as `args.KEY` members or under `args`."""

    args: NotRequired[dict[str, str]]
    created_after: NotRequired[str | None]
    created_before: NotRequired[str | None]
    external_id: NotRequired[str | None]
    queue: NotRequired[str | None]
    state: NotRequired[list[JobState]]
    task: NotRequired[str | None]
    tenant: NotRequired[str | None]

class BulkIn(TypedDict):
    """The action and the jobs it applies to; a dry run only counts them."""

    action: BulkAction
    dry_run: NotRequired[bool]
    filter: BulkFilter
    reason: NotRequired[str | None]

class BulkOut(TypedDict):
    """Number of matching jobs; `partial` if counting timed out."""

    action: BulkAction
    counts: list[BulkCountOut]
    partial: bool
    total: int

class CancelIn(TypedDict):
    """Why an order is cancelled."""

    reason: NotRequired[str | None]

ChangeKind: TypeAlias = 'Literal["added", "removed", "changed"]'

class ChargeCreatedEvent(TypedDict):
    """A fee was charged, or a credit was made."""

    data: ChargeEventData
    timestamp: str
    type: Literal["charge.created"]

class ChargeCreditedEvent(TypedDict):
    """A credit pays a part of a charge back."""

    data: ChargeEventData
    timestamp: str
    type: Literal["charge.credited"]

class ChargeEventData(TypedDict):
    """A charge or a credit; without a reseller, the account pays itself."""

    account_id: str
    credits: NotRequired[str | None]
    discount: MoneyOut
    fee: MoneyOut
    id: str
    kind: Literal["plan", "product", "credit"]
    period_end: str
    period_start: str
    product: str
    reason: NotRequired[str | None]
    reseller_id: str | None
    total: MoneyOut
    void: bool

ChargeKind: TypeAlias = 'Literal["plan", "product", "credit"]'

class ChargeOut(TypedDict):
    """A charge: fee - discount = total. Days are local to the programme, `period_end` exclusive. `product` is the plan's code when `kind` is `plan`. The reseller `reseller_id` pays; null: the account itself. A `credit` pays back the unused days of the charge that it `credits`; its amounts are positive."""

    account_id: str
    created_at: str
    credits: str | None
    discount: MoneyOut
    fee: MoneyOut
    how: dict[str, Json]
    id: str
    kind: ChargeKind
    period_end: str
    period_start: str
    product: str
    reseller_id: str | None
    total: MoneyOut
    void: bool
    void_reason: str | None
    voided_at: str | None

class ChargeVoidedEvent(TypedDict):
    """A charge or a credit was voided."""

    data: ChargeEventData
    timestamp: str
    type: Literal["charge.voided"]

class ClientCredentials(TypedDict):
    """An account's name and password as typed."""

    name: str
    password: str

class ClientIn(TypedDict):
    """A new client account."""

    admin_email: str
    external_id: NotRequired[str | None]
    locale: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]
    name: str
    timezone: NotRequired[str | None]

class ClockIn(TypedDict):
    """The new time, and whether to wait for the work that is due by then."""

    now: str
    settle: NotRequired[bool]

class ClockOut(TypedDict):
    """The current time of the clock."""

    now: str

class CompleteIn(TypedDict):
    """The result, at most 64 KiB as JSON."""

    result: NotRequired[Json]

class ConsequencesOut(TypedDict):
    """How many accounts a file would put over a limit, make read-only or mail (by template), and what it touches."""

    assignments: int
    charges: PeriodChargesOut
    mails: dict[str, int]
    offers: int
    over_limit: int
    read_only: int
    templates: int
    tiers_moved: int
    trials: int

class CountedPaymentOut(TypedDict):
    """A payment that counts towards turnover."""

    amount: MoneyOut
    day: str
    id: str
    kind: PaymentKind
    paid_at: str
    reference: str

CrashPolicy: TypeAlias = 'Literal["rerun", "verify", "park"]'

DayRangeData = TypedDict("DayRangeData", {
    "from": 'str',
    "to": 'str',
})

class DeadJobData(TypedDict):
    """A job that failed for good."""

    error: str
    job: str
    reason: str
    task: str
    tenant: str

DeliveryState: TypeAlias = 'Literal["pending", "delivered", "failed"]'

DiscountChangedData = TypedDict("DiscountChangedData", {
    "as_of": 'str',
    "from": 'str | None',
    "reseller_id": 'str',
    "to": 'str | None',
    "turnover": 'MoneyOut',
})

class DiscountChangedEvent(TypedDict):
    """A reseller has another tier."""

    data: DiscountChangedData
    timestamp: str
    type: Literal["discount.changed"]

class DiscountOut(TypedDict):
    """The discount of a day, with its derivation; `version` is the programme's that it is explained by."""

    as_of: str
    next_tier: NextTierOut | None
    pay: MoneyOut | None
    payments: list[CountedPaymentOut]
    percent: dict[str, int | float]
    recorded: RecordedDiscountOut | None
    suppressed: list[SuppressedPromotionOut]
    tier: str | None
    tomorrow: TomorrowOut
    turnover: MoneyOut
    version: int
    window: DiscountWindowOut

class DiscountRunIn(TypedDict):
    """The programme; a dry run computes without writing."""

    dry_run: NotRequired[bool]
    programme: str

class DiscountRunOut(TypedDict):
    """A run; `guard_rail` is the percentage of resellers it may move without approval."""

    applied: int
    computed: int
    day: str
    decided_at: str | None
    decided_by: str | None
    finished_at: str | None
    guard_rail: float
    id: str
    moved: int
    moves: list[TierMoveOut]
    programme: str
    ranges: int
    reason: str | None
    resellers: int
    started_at: str
    state: RunState

class DiscountRunPreviewOut(TypedDict):
    """Result of a dry run; `movers` lists the first 1,000."""

    day: str
    guard_rail: float
    moved: int
    movers: list[MoverOut]
    moves: list[TierMoveOut]
    needs_approval: bool
    programme: str
    resellers: int

DiscountWindowOut = TypedDict("DiscountWindowOut", {
    "from": 'str',
    "to": 'str',
})

class DismissIn(TypedDict):
    """Why a payment is no reseller's."""

    reason: str

class DnsRecordOut(TypedDict):
    """The DNS record that verifies a domain."""

    name: str
    type: str
    value: str

class DomainEventData(TypedDict):
    """The domain of a brand was verified or is lost."""

    account_id: str
    by: NotRequired[str | None]
    domain: str
    method: Literal["dns", "provider"] | None

class DomainLostEvent(TypedDict):
    """The verification of a domain ended."""

    data: DomainEventData
    timestamp: str
    type: Literal["domain.lost"]

class DomainOut(TypedDict):
    """A domain that the brand uses, and whether it is verified."""

    account_id: str
    checked_at: str | None
    domain: str
    last_error: str | None
    record: DnsRecordOut
    verified: bool
    verified_at: str | None
    verified_by: str | None

class DomainVerifiedEvent(TypedDict):
    """The domain of a brand was verified."""

    data: DomainEventData
    timestamp: str
    type: Literal["domain.verified"]

class DueWorkOut(TypedDict):
    """Work left: jobs by task, schedules, and probes of open lanes."""

    jobs: dict[str, int]
    probes: list[str]
    schedules: list[str]

class EndUserSupportOut(TypedDict):
    """Whom the end users of an account ask: its own contact, without one its admin address."""

    end_users: dict[str, str]

class EndedJobData(TypedDict):
    """A job of a declared type that succeeded, failed for good or was cancelled."""

    account_id: str | None
    error: NotRequired[str | None]
    external_id: str | None
    job: str
    task: str
    tenant: str

class EndedOut(TypedDict):
    """What ended the attempt of a job."""

    ended: str
    job: str

class EventOut(TypedDict):
    """A domain event; `seq` is its position in the feed."""

    account_id: str | None
    at: str
    data: dict[str, Json]
    id: str
    programme: str | None
    reseller_id: str | None
    seq: int
    type: str

class EvidenceOut(TypedDict):
    """The evidence of a decision: the way, the address that it was mailed to, who set and confirmed it, from where. `domain_set_by`: who set the domain of the link; null for the provider's. `self_decided`: the address is also the reseller's."""

    address: str
    confirmed_at: str | None
    domain_set_by: str | None
    link_host: str | None
    origin: str
    self_decided: NotRequired[bool]
    set_by: str | None
    user_agent: str | None
    via: str

class FailIn(TypedDict):
    """Why it failed; `permanent`: do not try again; `retry_in`: seconds, else by the type's policy."""

    error: str
    permanent: NotRequired[bool]
    retry_in: NotRequired[float | None]

FailureCause: TypeAlias = 'Literal["redirected", "access_denied", "not_found", "rejected", "overloaded", "server_error", "timed_out", "name_unknown", "connection_refused", "tls_failed", "unreachable", "address_forbidden", "endpoint_disabled", "not_an_image", "image_too_large", "image_damaged", "other"]'

class FieldProblemOut(TypedDict):
    """One error of one field, by its dotted path."""

    loc: str
    msg: str

class FreeOffersIn(TypedDict):
    """Why an objection is settled."""

    reason: str

class FreedOffersOut(TypedDict):
    """How many offers go on."""

    offers: int

GapKind: TypeAlias = 'Literal["trial_end", "quota_mail", "quota_digest", "charge_due", "charge_gone", "offer_delivery", "offer_expiry", "mail_unsent", "mail_gone", "discount_run", "discount", "occurrence", "book_line", "book_amount", "book_fact", "statement_total"]'

class GapOut(TypedDict):
    """A gap: something that should exist but does not."""

    accepted_by: str | None
    detail: str
    id: str
    job_id: str | None
    kind: GapKind
    mendable: bool
    mended_at: str | None
    remedy: str
    seen_at: str
    since: str
    subject: str

GrantState: TypeAlias = 'Literal["none", "pending", "applied", "failed"]'

class GrantStatusOut(TypedDict):
    """Whether the instance was notified of the licences."""

    last_error: str | None
    state: GrantState

class HeldAssignmentOut(TypedDict):
    """A client's product under a subscription that allows one client only."""

    account: str
    account_id: str
    product: str
    reseller_id: str

HeldBy: TypeAlias = 'Literal["objection"]'

ImageRole: TypeAlias = 'Literal["logo", "favicon"]'

ImageState: TypeAlias = 'Literal["waiting", "ready", "failed"]'

class InstanceIn(TypedDict):
    """URL of the customer's system; a secret is generated if omitted."""

    secret: NotRequired[str | None]
    url: str

class InstanceOut(TypedDict):
    """The instance, without its secret."""

    created_at: str
    state: InstanceState
    updated_at: str
    url: str

class InstanceSecretOut(TypedDict):
    """The instance; its secret is returned only once."""

    secret: str
    url: str

InstanceState: TypeAlias = 'Literal["none", "ok", "down", "held"]'

class InstanceStateOut(TypedDict):
    """Whether an account has an instance, and whether calls to it go through."""

    state: InstanceState

class InvitedMemberOut(TypedDict):
    """A new member; `mail`: sent, or held until the reseller's allowance grows."""

    confirmed: bool
    email: str
    id: str
    locale: str
    mail: MailFate
    name: str
    role: MemberRole

class InvitedOut(TypedDict):
    """A client whose admin is mailed; `mail`: sent, or held until the reseller's allowance grows."""

    activated_at: str | None
    admin_email: str
    badge_token: str
    created_at: str
    deleted_at: str | None
    external_id: str | None
    features: list[str]
    home_url: str | None
    id: str
    instance: InstanceStateOut
    kind: AccountKind
    locale: str
    mail: MailFate
    metadata: dict[str, str]
    name: str
    party: Party
    plan: str
    programme: str
    read_only: bool
    reseller_id: str | None
    services: list[AccountServiceOut]
    suspended: bool
    terms: AcceptedTermsOut | None
    timezone: str
    trial: TrialOut
    usage: dict[str, UsageOut]

class JobCancelledEvent(TypedDict):
    """A job of a declared type was cancelled."""

    data: EndedJobData
    timestamp: str
    type: Literal["job.cancelled"]

class JobDeadEvent(TypedDict):
    """A job failed for good."""

    data: DeadJobData
    timestamp: str
    type: Literal["job.dead"]

class JobFailedEvent(TypedDict):
    """A job of a declared type failed for good."""

    data: EndedJobData
    timestamp: str
    type: Literal["job.failed"]

class JobIdsOut(TypedDict):
    """Job ids in the order of the request."""

    ids: list[str]

class JobIn(TypedDict):
    """A new job; its args have at most 1 MiB. `priority` 9 runs first. `unique_key` returns an unfinished job of the same task instead. `account_id` sets the lane, and the tenant to its reseller, or to itself."""

    account_id: NotRequired[str | None]
    args: dict[str, Json]
    external_id: NotRequired[str | None]
    priority: NotRequired[int]
    queue: NotRequired[str | None]
    run_at: NotRequired[str | None]
    task: str
    tenant: NotRequired[str | None]
    unique_key: NotRequired[str | None]

class JobOut(TypedDict):
    """A job. `deduplicated` is true if an existing job was returned instead of a new one. In a list args, result and errors over 4 KiB are cut (`args_truncated`, `result_truncated`): long members end in `…` or are missing, a long result is the beginning of its JSON as a string. The job itself has them whole. Those of Kontor's own tasks are for operators alone: others get `{}` and null."""

    args: dict[str, Json]
    args_truncated: NotRequired[bool]
    attempt: int
    attempts: list[AttemptOut]
    created_at: str
    deduplicated: NotRequired[bool]
    error: Json
    finished_at: str | None
    id: str
    max_attempts: int
    parent_id: NotRequired[str | None]
    priority: int
    queue: str
    reason: NotRequired[str | None]
    result: Json
    result_truncated: NotRequired[bool]
    run_at: str
    started_at: str | None
    state: JobState
    task: str
    tenant: str
    trace_id: NotRequired[str | None]
    unique_key: NotRequired[str | None]

class JobPageOut(TypedDict):
    """Jobs, newest first; `partial` if the search was cut after one second: continue with `next`."""

    items: list[JobOut]
    next: NotRequired[str | None]
    partial: NotRequired[bool]

JobState: TypeAlias = 'Literal["scheduled", "queued", "running", "retrying", "succeeded", "dead", "cancelled"]'

class JobSucceededEvent(TypedDict):
    """A job of a declared type succeeded."""

    data: EndedJobData
    timestamp: str
    type: Literal["job.succeeded"]

class JobsIn(TypedDict):
    """Jobs to enqueue, all or none."""

    jobs: list[JobIn]

JsonValue: TypeAlias = 'Json'

KeyIn = TypedDict("KeyIn", {
    "account_id": 'NotRequired[str | None]',
    "expires_at": 'NotRequired[str | None]',
    "from": 'NotRequired[list[str]]',
    "name": 'str',
    "rate": 'NotRequired[int | None]',
    "reseller_id": 'NotRequired[str | None]',
    "scopes": 'list[str]',
})

KeyOut = TypedDict("KeyOut", {
    "account_id": 'str | None',
    "created_at": 'str',
    "created_by": 'str | None',
    "expires_at": 'str | None',
    "from": 'list[str]',
    "id": 'str',
    "last_used_at": 'str | None',
    "name": 'str',
    "rate": 'int | None',
    "reseller_id": 'str | None',
    "revoked_at": 'str | None',
    "scopes": 'list[str]',
})

class LaneOut(TypedDict):
    """A lane: jobs that run one at a time behind a breaker. `waiting`: unfinished jobs; `since`: of the trouble."""

    account_id: str | None
    dead: int
    failures: int
    last_error: str | None
    name: str
    next_try_at: str | None
    since: str | None
    state: LaneState
    waiting: int

LaneState: TypeAlias = 'Literal["closed", "open", "held"]'

class LeaseIn(TypedDict):
    """What a pull worker asks for; `max` counts what it may hold in all, `wait` is in seconds. `tokens`: each lease comes with a token that opens it alone, for a process that should not have the key."""

    max: NotRequired[int]
    tasks: list[str]
    tokens: NotRequired[bool]
    wait: NotRequired[float]
    worker: str

class LeaseOut(TypedDict):
    """A lease; it lasts 60 s from its last heartbeat."""

    expires_at: str
    job: PulledJobOut
    lease: str
    token: str | None

class LeasesOut(TypedDict):
    """The leases that a call got."""

    items: list[LeaseOut]

class LicenceChangeOut(TypedDict):
    """Change of a product's licence count on acceptance."""

    now: int
    product: str
    then: int

class LicenceOut(TypedDict):
    """Number of licences of a product, and when the next grant ends."""

    count: int
    expires_at: str | None
    product: str

class LicenceTotalData(TypedDict):
    """The total of one product; null: without an end."""

    count: int
    expires_at: str | None
    product: str

class LicencesEndingData(TypedDict):
    """Licences end at the same instant, 14 days from now at most."""

    account_id: str
    ends_at: str
    licences: list[LicenceTotalData]
    name: str

class LicencesEndingEvent(TypedDict):
    """Licences of an account end within 14 days."""

    data: LicencesEndingData
    timestamp: str
    type: Literal["licences.ending"]

class LicencesGrantedData(TypedDict):
    """The totals of an account after an acceptance, or after grants ended."""

    account_id: str
    as_of: str
    licences: list[LicenceTotalData]
    offer_id: NotRequired[str | None]
    reason: Literal["accepted", "ended"]

class LicencesGrantedEvent(TypedDict):
    """The instance of the customer has the new totals."""

    data: LicencesGrantedData
    timestamp: str
    type: Literal["licences.granted"]

class LineIn(TypedDict):
    """One line: product, licence count, mode, and a term (ISO 8601 duration or last day)."""

    count: int
    mode: LineMode
    product: str
    term: str

LineMode: TypeAlias = 'Literal["absolute", "relative"]'

class LineOut(TypedDict):
    """One line of an offer or template."""

    count: int
    mode: LineMode
    product: str
    term: str

MailFate: TypeAlias = 'Literal["sent", "held"]'

MailOut = TypedDict("MailOut", {
    "account_id": 'str | None',
    "created_at": 'str',
    "from": 'str | None',
    "id": 'str',
    "job_id": 'str | None',
    "locale": 'str',
    "message_id": 'str | None',
    "programme": 'str | None',
    "raw": 'NotRequired[str | None]',
    "reason": 'str | None',
    "recipients": 'list[RecipientOut]',
    "repeats": 'str | None',
    "reply_to": 'str | None',
    "reseller_id": 'str | None',
    "sender": 'str | None',
    "sent_at": 'str | None',
    "state": 'MailState',
    "subject": 'str | None',
    "template": 'str',
})

MailState: TypeAlias = 'Literal["queued", "held_limit", "folded", "sent", "skipped", "suppressed", "failed"]'

ManagedBy: TypeAlias = 'Literal["admin", "reseller"]'

class MemberIn(TypedDict):
    """A new member. Without a name the address, without a locale the account's."""

    email: str
    locale: NotRequired[str | None]
    name: NotRequired[str | None]
    role: str

class MemberOut(TypedDict):
    """A member. The owner's `id` is the account's; `confirmed`: a link sent to the address was used."""

    confirmed: bool
    email: str
    id: str
    locale: str
    name: str
    role: MemberRole

class MemberPatch(TypedDict):
    """Fields to change; omitted fields stay unchanged."""

    locale: NotRequired[str | None]
    name: NotRequired[str | None]
    role: NotRequired[str | None]

MemberRole: TypeAlias = 'Literal["owner", "staff", "viewer"]'

class MergeIn(TypedDict):
    """The target reseller; a dry run only reports."""

    dry_run: NotRequired[bool]
    into: str

class MergeOut(TypedDict):
    """The job that merges, and the planned report; the job's result is the final report."""

    job_id: str
    report: MergeReportOut

class MergeReportOut(TypedDict):
    """Effects of a merge. Turnover and tier belong to the remaining reseller; counts are records that move. `keys` are revoked. `managed_products` still name the merged reseller in the programme file."""

    assignments: int
    charges: int
    clashes: list[TemplateClashOut]
    clients: int
    conflicts: list[SubscriptionConflictOut]
    into: str
    keys: int
    managed_products: list[str]
    open_offers: int
    paid_plans: int
    payments: int
    reseller_id: str
    running_trials: int
    templates: int
    tier_after: str | None
    tier_before: str | None
    turnover_after: MoneyOut
    turnover_before: MoneyOut
    webhook_endpoints: int

MisfirePolicy: TypeAlias = 'Literal["skip", "once", "all"]'

class MoneyIn(TypedDict):
    """An amount in a request."""

    amount: str
    currency: str

class MoneyOut(TypedDict):
    """An amount in a response."""

    amount: str
    currency: str

MoverOut = TypedDict("MoverOut", {
    "from": 'str | None',
    "reseller_id": 'str',
    "to": 'str | None',
    "turnover": 'MoneyOut',
})

class NamedAccountEventData(TypedDict):
    """The account that it is about, by name."""

    account_id: str
    name: str

NewKeyOut = TypedDict("NewKeyOut", {
    "account_id": 'str | None',
    "created_at": 'str',
    "created_by": 'str | None',
    "expires_at": 'str | None',
    "from": 'list[str]',
    "id": 'str',
    "last_used_at": 'str | None',
    "name": 'str',
    "rate": 'int | None',
    "reseller_id": 'str | None',
    "revoked_at": 'str | None',
    "scopes": 'list[str]',
    "secret": 'str',
})

class NextTierOut(TypedDict):
    """The next tier, and the turnover missing to reach it."""

    missing: MoneyOut
    name: str

class OccurrenceOut(TypedDict):
    """One run of a schedule; `slot` is its unique local time."""

    due_at: str
    fired_at: str
    job_id: str | None
    skipped: bool
    slot: str

class OfferAcceptedEvent(TypedDict):
    """The customer accepted an offer."""

    data: OfferEventData
    timestamp: str
    type: Literal["offer.accepted"]

class OfferCancelledEvent(TypedDict):
    """An offer was withdrawn, has expired or has no account."""

    data: OfferEventData
    timestamp: str
    type: Literal["offer.cancelled"]

class OfferDeliveredEvent(TypedDict):
    """The instance of the customer has an offer."""

    data: OfferEventData
    timestamp: str
    type: Literal["offer.delivered"]

class OfferDeliveryOut(TypedDict):
    """Delivery calls to the instance, and the last error. `wait`: while the offer is `waiting`."""

    attempts: int
    delivered_at: str | None
    job_id: str | None
    last_error: str | None
    wait: OfferWaitOut | None

OfferEvent: TypeAlias = 'Literal["send", "delivered", "accept", "reject", "withdraw", "expire", "close_account", "move_account"]'

class OfferEventData(TypedDict):
    """An offer, as it is after the change."""

    account_id: str
    expires_at: str
    lines: list[OfferLineData]
    message: str | None
    offer_id: str
    programme: str
    reason: str | None
    reseller_id: str
    state: str

OfferEventOut = TypedDict("OfferEventOut", {
    "actor": 'str',
    "at": 'str',
    "event": 'OfferEvent',
    "evidence": 'EvidenceOut | BriefEvidenceOut | None',
    "from": 'OfferState | None',
    "hash": 'str',
    "job": 'str | None',
    "to": 'OfferState',
})

class OfferIn(TypedDict):
    """A new offer, with lines of its own or of a template."""

    account_id: str
    expires_at: NotRequired[str | None]
    external_id: NotRequired[str | None]
    lines: NotRequired[list[LineIn] | None]
    message: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]
    reseller_id: str
    template_id: NotRequired[str | None]

class OfferLineData(TypedDict):
    """A line of an offer; `count` is the new total or, relative, what is added."""

    count: int
    mode: Literal["absolute", "relative"]
    product: str
    term: str

class OfferOut(TypedDict):
    """An offer."""

    account_id: str
    changes: list[LicenceChangeOut]
    created_at: str
    decided_at: str | None
    decided_by: str | None
    delivery: OfferDeliveryOut
    events: list[OfferEventOut]
    expires_at: str
    external_id: str | None
    grant: GrantStatusOut
    held_by: HeldBy | None
    id: str
    lines: list[LineOut]
    message: str | None
    metadata: dict[str, str]
    programme: str
    reason: str | None
    reseller_id: str
    state: OfferState
    template_id: str | None

class OfferRejectedEvent(TypedDict):
    """The customer rejected an offer."""

    data: OfferEventData
    timestamp: str
    type: Literal["offer.rejected"]

OfferState: TypeAlias = 'Literal["waiting", "waiting_for_confirmation", "accepted", "rejected", "cancelled"]'

class OfferWaitOut(TypedDict):
    """Why the offer is not delivered yet, since when, and when the next try is; null: not known, or none by itself. `ahead`: calls to the instance that come first, 100 at most."""

    ahead: int
    last_error: str | None
    next_try_at: str | None
    reason: WaitReason
    since: str | None

class OfferWithdrawnEvent(TypedDict):
    """The instance of the customer took an offer back."""

    data: OfferEventData
    timestamp: str
    type: Literal["offer.withdrawn"]

class OrderCancelledEvent(TypedDict):
    """An order was cancelled; it is credited."""

    data: OrderEventData
    timestamp: str
    type: Literal["order.cancelled"]

class OrderEventData(TypedDict):
    """An order, as it is after the change."""

    account_id: str | None
    error: NotRequired[str | None]
    external_id: str | None
    kind: str
    net: MoneyOut
    order_id: str
    order_ref: str
    product: str
    quantity: int
    service_id: str | None
    state: str

class OrderFailedEvent(TypedDict):
    """An order could not be carried out; it is credited."""

    data: OrderEventData
    timestamp: str
    type: Literal["order.failed"]

class OrderIn(TypedDict):
    """A new order; `dry_run` only computes its price. `account_id`: the client it is for. `term`: 1 to 12 terms of the product, such as `P1Y`. `config`: by the product's schema."""

    account_id: NotRequired[str | None]
    config: NotRequired[dict[str, JsonValue] | None]
    dry_run: NotRequired[bool]
    external_id: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]
    order_ref: str
    product: str
    promo_code: NotRequired[str | None]
    quantity: NotRequired[int]
    term: NotRequired[str | None]

OrderKind: TypeAlias = 'Literal["new", "renewal", "change"]'

class OrderOut(TypedDict):
    """An order. `list` and `net` are for the whole quantity and term; `promotion` is the code that set the percentage. `discount_as_of` is the local day whose window determined the discount, `version` that of the programme; `id` is null in a dry run, and `missing` is what the balance is short of. `error`: why it failed or was cancelled. `differs`: the fields of a request with a used `order_ref` that are others than the order's."""

    account_id: str | None
    config: dict[str, Json]
    created_at: str
    differs: NotRequired[list[str]]
    discount_as_of: str
    error: str | None
    external_id: str | None
    id: str | None
    kind: OrderKind
    list: MoneyOut
    metadata: dict[str, str]
    missing: NotRequired[MoneyOut | None]
    net: MoneyOut
    order_ref: str
    percent: int | float
    product: str
    promo_code: str | None
    promotion: str | None
    quantity: int
    reseller_id: str
    service_id: str | None
    state: OrderState
    suppressed: list[SuppressedPercentOut]
    term: str | None
    tier: str | None
    turnover: MoneyOut | None
    version: int | None

class OrderPlacedEvent(TypedDict):
    """An order was placed and charged."""

    data: OrderEventData
    timestamp: str
    type: Literal["order.placed"]

OrderState: TypeAlias = 'Literal["pending", "completed", "failed", "cancelled"]'

class OwnBrandOut(TypedDict):
    """The brand in force, for the account's own service to show; `logo` and `favicon` are addresses of PNGs."""

    colours: dict[str, str]
    favicon: str | None
    logo: str | None
    name: str
    support: EndUserSupportOut

class PageOut_AccountOut_(TypedDict):
    """"""

    items: list[AccountOut]
    next: NotRequired[str | None]

class PageOut_AssignmentOut_(TypedDict):
    """"""

    items: list[AssignmentOut]
    next: NotRequired[str | None]

class PageOut_ChargeOut_(TypedDict):
    """"""

    items: list[ChargeOut]
    next: NotRequired[str | None]

class PageOut_DiscountRunOut_(TypedDict):
    """"""

    items: list[DiscountRunOut]
    next: NotRequired[str | None]

class PageOut_DomainOut_(TypedDict):
    """"""

    items: list[DomainOut]
    next: NotRequired[str | None]

class PageOut_EventOut_(TypedDict):
    """"""

    items: list[EventOut]
    next: NotRequired[str | None]

class PageOut_GapOut_(TypedDict):
    """"""

    items: list[GapOut]
    next: NotRequired[str | None]

class PageOut_KeyOut_(TypedDict):
    """"""

    items: list[KeyOut]
    next: NotRequired[str | None]

class PageOut_LaneOut_(TypedDict):
    """"""

    items: list[LaneOut]
    next: NotRequired[str | None]

class PageOut_LicenceOut_(TypedDict):
    """"""

    items: list[LicenceOut]
    next: NotRequired[str | None]

class PageOut_MailOut_(TypedDict):
    """"""

    items: list[MailOut]
    next: NotRequired[str | None]

class PageOut_MemberOut_(TypedDict):
    """"""

    items: list[MemberOut]
    next: NotRequired[str | None]

class PageOut_MoverOut_(TypedDict):
    """"""

    items: list[MoverOut]
    next: NotRequired[str | None]

class PageOut_OfferOut_(TypedDict):
    """"""

    items: list[OfferOut]
    next: NotRequired[str | None]

class PageOut_OrderOut_(TypedDict):
    """"""

    items: list[OrderOut]
    next: NotRequired[str | None]

class PageOut_PaymentOut_(TypedDict):
    """"""

    items: list[PaymentOut]
    next: NotRequired[str | None]

class PageOut_ProductOut_(TypedDict):
    """"""

    items: list[ProductOut]
    next: NotRequired[str | None]

class PageOut_ProgrammeOut_(TypedDict):
    """"""

    items: list[ProgrammeOut]
    next: NotRequired[str | None]

class PageOut_QueueOut_(TypedDict):
    """"""

    items: list[QueueOut]
    next: NotRequired[str | None]

class PageOut_ScheduleOut_(TypedDict):
    """"""

    items: list[ScheduleOut]
    next: NotRequired[str | None]

class PageOut_ServiceOut_(TypedDict):
    """"""

    items: list[ServiceOut]
    next: NotRequired[str | None]

class PageOut_TaskOut_(TypedDict):
    """"""

    items: list[TaskOut]
    next: NotRequired[str | None]

class PageOut_TaskTypeOut_(TypedDict):
    """"""

    items: list[TaskTypeOut]
    next: NotRequired[str | None]

class PageOut_TemplateOut_(TypedDict):
    """"""

    items: list[TemplateOut]
    next: NotRequired[str | None]

class PageOut_UnmatchedPaymentOut_(TypedDict):
    """"""

    items: list[UnmatchedPaymentOut]
    next: NotRequired[str | None]

class PageOut_VersionOut_(TypedDict):
    """"""

    items: list[VersionOut]
    next: NotRequired[str | None]

class PageOut_WebhookDeliveryOut_(TypedDict):
    """"""

    items: list[WebhookDeliveryOut]
    next: NotRequired[str | None]

class PageOut_WebhookEndpointOut_(TypedDict):
    """"""

    items: list[WebhookEndpointOut]
    next: NotRequired[str | None]

Party: TypeAlias = 'Literal["company", "person"]'

class PayeeIn(TypedDict):
    """The reseller whose payment it is, also a former one."""

    reseller_id: str

class PaymentEventData(TypedDict):
    """A payment, refund or chargeback of a reseller was recorded; the amount is positive."""

    amount: MoneyOut
    id: str
    kind: Literal["payment", "refund", "chargeback"]
    paid_at: str
    reference: str
    reseller_id: str

class PaymentIn(TypedDict):
    """A payment, refund or chargeback; amounts are positive."""

    amount: MoneyIn
    kind: PaymentKind
    paid_at: str
    reference: str

PaymentKind: TypeAlias = 'Literal["payment", "refund", "chargeback"]'

class PaymentOut(TypedDict):
    """A payment; `day` is its local day, `posted_to` the reseller it was posted to. `differs`: the fields of a request with a known reference that are others than the first's."""

    amount: MoneyOut
    created_at: str
    day: str
    differs: NotRequired[list[str]]
    id: str
    kind: PaymentKind
    paid_at: str
    posted_to: str
    reference: str
    reseller_id: str

class PaymentRecordedEvent(TypedDict):
    """A payment of a reseller was recorded."""

    data: PaymentEventData
    timestamp: str
    type: Literal["payment.recorded"]

class PaymentRefundedEvent(TypedDict):
    """A refund or chargeback of a reseller was recorded."""

    data: PaymentEventData
    timestamp: str
    type: Literal["payment.refunded"]

class PeriodChargesOut(TypedDict):
    """What one period of everything that runs costs, after discount, by the version in force and by the file."""

    now: MoneyOut
    then: MoneyOut

class PingOut(TypedDict):
    """The job that pings an instance; its result says whether the instance answered."""

    job_id: str

class PlanIn(TypedDict):
    """The new plan; the free plan cancels the subscription. `dry_run` only tells what is charged and credited."""

    dry_run: NotRequired[bool]
    plan: str

class PlanOut(TypedDict):
    """The plan of a file; `hash` is what `approve` names. `version`: the number that it gets or has."""

    applied: bool
    changes: list[ProgrammeChangeOut]
    code: str
    consequences: ConsequencesOut
    effective_at: str
    hash: str
    needs_approval: bool
    version: int

class PlanQuoteOut(TypedDict):
    """What a change of plan would charge and credit, and when; a downgrade's charge is made at `at`."""

    at: str
    charge: MoneyOut
    credit: MoneyOut

class PortalSessionIn(TypedDict):
    """Where the link leads, a path of the portal, and as which member (id or address), by default the owner. `embed`: the updates, for a frame in the account's own product."""

    embed: NotRequired[bool]
    member: NotRequired[str | None]
    path: NotRequired[str]

class PortalSessionOut(TypedDict):
    """A link that signs in once, or the address of an embedded page."""

    expires_at: str
    url: str

class ProblemOut(TypedDict):
    """RFC 9457 problem. `code` is stable; further members depend on it."""

    code: Literal["account_deleted", "account_required", "account_suspended", "action_under_way", "address_not_allowed", "address_unconfirmed", "already_activated", "already_assigned", "already_held", "already_reseller", "already_subscribed", "already_void", "approval_required", "args_too_large", "bad_credentials", "bad_programme", "busy", "clock_backwards", "conflicts", "currency_in_use", "currency_mismatch", "endpoint_disabled", "endpoint_exists", "external_id_taken", "final", "forbidden", "forbidden_address", "has_clients", "has_main", "has_reseller", "idempotency_in_progress", "idempotency_mismatch", "illegal_transition", "in_future", "in_use", "insufficient_balance", "internal", "invalid", "invalid_amount", "invalid_args", "invalid_config", "invalid_schema", "invalid_secret", "key_expired", "later_version", "lease_lost", "locked", "main_required", "managed_by_provider", "member_exists", "mended", "method_not_allowed", "name_taken", "no_handler", "no_instance", "no_lines", "no_test_clock", "no_trial", "no_turnover_discount", "not_a_client", "not_a_preview", "not_a_reseller", "not_cancellable", "not_deleted", "not_for_sale", "not_found", "not_held", "not_mendable", "not_multiple", "not_open", "not_recurring", "not_renewable", "not_retryable", "not_running", "not_sendable", "offer_held", "order_ref_taken", "own_address_unconfirmed", "owner_fixed", "party_refused", "plan_in_use", "precondition_failed", "product_in_use", "programme_mismatch", "reason_missing", "reference_taken", "request_timeout", "reserved_name", "result_too_large", "task_internal", "task_not_public", "terms_changed", "too_large", "too_many", "trial_used", "unauthorized", "unavailable", "unknown_domain", "unknown_event", "unknown_lane", "unknown_limit", "unknown_line", "unknown_plan", "unknown_product", "unknown_programme", "unknown_promo_code", "unknown_queue", "unknown_schedule", "unknown_task", "unknown_version", "unsupported_encoding"]
    detail: str
    errors: NotRequired[list[FieldProblemOut] | None]
    state: NotRequired[str | None]
    status: int
    title: str
    trace_id: str
    type: str

class ProductOut(TypedDict):
    """A product as its reseller sees it; monthly fees are null if it has none."""

    below_cost: bool
    cost: MoneyOut | None
    editable: bool
    family: str | None
    managed_by: ManagedBy
    multiple: bool | None
    name: str
    price: MoneyOut | None
    product: str
    reseller_fee: MoneyOut | None
    retail_fee: MoneyOut | None

class ProductPatch(TypedDict):
    """Changes to a product that the reseller manages; null: as in the programme."""

    name: NotRequired[str | None]
    retail_fee: NotRequired[MoneyIn | None]

class ProgrammeChangeOut(TypedDict):
    """A changed value of a file; `path` is dotted, `text` is what the command line prints."""

    after: str | None
    before: str | None
    kind: ChangeKind
    path: str
    text: str

class ProgrammeOut(TypedDict):
    """A version of a programme; `document` is its file with all defaults filled in, cut to what the caller may see. `changes`: what differs from the version asked for by `against`."""

    applied_at: str
    applied_by: str
    changes: NotRequired[list[ProgrammeChangeOut] | None]
    code: str
    document: dict[str, Json]
    effective_at: str
    version: int

class PulledJobOut(TypedDict):
    """A job as its worker gets it: the sensitive args are open."""

    account: str | None
    args: dict[str, Json]
    attempt: int
    external_id: str | None
    id: str
    reseller: str | None
    task: str

class PushIn(TypedDict):
    """A handler that Kontor calls."""

    push: str

class QueueOut(TypedDict):
    """A queue. `estimated`: counts of 10,000 or more are estimates of the query planner."""

    dead: int
    estimated: bool
    name: str
    oldest_queued_seconds: float | None
    paused: bool
    queued: int
    retrying: int
    running: int
    scheduled: int

class QuotaEventData(TypedDict):
    """A metric's value went over its limit."""

    account_id: str
    limit: int
    metric: str
    name: str
    period: DayRangeData
    value: int

class QuotaExceededEvent(TypedDict):
    """Usage exceeded a limit; once per period."""

    data: QuotaEventData
    timestamp: str
    type: Literal["quota.exceeded"]

class RecipientOut(TypedDict):
    """Delivery to one recipient."""

    address: str
    last_error: str | None
    role: RecipientRole
    sent_at: str | None
    state: RecipientState
    tries: int

RecipientRole: TypeAlias = 'Literal["to", "cc"]'

RecipientState: TypeAlias = 'Literal["queued", "folded", "sent", "suppressed", "failed"]'

class RecordedDiscountOut(TypedDict):
    """The discount recorded for the day; unchanged since the day `since`."""

    as_of: str
    percent: dict[str, int | float]
    since: str
    tier: str | None
    turnover: MoneyOut

class RenewIn(TypedDict):
    """A renewal; its order has `order_ref`, or one of Kontor's own."""

    order_ref: NotRequired[str | None]
    reason: NotRequired[str | None]

Renewal: TypeAlias = 'Literal["auto", "manual", "none"]'

class ReplayIn(TypedDict):
    """Start time from which all events are delivered again; omitted: only failed deliveries."""

    since: NotRequired[str | None]

class ReplayOut(TypedDict):
    """Number of deliveries started."""

    started: int

class ReportedUsageOut(TypedDict):
    """The metric after the report; `repeated`: its `report_id` is known, nothing changed."""

    limit: int | None
    metric: str
    repeated: bool
    value: int

class ResellerOut(TypedDict):
    """A new reseller; `disconnected_from` is its former reseller, whose brand it no longer has."""

    activated_at: str | None
    admin_email: str
    badge_token: str
    created_at: str
    deleted_at: str | None
    disconnected_from: str | None
    external_id: str | None
    features: list[str]
    home_url: str | None
    id: str
    instance: InstanceStateOut
    kind: AccountKind
    locale: str
    metadata: dict[str, str]
    name: str
    party: Party
    plan: str
    programme: str
    read_only: bool
    reseller_id: str | None
    services: list[AccountServiceOut]
    suspended: bool
    terms: AcceptedTermsOut | None
    timezone: str
    trial: TrialOut
    usage: dict[str, UsageOut]

class RetryIn(TypedDict):
    """How often a failed attempt is repeated: after base, twice base and so on up to cap, with full jitter."""

    base: NotRequired[str]
    cap: NotRequired[str]
    max_attempts: NotRequired[int]

class RetryPolicyOut(TypedDict):
    """Exponential backoff with full jitter, in seconds."""

    base_seconds: float
    cap_seconds: float
    max_attempts: int

class RevertIn(TypedDict):
    """Whether to disconnect the clients."""

    disconnect_clients: NotRequired[bool]

RunState: TypeAlias = 'Literal["computing", "held", "applying", "done", "rejected", "superseded"]'

class ScheduleOut(TypedDict):
    """A schedule with its last run and its next twelve run times; `error`: why it does not fire."""

    cron: str
    error: str | None
    last: OccurrenceOut | None
    misfire: MisfirePolicy
    name: str
    next: list[str]
    paused: bool
    task: str
    timezone: str

class SentOfferOut(TypedDict):
    """An offer just sent, and what becomes of its mail: `held` waits for the reseller's allowance."""

    account_id: str
    changes: list[LicenceChangeOut]
    created_at: str
    decided_at: str | None
    decided_by: str | None
    delivery: OfferDeliveryOut
    events: list[OfferEventOut]
    expires_at: str
    external_id: str | None
    grant: GrantStatusOut
    held_by: HeldBy | None
    id: str
    lines: list[LineOut]
    mail: MailFate
    message: str | None
    metadata: dict[str, str]
    programme: str
    reason: str | None
    reseller_id: str
    state: OfferState
    template_id: str | None

class ServiceActionOut(TypedDict):
    """What is under way for a service."""

    job: str | None
    since: str
    verb: ServiceVerb

class ServiceActiveEvent(TypedDict):
    """A service was made."""

    data: ServiceEventData
    timestamp: str
    type: Literal["service.active"]

class ServiceChangedEvent(TypedDict):
    """The quantity or the config of a service was changed."""

    data: ServiceEventData
    timestamp: str
    type: Literal["service.changed"]

class ServiceEndedEvent(TypedDict):
    """A service ended."""

    data: ServiceEventData
    timestamp: str
    type: Literal["service.ended"]

class ServiceEventData(TypedDict):
    """A service, as it is after the change."""

    account_id: str | None
    error: NotRequired[str | None]
    external_id: str | None
    order_id: str
    paid_until: str | None
    product: str
    quantity: int
    reseller_id: str
    result: JsonValue
    service_id: str
    since: str | None
    state: ServiceState

ServiceEventOut = TypedDict("ServiceEventOut", {
    "actor": 'str',
    "at": 'str',
    "from": 'ServiceState | None',
    "reason": 'str | None',
    "to": 'ServiceState',
})

class ServiceFailedEvent(TypedDict):
    """A service could not be made."""

    data: ServiceEventData
    timestamp: str
    type: Literal["service.failed"]

class ServiceJobOut(TypedDict):
    """Something that was asked of a service, with its job; null without a task type."""

    actor: str
    asked_at: str
    begun_at: str | None
    ended_at: str | None
    error: str | None
    job: str | None
    reason: str | None
    state: ActionState
    verb: ServiceVerb

class ServiceOut(TypedDict):
    """A service. `paid_until`: local day, end exclusive; `action`: what is under way; `result`: the handler's answer. `next_quantity`: from the next renewal; `suspended_by`: why it is suspended; `unpaid_since`: since when a renewal waits for money."""

    account_id: str | None
    action: ServiceActionOut | None
    config: dict[str, Json]
    created_at: str
    ended_at: str | None
    events: list[ServiceEventOut]
    external_id: str | None
    id: str
    metadata: dict[str, str]
    next_quantity: int | None
    order_id: str
    paid_until: str | None
    product: str
    quantity: int
    renewal: Renewal
    reseller_id: str
    result: Json
    since: str | None
    state: ServiceState
    suspended_by: list[SuspensionCause]
    term: str | None
    unpaid_since: str | None

class ServiceRenewedEvent(TypedDict):
    """A service is paid until a later day."""

    data: ServiceEventData
    timestamp: str
    type: Literal["service.renewed"]

class ServiceResumedEvent(TypedDict):
    """A suspended service works again."""

    data: ServiceEventData
    timestamp: str
    type: Literal["service.resumed"]

ServiceState: TypeAlias = 'Literal["pending", "active", "failed", "suspended", "ended"]'

class ServiceSuspendedEvent(TypedDict):
    """A service was suspended."""

    data: ServiceEventData
    timestamp: str
    type: Literal["service.suspended"]

class ServiceUpdate(TypedDict):
    """What is to change; `quantity` up costs its part of the days left, down counts from the next renewal."""

    config: NotRequired[dict[str, JsonValue] | None]
    external_id: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]
    quantity: NotRequired[int | None]
    reason: NotRequired[str | None]

ServiceVerb: TypeAlias = 'Literal["create", "renew", "suspend", "resume", "change", "terminate"]'

class ServiceVerbIn(TypedDict):
    """Why something is asked."""

    reason: NotRequired[str | None]

class ServiceWithJobsOut(TypedDict):
    """A service with what was asked of it, newest first."""

    account_id: str | None
    action: ServiceActionOut | None
    config: dict[str, Json]
    created_at: str
    ended_at: str | None
    events: list[ServiceEventOut]
    external_id: str | None
    id: str
    jobs: list[ServiceJobOut]
    metadata: dict[str, str]
    next_quantity: int | None
    order_id: str
    paid_until: str | None
    product: str
    quantity: int
    renewal: Renewal
    reseller_id: str
    result: Json
    since: str | None
    state: ServiceState
    suspended_by: list[SuspensionCause]
    term: str | None
    unpaid_since: str | None

class SnoozeIn(TypedDict):
    """When to run it again; uses no attempt."""

    until: str

class StartedTrialOut(TypedDict):
    """A running trial; its end is exclusive."""

    ends_at: str | None

class SubscribedAccountOut(TypedDict):
    """An account with its current paid plan."""

    activated_at: str | None
    admin_email: str
    badge_token: str
    created_at: str
    deleted_at: str | None
    external_id: str | None
    features: list[str]
    home_url: str | None
    id: str
    instance: InstanceStateOut
    kind: AccountKind
    locale: str
    metadata: dict[str, str]
    name: str
    party: Party
    plan: str
    programme: str
    read_only: bool
    reseller_id: str | None
    services: list[AccountServiceOut]
    subscription: SubscriptionOut | None
    suspended: bool
    terms: AcceptedTermsOut | None
    timezone: str
    trial: TrialOut
    usage: dict[str, UsageOut]

class SubscriptionChangedData(TypedDict):
    """The plan of an account, or what follows it, changed."""

    account_id: str
    ends_on: str | None
    name: str
    plan: str
    then: str | None

class SubscriptionChangedEvent(TypedDict):
    """An account has another plan, or its plan ends or goes on."""

    data: SubscriptionChangedData
    timestamp: str
    type: Literal["subscription.changed"]

class SubscriptionConflictOut(TypedDict):
    """A subscription that both resellers hold; it blocks the merge."""

    held: list[HeldAssignmentOut]
    subscription: str

class SubscriptionOut(TypedDict):
    """A paid plan. Days are local to the programme; `paid_until` and `ends_on` are exclusive. `then` is the paid plan that follows at `ends_on`; null: the account returns to the free plan."""

    ends_on: str | None
    paid_until: str
    plan: str
    since: str
    then: str | None

SuppressedBy: TypeAlias = 'Literal["turnover", "better"]'

class SuppressedPercentOut(TypedDict):
    """A promo code or campaign that was not applied."""

    by: SuppressedBy
    code: str
    percent: int | float

class SuppressedPromotionOut(TypedDict):
    """A promo code or campaign valid on the day that does not apply to these products."""

    by: SuppressedBy
    code: str
    kind: str
    percent: float
    products: list[str]

SuspensionCause: TypeAlias = 'Literal["operator", "reseller", "account", "unpaid"]'

class SuspensionIn(TypedDict):
    """Why; kept in the audit log."""

    reason: str

class TaskOut(TypedDict):
    """A task; `args` is a JSON Schema, `due_by_seconds` the time within which jobs should start. `internal`: only Kontor itself enqueues it."""

    args: dict[str, Json]
    crash: str
    due_by_seconds: float
    internal: bool
    kind: str
    name: str
    public: bool
    queue: str
    retry: RetryPolicyOut

class TaskTypeIn(TypedDict):
    """A task type. `args`: JSON Schema 2020-12; `writeOnly` marks sensitive members, which are kept sealed. `lane`: `account`, `reseller`, `handler` or `args.NAME`: one job at a time each; `none`: any number."""

    args: NotRequired[dict[str, JsonValue]]
    compensate: NotRequired[str | None]
    crash: NotRequired[CrashPolicy]
    due_by: NotRequired[str]
    handler: PushIn | Literal["pull"]
    lane: NotRequired[str]
    public: NotRequired[bool]
    queue: NotRequired[str | None]
    retry: NotRequired[RetryIn]
    then: NotRequired[ThenIn | None]
    time_limit: NotRequired[str]

class TaskTypeOut(TypedDict):
    """A task type with all defaults filled in."""

    applied_at: str
    applied_by: str
    args: dict[str, Json]
    compensate: str | None
    crash: CrashPolicy
    due_by: str
    handler: PushIn | Literal["pull"]
    lane: str
    name: str
    public: bool
    queue: str
    retry: RetryIn
    then: ThenIn | None
    time_limit: str
    version: int

class TaskTypeSecretOut(TypedDict):
    """The same with its secret, when one was just made: it is shown only here."""

    applied_at: str
    applied_by: str
    args: dict[str, Json]
    compensate: str | None
    crash: CrashPolicy
    due_by: str
    handler: PushIn | Literal["pull"]
    lane: str
    name: str
    public: bool
    queue: str
    retry: RetryIn
    secret: NotRequired[str | None]
    then: ThenIn | None
    time_limit: str
    version: int

class TemplateClashOut(TypedDict):
    """A template whose name the other reseller already uses, and its name after the merge."""

    becomes: str
    template: str

class TemplateIn(TypedDict):
    """A new template."""

    lines: NotRequired[list[LineIn]]
    name: str
    reseller_id: str

class TemplateOut(TypedDict):
    """A template."""

    created_at: str
    id: str
    lines: list[LineOut]
    name: str
    reseller_id: str
    updated_at: str

class TemplateUpdate(TypedDict):
    """A template, replaced completely."""

    lines: list[LineIn]
    name: str

class ThenIn(TypedDict):
    """The job that success enqueues, in the transaction that records it."""

    args: NotRequired[dict[str, JsonValue]]
    task: str

Threshold: TypeAlias = 'Literal["warning", "reached", "exceeded"]'

TierMoveOut = TypedDict("TierMoveOut", {
    "from": 'str | None',
    "resellers": 'int',
    "to": 'str | None',
})

class TomorrowOut(TypedDict):
    """The next day without further payments; paying `keep_with` keeps a tier that would be lost."""

    as_of: str
    keep_with: MoneyOut | None
    leaving: list[CountedPaymentOut]
    tier: str | None
    turnover: MoneyOut

class TrialEndedData(TypedDict):
    """A trial is over."""

    account_id: str
    ended_at: str
    name: str
    outcome: Literal["converted", "expired"]

class TrialEndedEvent(TypedDict):
    """A trial ended, by time or by a paid plan."""

    data: TrialEndedData
    timestamp: str
    type: Literal["trial.ended"]

class TrialOut(TypedDict):
    """The current state of the trial."""

    ends_at: str | None
    state: TrialState

class TrialStartedData(TypedDict):
    """A trial began."""

    account_id: str
    ends_at: str
    name: str

class TrialStartedEvent(TypedDict):
    """A trial began."""

    data: TrialStartedData
    timestamp: str
    type: Literal["trial.started"]

TrialState: TypeAlias = 'Literal["none", "running", "converted", "expired"]'

class UnmatchedPaymentOut(TypedDict):
    """A payment that names no reseller; `file` and `line`: where it stands; `note`: the texts of its row. `dismissed_at`, `dismissed_by`, `dismiss_reason`: when, by whom and why it was taken off the list."""

    amount: MoneyOut
    created_at: str
    dismiss_reason: str | None
    dismissed_at: str | None
    dismissed_by: str | None
    file: str
    id: str
    kind: PaymentKind
    line: int
    note: str
    paid_at: str
    programme: str
    reference: str

class UnsettledOut(TypedDict):
    """The clock is set, but some due work did not finish in time."""

    due: DueWorkOut
    now: str

class UpdatesOut(TypedDict):
    """Open offers, then the last 20 decided ones; `count` is the number for the badge."""

    count: int
    items: list[OfferOut]
    next: NotRequired[str | None]

class UsageOut(TypedDict):
    """Value and limit of a metric; `limit` null: unlimited."""

    limit: int | None
    value: int

class UsageReportIn(TypedDict):
    """A usage report: either `value`, an absolute level of 0 or more, or `delta`, added to the period of `at`."""

    at: str
    delta: NotRequired[int | None]
    metric: str
    report_id: NotRequired[str | None]
    value: NotRequired[int | None]

class UsageThresholdData(TypedDict):
    """A metric's value reached the warning level or went over its limit."""

    account_id: str
    limit: int
    metric: str
    name: str
    period: DayRangeData
    threshold: Threshold
    value: int

class UsageThresholdEvent(TypedDict):
    """Usage reached the warning level, reached or exceeded a limit; once per period."""

    data: UsageThresholdData
    timestamp: str
    type: Literal["usage.threshold"]

class VersionOut(TypedDict):
    """An applied file. `hash`: SHA-256 of its document."""

    applied_at: str
    author: str
    effective_at: str
    hash: str
    reason: str | None
    version: int

class VoidIn(TypedDict):
    """Reason for voiding the charge."""

    reason: str

WaitReason: TypeAlias = 'Literal["no_instance", "given_up", "suspended", "paused", "down", "refused", "behind", "under_way"]'

class WebhookDeliveryOut(TypedDict):
    """Delivery of one event to one endpoint."""

    created_at: str
    delivered_at: str | None
    endpoint_id: str
    event_seq: int | None
    id: str
    job_id: str | None
    last_error: str | None
    last_status: int | None
    state: DeliveryState
    tries: int
    type: str
    webhook_id: str

class WebhookEndpointIn(TypedDict):
    """A new endpoint; `*` subscribes to every event; a secret is generated if omitted."""

    events: list[str]
    reseller_id: NotRequired[str | None]
    secret: NotRequired[str | None]
    url: str

class WebhookEndpointOut(TypedDict):
    """An endpoint; without a reseller it receives events of all accounts."""

    created_at: str
    disabled_at: str | None
    disabled_reason: str | None
    events: list[str]
    id: str
    reseller_id: str | None
    url: str

class WebhookEndpointPatch(TypedDict):
    """Fields to change; omitted fields stay unchanged."""

    events: NotRequired[list[str] | None]
    url: NotRequired[str | None]

class WebhookEndpointSecretOut(TypedDict):
    """An endpoint with its secret, which is returned only once."""

    created_at: str
    disabled_at: str | None
    disabled_reason: str | None
    events: list[str]
    id: str
    reseller_id: str | None
    secret: str
    url: str
