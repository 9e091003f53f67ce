/** What the API takes and answers. Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit. */

/** The terms and conditions that a reseller accepted. */
export interface AcceptedTermsOut {
  accepted_at: string;
  version: string;
}

/** The owner of an account set a password for the first time. */
export interface AccountActivatedEvent {
  data: AccountEventData;
  timestamp: string;
  type: "account.activated";
}

/** An account became a reseller. */
export interface AccountBecameResellerEvent {
  data: BecameResellerData;
  timestamp: string;
  type: "account.became_reseller";
}

/** A page of lines. `balance`: of all lines up to the end of `to`; `available`: what an order may spend now. `available` is null where orders have no limit. */
export interface AccountBookOut {
  available: MoneyOut | null;
  balance: MoneyOut;
  items: Array<BookLineOut>;
  next?: string | null;
}

/** An account became a client of a reseller. */
export interface AccountConnectedEvent {
  data: AccountMovedData;
  timestamp: string;
  type: "account.connected";
}

/** An account was made. */
export interface AccountCreatedData {
  account_id: string;
  kind: "regular" | "client" | "reseller";
  name: string;
}

/** An account was made. */
export interface AccountCreatedEvent {
  data: AccountCreatedData;
  timestamp: string;
  type: "account.created";
}

/** An account was deleted; it can be restored for 30 days. */
export interface AccountDeletedEvent {
  data: NamedAccountEventData;
  timestamp: string;
  type: "account.deleted";
}

/** A client became a regular account. */
export interface AccountDisconnectedEvent {
  data: AccountMovedData;
  timestamp: string;
  type: "account.disconnected";
}

/** The account that it is about. */
export interface AccountEventData {
  account_id: string;
}

/** A new account. Locale and time zone default to the programme's. */
export interface AccountIn {
  admin_email: string;
  external_id?: string | null;
  locale?: string | null;
  metadata?: Record<string, string> | null;
  name: string;
  party?: Party;
  password?: string | null;
  programme: string;
  timezone?: string | null;
}

/** Kind of an account in its programme. A client is attached to a reseller. */
export type AccountKind = "regular" | "reseller" | "client";

/** A reseller was merged into another; how many of its rows moved. */
export interface AccountMergedData {
  account_id: string;
  assignments: number;
  charges: number;
  clients: number;
  into: string;
  into_name: string;
  keys: number;
  name: string;
  open_offers: number;
  paid_plans: number;
  payments: number;
  running_trials: number;
  templates: number;
  webhook_endpoints: number;
}

/** A reseller was merged into another. */
export interface AccountMergedEvent {
  data: AccountMergedData;
  timestamp: string;
  type: "account.merged";
}

/** A client was connected to a reseller, or disconnected. */
export interface AccountMovedData {
  account_id: string;
  name: string;
  reseller_id: string;
}

/** An account. */
export interface AccountOut {
  activated_at: string | null;
  admin_email: string;
  badge_token: string;
  created_at: string;
  deleted_at: string | null;
  external_id: string | null;
  features: Array<string>;
  home_url: string | null;
  id: string;
  instance: InstanceStateOut;
  kind: AccountKind;
  locale: string;
  metadata: Record<string, string>;
  name: string;
  party: Party;
  plan: string;
  programme: string;
  read_only: boolean;
  reseller_id: string | null;
  services: Array<AccountServiceOut>;
  suspended: boolean;
  terms: AcceptedTermsOut | null;
  timezone: string;
  trial: TrialOut;
  usage: Record<string, UsageOut>;
}

/** Fields to change; omitted fields stay unchanged. */
export interface AccountPatch {
  admin_email?: string | null;
  external_id?: string | null;
  home_url?: string | null;
  locale?: string | null;
  metadata?: Record<string, string> | null;
  name?: string | null;
  password?: string | null;
  suspended?: boolean | null;
  timezone?: string | null;
}

/** A deleted account was erased for good. */
export interface AccountPurgedEvent {
  data: AccountEventData;
  timestamp: string;
  type: "account.purged";
}

/** A deleted account was restored. */
export interface AccountRestoredEvent {
  data: NamedAccountEventData;
  timestamp: string;
  type: "account.restored";
}

/** The suspension of an account was lifted. */
export interface AccountResumedEvent {
  data: AccountSuspensionData;
  timestamp: string;
  type: "account.resumed";
}

/** A reseller became a regular account again. */
export interface AccountRevertedEvent {
  data: AccountEventData;
  timestamp: string;
  type: "account.reverted";
}

/** A service of an account that has not ended; its own document has the rest. */
export interface AccountServiceOut {
  id: string;
  paid_until: string | null;
  product: string;
  result: unknown;
  since: string | null;
  state: ServiceState;
}

/** An account was suspended, alone or with its reseller. */
export interface AccountSuspendedEvent {
  data: AccountSuspensionData;
  timestamp: string;
  type: "account.suspended";
}

/** An account was suspended or resumed; `through`: by its reseller's suspension alone. */
export interface AccountSuspensionData {
  account_id: string;
  by: "operator" | "reseller";
  name: string;
  through: boolean;
}

/** Fields of an account have new values; the account's document has them. */
export interface AccountUpdatedData {
  account_id: string;
  changed: Array<string>;
  name: string;
}

/** Fields of an account have new values. */
export interface AccountUpdatedEvent {
  data: AccountUpdatedData;
  timestamp: string;
  type: "account.updated";
}

/** Reason, kept in the audit log. */
export interface ActionIn {
  reason?: string | null;
}

/** State of something asked of a service: it waits behind another, is under way, or is over. */
export type ActionState = "waiting" | "running" | "succeeded" | "failed" | "cancelled";

/** A product to assign; without a retail fee, the recommended one applies. */
export interface AssignmentIn {
  product: string;
  retail_fee?: MoneyIn | null;
}

/** A product assigned to an account. Days are local to the programme, `paid_until` and `ends_on` exclusive. `reseller_fee` is what the reseller is charged before its discount, `cost` after it. Fees are null if the product is no longer sold. */
export interface AssignmentOut {
  account_id: string;
  anchor: string;
  below_cost: boolean;
  cost: MoneyOut | null;
  created_at: string;
  ends_on: string | null;
  id: string;
  name: string;
  paid_until: string;
  product: string;
  recommended: boolean;
  reseller_fee: MoneyOut | null;
  retail_fee: MoneyOut | null;
  since: string;
}

/** The monthly fee that the reseller charges its client; null: as recommended. */
export interface AssignmentPatch {
  retail_fee: MoneyIn | null;
}

/** One attempt; `outcome` is null while it runs. */
export interface AttemptOut {
  ended_at: string | null;
  error: unknown;
  number: number;
  outcome: string | null;
  started_at: string | null;
  worker: string | null;
}

/** The number of offers that await a decision. */
export interface BadgeOut {
  count: number;
}

/** Until when the lease lasts now; `cancel_requested`: somebody cancelled the job, so stop. */
export interface BeatOut {
  cancel_requested: boolean;
  expires_at: string;
}

/** An account became a reseller. */
export interface BecameResellerData {
  account_id: string;
  terms_version: string | null;
}

/** The version of the terms that were read; another than the current is refused. */
export interface BecomeResellerIn {
  terms_version?: string | null;
}

/** Kind of the fact that a line is of. */
export type BookKind = "payment" | "refund" | "chargeback" | "order" | "charge" | "credit" | "void" | "transfer";

/** A line: `amount` is signed, `balance` the sum of the lines up to this one in the order of (`at`, `number`). `day`: the local day of `at`. `ref`: a payment's reference, an order's `order_ref`, a charge's id, or the other reseller of a transfer. `fact_id`: the payment, order or charge. */
export interface BookLineOut {
  amount: MoneyOut;
  at: string;
  balance: MoneyOut;
  day: string;
  fact_id: string;
  kind: BookKind;
  note: string | null;
  number: number;
  recorded_at: string;
  ref: string;
}

/** The brand of an account was replaced; `changed` names the settings with new values. */
export interface BrandChangedData {
  account_id: string;
  changed: Array<string>;
  name: string;
}

/** The brand of an account has other settings. */
export interface BrandChangedEvent {
  data: BrandChangedData;
  timestamp: string;
  type: "brand.changed";
}

/** An image that the brand names by URL: whether it was fetched, and why not. */
export interface BrandImageOut {
  fetched_at: string | null;
  problem: FailureCause | null;
  requested_at: string;
  role: ImageRole;
  state: ImageState;
  url: string;
}

/** A brand, replaced completely; null or omitted: not set. */
export interface BrandIn {
  colours?: Record<string, string> | null;
  domain?: string | null;
  favicon_url?: string | null;
  from_address?: string | null;
  logo_url?: string | null;
  name?: string | null;
  support?: Record<string, string> | string | null;
}

/** The current brand settings; `logo` and `favicon` are the addresses of what was made of their URLs. */
export interface BrandOut {
  colours: Record<string, string>;
  domain: string | null;
  domains: Array<DomainOut>;
  favicon: string | null;
  favicon_url: string | null;
  from_address: string | null;
  images: Array<BrandImageOut>;
  logo: string | null;
  logo_url: string | null;
  name: string | null;
  support: Record<string, string>;
}

/** The way of a decision, all that a reseller sees of its evidence. */
export interface BriefEvidenceOut {
  via: string;
}

/** Action on every job that matches a filter. */
export type BulkAction = "retry" | "cancel";

/** Number of jobs of one task and tenant. */
export interface BulkCountOut {
  count: number;
  task: string;
  tenant: string;
}

/** Same filters as `GET /v1/jobs`; arguments as `args.KEY` members or under `args`. */
export interface BulkFilter {
  args?: Record<string, string>;
  created_after?: string | null;
  created_before?: string | null;
  external_id?: string | null;
  queue?: string | null;
  state?: Array<JobState>;
  task?: string | null;
  tenant?: string | null;
}

/** The action and the jobs it applies to; a dry run only counts them. */
export interface BulkIn {
  action: BulkAction;
  dry_run?: boolean;
  filter: BulkFilter;
  reason?: string | null;
}

/** Number of matching jobs; `partial` if counting timed out. */
export interface BulkOut {
  action: BulkAction;
  counts: Array<BulkCountOut>;
  partial: boolean;
  total: number;
}

/** Why an order is cancelled. */
export interface CancelIn {
  reason?: string | null;
}

/** Kinds of change. */
export type ChangeKind = "added" | "removed" | "changed";

/** A fee was charged, or a credit was made. */
export interface ChargeCreatedEvent {
  data: ChargeEventData;
  timestamp: string;
  type: "charge.created";
}

/** A credit pays a part of a charge back. */
export interface ChargeCreditedEvent {
  data: ChargeEventData;
  timestamp: string;
  type: "charge.credited";
}

/** A charge or a credit; without a reseller, the account pays itself. */
export interface ChargeEventData {
  account_id: string;
  credits?: string | null;
  discount: MoneyOut;
  fee: MoneyOut;
  id: string;
  kind: "plan" | "product" | "credit";
  period_end: string;
  period_start: string;
  product: string;
  reason?: string | null;
  reseller_id: string | null;
  total: MoneyOut;
  void: boolean;
}

/** Subject of a charge; a credit pays back the unused days of another charge. */
export type ChargeKind = "plan" | "product" | "credit";

/** A charge: fee - discount = total. Days are local to the programme, `period_end` exclusive. `product` is the plan's code when `kind` is `plan`. The reseller `reseller_id` pays; null: the account itself. A `credit` pays back the unused days of the charge that it `credits`; its amounts are positive. */
export interface ChargeOut {
  account_id: string;
  created_at: string;
  credits: string | null;
  discount: MoneyOut;
  fee: MoneyOut;
  how: Record<string, unknown>;
  id: string;
  kind: ChargeKind;
  period_end: string;
  period_start: string;
  product: string;
  reseller_id: string | null;
  total: MoneyOut;
  void: boolean;
  void_reason: string | null;
  voided_at: string | null;
}

/** A charge or a credit was voided. */
export interface ChargeVoidedEvent {
  data: ChargeEventData;
  timestamp: string;
  type: "charge.voided";
}

/** An account's name and password as typed. */
export interface ClientCredentials {
  name: string;
  password: string;
}

/** A new client account. */
export interface ClientIn {
  admin_email: string;
  external_id?: string | null;
  locale?: string | null;
  metadata?: Record<string, string> | null;
  name: string;
  timezone?: string | null;
}

/** The new time, and whether to wait for the work that is due by then. */
export interface ClockIn {
  now: string;
  settle?: boolean;
}

/** The current time of the clock. */
export interface ClockOut {
  now: string;
}

/** The result, at most 64 KiB as JSON. */
export interface CompleteIn {
  result?: unknown;
}

/** How many accounts a file would put over a limit, make read-only or mail (by template), and what it touches. */
export interface ConsequencesOut {
  assignments: number;
  charges: PeriodChargesOut;
  mails: Record<string, number>;
  offers: number;
  over_limit: number;
  read_only: number;
  templates: number;
  tiers_moved: number;
  trials: number;
}

/** A payment that counts towards turnover. */
export interface CountedPaymentOut {
  amount: MoneyOut;
  day: string;
  id: string;
  kind: PaymentKind;
  paid_at: string;
  reference: string;
}

/** What to do when the process died between act and record. */
export type CrashPolicy = "rerun" | "verify" | "park";

/** Local days, end exclusive. */
export interface DayRangeData {
  from: string;
  to: string;
}

/** A job that failed for good. */
export interface DeadJobData {
  error: string;
  job: string;
  reason: string;
  task: string;
  tenant: string;
}

/** State of a delivery. pending: a job is delivering. delivered: answered 2xx. failed: given up. */
export type DeliveryState = "pending" | "delivered" | "failed";

/** A reseller's tier changed. */
export interface DiscountChangedData {
  as_of: string;
  from: string | null;
  reseller_id: string;
  to: string | null;
  turnover: MoneyOut;
}

/** A reseller has another tier. */
export interface DiscountChangedEvent {
  data: DiscountChangedData;
  timestamp: string;
  type: "discount.changed";
}

/** The discount of a day, with its derivation; `version` is the programme's that it is explained by. */
export interface DiscountOut {
  as_of: string;
  next_tier: NextTierOut | null;
  pay: MoneyOut | null;
  payments: Array<CountedPaymentOut>;
  percent: Record<string, number | number>;
  recorded: RecordedDiscountOut | null;
  suppressed: Array<SuppressedPromotionOut>;
  tier: string | null;
  tomorrow: TomorrowOut;
  turnover: MoneyOut;
  version: number;
  window: DiscountWindowOut;
}

/** The programme; a dry run computes without writing. */
export interface DiscountRunIn {
  dry_run?: boolean;
  programme: string;
}

/** A run; `guard_rail` is the percentage of resellers it may move without approval. */
export interface DiscountRunOut {
  applied: number;
  computed: number;
  day: string;
  decided_at: string | null;
  decided_by: string | null;
  finished_at: string | null;
  guard_rail: number;
  id: string;
  moved: number;
  moves: Array<TierMoveOut>;
  programme: string;
  ranges: number;
  reason: string | null;
  resellers: number;
  started_at: string;
  state: RunState;
}

/** Result of a dry run; `movers` lists the first 1,000. */
export interface DiscountRunPreviewOut {
  day: string;
  guard_rail: number;
  moved: number;
  movers: Array<MoverOut>;
  moves: Array<TierMoveOut>;
  needs_approval: boolean;
  programme: string;
  resellers: number;
}

/** Local days, inclusive. */
export interface DiscountWindowOut {
  from: string;
  to: string;
}

/** Why a payment is no reseller's. */
export interface DismissIn {
  reason: string;
}

/** The DNS record that verifies a domain. */
export interface DnsRecordOut {
  name: string;
  type: string;
  value: string;
}

/** The domain of a brand was verified or is lost. */
export interface DomainEventData {
  account_id: string;
  by?: string | null;
  domain: string;
  method: "dns" | "provider" | null;
}

/** The verification of a domain ended. */
export interface DomainLostEvent {
  data: DomainEventData;
  timestamp: string;
  type: "domain.lost";
}

/** A domain that the brand uses, and whether it is verified. */
export interface DomainOut {
  account_id: string;
  checked_at: string | null;
  domain: string;
  last_error: string | null;
  record: DnsRecordOut;
  verified: boolean;
  verified_at: string | null;
  verified_by: string | null;
}

/** The domain of a brand was verified. */
export interface DomainVerifiedEvent {
  data: DomainEventData;
  timestamp: string;
  type: "domain.verified";
}

/** Work left: jobs by task, schedules, and probes of open lanes. */
export interface DueWorkOut {
  jobs: Record<string, number>;
  probes: Array<string>;
  schedules: Array<string>;
}

/** Whom the end users of an account ask: its own contact, without one its admin address. */
export interface EndUserSupportOut {
  end_users: Record<string, string>;
}

/** A job of a declared type that succeeded, failed for good or was cancelled. */
export interface EndedJobData {
  account_id: string | null;
  error?: string | null;
  external_id: string | null;
  job: string;
  task: string;
  tenant: string;
}

/** What ended the attempt of a job. */
export interface EndedOut {
  ended: string;
  job: string;
}

/** A domain event; `seq` is its position in the feed. */
export interface EventOut {
  account_id: string | null;
  at: string;
  data: Record<string, unknown>;
  id: string;
  programme: string | null;
  reseller_id: string | null;
  seq: number;
  type: string;
}

/** The evidence of a decision: the way, the address that it was mailed to, who set and confirmed it, from where. `domain_set_by`: who set the domain of the link; null for the provider's. `self_decided`: the address is also the reseller's. */
export interface EvidenceOut {
  address: string;
  confirmed_at: string | null;
  domain_set_by: string | null;
  link_host: string | null;
  origin: string;
  self_decided?: boolean;
  set_by: string | null;
  user_agent: string | null;
  via: string;
}

/** Why it failed; `permanent`: do not try again; `retry_in`: seconds, else by the type's policy. */
export interface FailIn {
  error: string;
  permanent?: boolean;
  retry_in?: number | null;
}

/** Why a call or a fetched image failed, as readers without technical knowledge are told. */
export type FailureCause = "redirected" | "access_denied" | "not_found" | "rejected" | "overloaded" | "server_error" | "timed_out" | "name_unknown" | "connection_refused" | "tls_failed" | "unreachable" | "address_forbidden" | "endpoint_disabled" | "not_an_image" | "image_too_large" | "image_damaged" | "other";

/** One error of one field, by its dotted path. */
export interface FieldProblemOut {
  loc: string;
  msg: string;
}

/** Why an objection is settled. */
export interface FreeOffersIn {
  reason: string;
}

/** How many offers go on. */
export interface FreedOffersOut {
  offers: number;
}

/** Kinds of gap. */
export type GapKind = "trial_end" | "quota_mail" | "quota_digest" | "charge_due" | "charge_gone" | "offer_delivery" | "offer_expiry" | "mail_unsent" | "mail_gone" | "discount_run" | "discount" | "occurrence" | "book_line" | "book_amount" | "book_fact" | "statement_total";

/** A gap: something that should exist but does not. */
export interface GapOut {
  accepted_by: string | null;
  detail: string;
  id: string;
  job_id: string | null;
  kind: GapKind;
  mendable: boolean;
  mended_at: string | null;
  remedy: string;
  seen_at: string;
  since: string;
  subject: string;
}

/** State of delivering an accepted offer's licences to the customer's instance. */
export type GrantState = "none" | "pending" | "applied" | "failed";

/** Whether the instance was notified of the licences. */
export interface GrantStatusOut {
  last_error: string | null;
  state: GrantState;
}

/** A client's product under a subscription that allows one client only. */
export interface HeldAssignmentOut {
  account: string;
  account_id: string;
  product: string;
  reseller_id: string;
}

/** Why an open offer waits: nobody decides it, and it does not expire. */
export type HeldBy = "objection";

/** What an image of a brand is for. */
export type ImageRole = "logo" | "favicon";

/** State of an image that is named by a URL. */
export type ImageState = "waiting" | "ready" | "failed";

/** URL of the customer's system; a secret is generated if omitted. */
export interface InstanceIn {
  secret?: string | null;
  url: string;
}

/** The instance, without its secret. */
export interface InstanceOut {
  created_at: string;
  state: InstanceState;
  updated_at: string;
  url: string;
}

/** The instance; its secret is returned only once. */
export interface InstanceSecretOut {
  secret: string;
  url: string;
}

/** Whether an account has an instance, and whether calls to it go through; `held`: by an operator. */
export type InstanceState = "none" | "ok" | "down" | "held";

/** Whether an account has an instance, and whether calls to it go through. */
export interface InstanceStateOut {
  state: InstanceState;
}

/** A new member; `mail`: sent, or held until the reseller's allowance grows. */
export interface InvitedMemberOut {
  confirmed: boolean;
  email: string;
  id: string;
  locale: string;
  mail: MailFate;
  name: string;
  role: MemberRole;
}

/** A client whose admin is mailed; `mail`: sent, or held until the reseller's allowance grows. */
export interface InvitedOut {
  activated_at: string | null;
  admin_email: string;
  badge_token: string;
  created_at: string;
  deleted_at: string | null;
  external_id: string | null;
  features: Array<string>;
  home_url: string | null;
  id: string;
  instance: InstanceStateOut;
  kind: AccountKind;
  locale: string;
  mail: MailFate;
  metadata: Record<string, string>;
  name: string;
  party: Party;
  plan: string;
  programme: string;
  read_only: boolean;
  reseller_id: string | null;
  services: Array<AccountServiceOut>;
  suspended: boolean;
  terms: AcceptedTermsOut | null;
  timezone: string;
  trial: TrialOut;
  usage: Record<string, UsageOut>;
}

/** A job of a declared type was cancelled. */
export interface JobCancelledEvent {
  data: EndedJobData;
  timestamp: string;
  type: "job.cancelled";
}

/** A job failed for good. */
export interface JobDeadEvent {
  data: DeadJobData;
  timestamp: string;
  type: "job.dead";
}

/** A job of a declared type failed for good. */
export interface JobFailedEvent {
  data: EndedJobData;
  timestamp: string;
  type: "job.failed";
}

/** Job ids in the order of the request. */
export interface JobIdsOut {
  ids: Array<string>;
}

/** A new job; its args have at most 1 MiB. `priority` 9 runs first. `unique_key` returns an unfinished job of the same task instead. `account_id` sets the lane, and the tenant to its reseller, or to itself. */
export interface JobIn {
  account_id?: string | null;
  args: Record<string, unknown>;
  external_id?: string | null;
  priority?: number;
  queue?: string | null;
  run_at?: string | null;
  task: string;
  tenant?: string | null;
  unique_key?: string | null;
}

/** A job. `deduplicated` is true if an existing job was returned instead of a new one. In a list args, result and errors over 4 KiB are cut (`args_truncated`, `result_truncated`): long members end in `…` or are missing, a long result is the beginning of its JSON as a string. The job itself has them whole. Those of Kontor's own tasks are for operators alone: others get `{}` and null. */
export interface JobOut {
  args: Record<string, unknown>;
  args_truncated?: boolean;
  attempt: number;
  attempts: Array<AttemptOut>;
  created_at: string;
  deduplicated?: boolean;
  error: unknown;
  finished_at: string | null;
  id: string;
  max_attempts: number;
  parent_id?: string | null;
  priority: number;
  queue: string;
  reason?: string | null;
  result: unknown;
  result_truncated?: boolean;
  run_at: string;
  started_at: string | null;
  state: JobState;
  task: string;
  tenant: string;
  trace_id?: string | null;
  unique_key?: string | null;
}

/** Jobs, newest first; `partial` if the search was cut after one second: continue with `next`. */
export interface JobPageOut {
  items: Array<JobOut>;
  next?: string | null;
  partial?: boolean;
}

/** State of a job. `succeeded`, `dead` and `cancelled` are finished. */
export type JobState = "scheduled" | "queued" | "running" | "retrying" | "succeeded" | "dead" | "cancelled";

/** A job of a declared type succeeded. */
export interface JobSucceededEvent {
  data: EndedJobData;
  timestamp: string;
  type: "job.succeeded";
}

/** Jobs to enqueue, all or none. */
export interface JobsIn {
  jobs: Array<JobIn>;
}

export type JsonValue = unknown;

/** A new key. Without `expires_at` it expires after a year. */
export interface KeyIn {
  account_id?: string | null;
  expires_at?: string | null;
  from?: Array<string>;
  name: string;
  rate?: number | null;
  reseller_id?: string | null;
  scopes: Array<string>;
}

/** A key. `from`: networks that it may be used from, none for all; `rate`: requests a second of its own. */
export interface KeyOut {
  account_id: string | null;
  created_at: string;
  created_by: string | null;
  expires_at: string | null;
  from: Array<string>;
  id: string;
  last_used_at: string | null;
  name: string;
  rate: number | null;
  reseller_id: string | null;
  revoked_at: string | null;
  scopes: Array<string>;
}

/** A lane: jobs that run one at a time behind a breaker. `waiting`: unfinished jobs; `since`: of the trouble. */
export interface LaneOut {
  account_id: string | null;
  dead: number;
  failures: number;
  last_error: string | null;
  name: string;
  next_try_at: string | null;
  since: string | null;
  state: LaneState;
  waiting: number;
}

/** closed: jobs run. open: the remote is down, the next try is at `next_try_at`. held: by an operator. */
export type LaneState = "closed" | "open" | "held";

/** What a pull worker asks for; `max` counts what it may hold in all, `wait` is in seconds. `tokens`: each lease comes with a token that opens it alone, for a process that should not have the key. */
export interface LeaseIn {
  max?: number;
  tasks: Array<string>;
  tokens?: boolean;
  wait?: number;
  worker: string;
}

/** A lease; it lasts 60 s from its last heartbeat. */
export interface LeaseOut {
  expires_at: string;
  job: PulledJobOut;
  lease: string;
  token: string | null;
}

/** The leases that a call got. */
export interface LeasesOut {
  items: Array<LeaseOut>;
}

/** Change of a product's licence count on acceptance. */
export interface LicenceChangeOut {
  now: number;
  product: string;
  then: number;
}

/** Number of licences of a product, and when the next grant ends. */
export interface LicenceOut {
  count: number;
  expires_at: string | null;
  product: string;
}

/** The total of one product; null: without an end. */
export interface LicenceTotalData {
  count: number;
  expires_at: string | null;
  product: string;
}

/** Licences end at the same instant, 14 days from now at most. */
export interface LicencesEndingData {
  account_id: string;
  ends_at: string;
  licences: Array<LicenceTotalData>;
  name: string;
}

/** Licences of an account end within 14 days. */
export interface LicencesEndingEvent {
  data: LicencesEndingData;
  timestamp: string;
  type: "licences.ending";
}

/** The totals of an account after an acceptance, or after grants ended. */
export interface LicencesGrantedData {
  account_id: string;
  as_of: string;
  licences: Array<LicenceTotalData>;
  offer_id?: string | null;
  reason: "accepted" | "ended";
}

/** The instance of the customer has the new totals. */
export interface LicencesGrantedEvent {
  data: LicencesGrantedData;
  timestamp: string;
  type: "licences.granted";
}

/** One line: product, licence count, mode, and a term (ISO 8601 duration or last day). */
export interface LineIn {
  count: number;
  mode: LineMode;
  product: string;
  term: string;
}

/** Absolute N replaces the account's licences of the product; relative N is added to them. */
export type LineMode = "absolute" | "relative";

/** One line of an offer or template. */
export interface LineOut {
  count: number;
  mode: LineMode;
  product: string;
  term: string;
}

/** What becomes of a mail, as an answer of the API says it. */
export type MailFate = "sent" | "held";

/** A mail; `raw` requires an unbound key with the scope `operate` and has the tokens in its links masked. A reseller sees `account-notice` as `activation`, and the subject of neither. */
export interface MailOut {
  account_id: string | null;
  created_at: string;
  from: string | null;
  id: string;
  job_id: string | null;
  locale: string;
  message_id: string | null;
  programme: string | null;
  raw?: string | null;
  reason: string | null;
  recipients: Array<RecipientOut>;
  repeats: string | null;
  reply_to: string | null;
  reseller_id: string | null;
  sender: string | null;
  sent_at: string | null;
  state: MailState;
  subject: string | null;
  template: string;
}

/** State of a mail. skipped: obsolete when due. suppressed: all recipients are suppressed. held_limit: waits for the reseller's allowance of mails to strangers. folded: listed in a digest instead. */
export type MailState = "queued" | "held_limit" | "folded" | "sent" | "skipped" | "suppressed" | "failed";

/** Who edits a product and its account subscription (programme.md 7.3). */
export type ManagedBy = "admin" | "reseller";

/** A new member. Without a name the address, without a locale the account's. */
export interface MemberIn {
  email: string;
  locale?: string | null;
  name?: string | null;
  role: string;
}

/** A member. The owner's `id` is the account's; `confirmed`: a link sent to the address was used. */
export interface MemberOut {
  confirmed: boolean;
  email: string;
  id: string;
  locale: string;
  name: string;
  role: MemberRole;
}

/** Fields to change; omitted fields stay unchanged. */
export interface MemberPatch {
  locale?: string | null;
  name?: string | null;
  role?: string | null;
}

/** What a person may do for an account: staff all but members, keys, security, merge, deletion; a viewer reads. */
export type MemberRole = "owner" | "staff" | "viewer";

/** The target reseller; a dry run only reports. */
export interface MergeIn {
  dry_run?: boolean;
  into: string;
}

/** The job that merges, and the planned report; the job's result is the final report. */
export interface MergeOut {
  job_id: string;
  report: MergeReportOut;
}

/** Effects of a merge. Turnover and tier belong to the remaining reseller; counts are records that move. `keys` are revoked. `managed_products` still name the merged reseller in the programme file. */
export interface MergeReportOut {
  assignments: number;
  charges: number;
  clashes: Array<TemplateClashOut>;
  clients: number;
  conflicts: Array<SubscriptionConflictOut>;
  into: string;
  keys: number;
  managed_products: Array<string>;
  open_offers: number;
  paid_plans: number;
  payments: number;
  reseller_id: string;
  running_trials: number;
  templates: number;
  tier_after: string | null;
  tier_before: string | null;
  turnover_after: MoneyOut;
  turnover_before: MoneyOut;
  webhook_endpoints: number;
}

/** skip: run only occurrences that are on time. once: one run for all. all: each, up to a limit. */
export type MisfirePolicy = "skip" | "once" | "all";

/** An amount in a request. */
export interface MoneyIn {
  amount: string;
  currency: string;
}

/** An amount in a response. */
export interface MoneyOut {
  amount: string;
  currency: string;
}

/** A reseller that changes tier. */
export interface MoverOut {
  from: string | null;
  reseller_id: string;
  to: string | null;
  turnover: MoneyOut;
}

/** The account that it is about, by name. */
export interface NamedAccountEventData {
  account_id: string;
  name: string;
}

/** A new key; `secret` is shown only here. */
export interface NewKeyOut {
  account_id: string | null;
  created_at: string;
  created_by: string | null;
  expires_at: string | null;
  from: Array<string>;
  id: string;
  last_used_at: string | null;
  name: string;
  rate: number | null;
  reseller_id: string | null;
  revoked_at: string | null;
  scopes: Array<string>;
  secret: string;
}

/** The next tier, and the turnover missing to reach it. */
export interface NextTierOut {
  missing: MoneyOut;
  name: string;
}

/** One run of a schedule; `slot` is its unique local time. */
export interface OccurrenceOut {
  due_at: string;
  fired_at: string;
  job_id: string | null;
  skipped: boolean;
  slot: string;
}

/** The customer accepted an offer. */
export interface OfferAcceptedEvent {
  data: OfferEventData;
  timestamp: string;
  type: "offer.accepted";
}

/** An offer was withdrawn, has expired or has no account. */
export interface OfferCancelledEvent {
  data: OfferEventData;
  timestamp: string;
  type: "offer.cancelled";
}

/** The instance of the customer has an offer. */
export interface OfferDeliveredEvent {
  data: OfferEventData;
  timestamp: string;
  type: "offer.delivered";
}

/** Delivery calls to the instance, and the last error. `wait`: while the offer is `waiting`. */
export interface OfferDeliveryOut {
  attempts: number;
  delivered_at: string | null;
  job_id: string | null;
  last_error: string | null;
  wait: OfferWaitOut | null;
}

/** Events of an offer. */
export type OfferEvent = "send" | "delivered" | "accept" | "reject" | "withdraw" | "expire" | "close_account" | "move_account";

/** An offer, as it is after the change. */
export interface OfferEventData {
  account_id: string;
  expires_at: string;
  lines: Array<OfferLineData>;
  message: string | null;
  offer_id: string;
  programme: string;
  reason: string | null;
  reseller_id: string;
  state: string;
}

/** One transition, with its keyed hash. */
export interface OfferEventOut {
  actor: string;
  at: string;
  event: OfferEvent;
  evidence: EvidenceOut | BriefEvidenceOut | null;
  from: OfferState | null;
  hash: string;
  job: string | null;
  to: OfferState;
}

/** A new offer, with lines of its own or of a template. */
export interface OfferIn {
  account_id: string;
  expires_at?: string | null;
  external_id?: string | null;
  lines?: Array<LineIn> | null;
  message?: string | null;
  metadata?: Record<string, string> | null;
  reseller_id: string;
  template_id?: string | null;
}

/** A line of an offer; `count` is the new total or, relative, what is added. */
export interface OfferLineData {
  count: number;
  mode: "absolute" | "relative";
  product: string;
  term: string;
}

/** An offer. */
export interface OfferOut {
  account_id: string;
  changes: Array<LicenceChangeOut>;
  created_at: string;
  decided_at: string | null;
  decided_by: string | null;
  delivery: OfferDeliveryOut;
  events: Array<OfferEventOut>;
  expires_at: string;
  external_id: string | null;
  grant: GrantStatusOut;
  held_by: HeldBy | null;
  id: string;
  lines: Array<LineOut>;
  message: string | null;
  metadata: Record<string, string>;
  programme: string;
  reason: string | null;
  reseller_id: string;
  state: OfferState;
  template_id: string | null;
}

/** The customer rejected an offer. */
export interface OfferRejectedEvent {
  data: OfferEventData;
  timestamp: string;
  type: "offer.rejected";
}

/** State of an offer; `accepted`, `rejected` and `cancelled` are final. */
export type OfferState = "waiting" | "waiting_for_confirmation" | "accepted" | "rejected" | "cancelled";

/** Why the offer is not delivered yet, since when, and when the next try is; null: not known, or none by itself. `ahead`: calls to the instance that come first, 100 at most. */
export interface OfferWaitOut {
  ahead: number;
  last_error: string | null;
  next_try_at: string | null;
  reason: WaitReason;
  since: string | null;
}

/** The instance of the customer took an offer back. */
export interface OfferWithdrawnEvent {
  data: OfferEventData;
  timestamp: string;
  type: "offer.withdrawn";
}

/** An order was cancelled; it is credited. */
export interface OrderCancelledEvent {
  data: OrderEventData;
  timestamp: string;
  type: "order.cancelled";
}

/** An order, as it is after the change. */
export interface OrderEventData {
  account_id: string | null;
  error?: string | null;
  external_id: string | null;
  kind: string;
  net: MoneyOut;
  order_id: string;
  order_ref: string;
  product: string;
  quantity: number;
  service_id: string | null;
  state: string;
}

/** An order could not be carried out; it is credited. */
export interface OrderFailedEvent {
  data: OrderEventData;
  timestamp: string;
  type: "order.failed";
}

/** A new order; `dry_run` only computes its price. `account_id`: the client it is for. `term`: 1 to 12 terms of the product, such as `P1Y`. `config`: by the product's schema. */
export interface OrderIn {
  account_id?: string | null;
  config?: Record<string, JsonValue> | null;
  dry_run?: boolean;
  external_id?: string | null;
  metadata?: Record<string, string> | null;
  order_ref: string;
  product: string;
  promo_code?: string | null;
  quantity?: number;
  term?: string | null;
}

/** What an order pays: a new service, its next term, or more of it. */
export type OrderKind = "new" | "renewal" | "change";

/** An order. `list` and `net` are for the whole quantity and term; `promotion` is the code that set the percentage. `discount_as_of` is the local day whose window determined the discount, `version` that of the programme; `id` is null in a dry run, and `missing` is what the balance is short of. `error`: why it failed or was cancelled. `differs`: the fields of a request with a used `order_ref` that are others than the order's. */
export interface OrderOut {
  account_id: string | null;
  config: Record<string, unknown>;
  created_at: string;
  differs?: Array<string>;
  discount_as_of: string;
  error: string | null;
  external_id: string | null;
  id: string | null;
  kind: OrderKind;
  list: MoneyOut;
  metadata: Record<string, string>;
  missing?: MoneyOut | null;
  net: MoneyOut;
  order_ref: string;
  percent: number | number;
  product: string;
  promo_code: string | null;
  promotion: string | null;
  quantity: number;
  reseller_id: string;
  service_id: string | null;
  state: OrderState;
  suppressed: Array<SuppressedPercentOut>;
  term: string | null;
  tier: string | null;
  turnover: MoneyOut | null;
  version: number | null;
}

/** An order was placed and charged. */
export interface OrderPlacedEvent {
  data: OrderEventData;
  timestamp: string;
  type: "order.placed";
}

/** State of an order: its job is under way, succeeded, failed for good, or was cancelled; the last two: credited. */
export type OrderState = "pending" | "completed" | "failed" | "cancelled";

/** The brand in force, for the account's own service to show; `logo` and `favicon` are addresses of PNGs. */
export interface OwnBrandOut {
  colours: Record<string, string>;
  favicon: string | null;
  logo: string | null;
  name: string;
  support: EndUserSupportOut;
}

export interface PageOut_AccountOut_ {
  items: Array<AccountOut>;
  next?: string | null;
}

export interface PageOut_AssignmentOut_ {
  items: Array<AssignmentOut>;
  next?: string | null;
}

export interface PageOut_ChargeOut_ {
  items: Array<ChargeOut>;
  next?: string | null;
}

export interface PageOut_DiscountRunOut_ {
  items: Array<DiscountRunOut>;
  next?: string | null;
}

export interface PageOut_DomainOut_ {
  items: Array<DomainOut>;
  next?: string | null;
}

export interface PageOut_EventOut_ {
  items: Array<EventOut>;
  next?: string | null;
}

export interface PageOut_GapOut_ {
  items: Array<GapOut>;
  next?: string | null;
}

export interface PageOut_KeyOut_ {
  items: Array<KeyOut>;
  next?: string | null;
}

export interface PageOut_LaneOut_ {
  items: Array<LaneOut>;
  next?: string | null;
}

export interface PageOut_LicenceOut_ {
  items: Array<LicenceOut>;
  next?: string | null;
}

export interface PageOut_MailOut_ {
  items: Array<MailOut>;
  next?: string | null;
}

export interface PageOut_MemberOut_ {
  items: Array<MemberOut>;
  next?: string | null;
}

export interface PageOut_MoverOut_ {
  items: Array<MoverOut>;
  next?: string | null;
}

export interface PageOut_OfferOut_ {
  items: Array<OfferOut>;
  next?: string | null;
}

export interface PageOut_OrderOut_ {
  items: Array<OrderOut>;
  next?: string | null;
}

export interface PageOut_PaymentOut_ {
  items: Array<PaymentOut>;
  next?: string | null;
}

export interface PageOut_ProductOut_ {
  items: Array<ProductOut>;
  next?: string | null;
}

export interface PageOut_ProgrammeOut_ {
  items: Array<ProgrammeOut>;
  next?: string | null;
}

export interface PageOut_QueueOut_ {
  items: Array<QueueOut>;
  next?: string | null;
}

export interface PageOut_ScheduleOut_ {
  items: Array<ScheduleOut>;
  next?: string | null;
}

export interface PageOut_ServiceOut_ {
  items: Array<ServiceOut>;
  next?: string | null;
}

export interface PageOut_TaskOut_ {
  items: Array<TaskOut>;
  next?: string | null;
}

export interface PageOut_TaskTypeOut_ {
  items: Array<TaskTypeOut>;
  next?: string | null;
}

export interface PageOut_TemplateOut_ {
  items: Array<TemplateOut>;
  next?: string | null;
}

export interface PageOut_UnmatchedPaymentOut_ {
  items: Array<UnmatchedPaymentOut>;
  next?: string | null;
}

export interface PageOut_VersionOut_ {
  items: Array<VersionOut>;
  next?: string | null;
}

export interface PageOut_WebhookDeliveryOut_ {
  items: Array<WebhookDeliveryOut>;
  next?: string | null;
}

export interface PageOut_WebhookEndpointOut_ {
  items: Array<WebhookEndpointOut>;
  next?: string | null;
}

/** Legal form of the account's owner. */
export type Party = "company" | "person";

/** The reseller whose payment it is, also a former one. */
export interface PayeeIn {
  reseller_id: string;
}

/** A payment, refund or chargeback of a reseller was recorded; the amount is positive. */
export interface PaymentEventData {
  amount: MoneyOut;
  id: string;
  kind: "payment" | "refund" | "chargeback";
  paid_at: string;
  reference: string;
  reseller_id: string;
}

/** A payment, refund or chargeback; amounts are positive. */
export interface PaymentIn {
  amount: MoneyIn;
  kind: PaymentKind;
  paid_at: string;
  reference: string;
}

/** Kinds of ledger entry. Amounts are positive; the kind gives the direction. */
export type PaymentKind = "payment" | "refund" | "chargeback";

/** A payment; `day` is its local day, `posted_to` the reseller it was posted to. `differs`: the fields of a request with a known reference that are others than the first's. */
export interface PaymentOut {
  amount: MoneyOut;
  created_at: string;
  day: string;
  differs?: Array<string>;
  id: string;
  kind: PaymentKind;
  paid_at: string;
  posted_to: string;
  reference: string;
  reseller_id: string;
}

/** A payment of a reseller was recorded. */
export interface PaymentRecordedEvent {
  data: PaymentEventData;
  timestamp: string;
  type: "payment.recorded";
}

/** A refund or chargeback of a reseller was recorded. */
export interface PaymentRefundedEvent {
  data: PaymentEventData;
  timestamp: string;
  type: "payment.refunded";
}

/** What one period of everything that runs costs, after discount, by the version in force and by the file. */
export interface PeriodChargesOut {
  now: MoneyOut;
  then: MoneyOut;
}

/** The job that pings an instance; its result says whether the instance answered. */
export interface PingOut {
  job_id: string;
}

/** The new plan; the free plan cancels the subscription. `dry_run` only tells what is charged and credited. */
export interface PlanIn {
  dry_run?: boolean;
  plan: string;
}

/** The plan of a file; `hash` is what `approve` names. `version`: the number that it gets or has. */
export interface PlanOut {
  applied: boolean;
  changes: Array<ProgrammeChangeOut>;
  code: string;
  consequences: ConsequencesOut;
  effective_at: string;
  hash: string;
  needs_approval: boolean;
  version: number;
}

/** What a change of plan would charge and credit, and when; a downgrade's charge is made at `at`. */
export interface PlanQuoteOut {
  at: string;
  charge: MoneyOut;
  credit: MoneyOut;
}

/** Where the link leads, a path of the portal, and as which member (id or address), by default the owner. `embed`: the updates, for a frame in the account's own product. */
export interface PortalSessionIn {
  embed?: boolean;
  member?: string | null;
  path?: string;
}

/** A link that signs in once, or the address of an embedded page. */
export interface PortalSessionOut {
  expires_at: string;
  url: string;
}

/** RFC 9457 problem. `code` is stable; further members depend on it. */
export interface ProblemOut {
  code: "account_deleted" | "account_required" | "account_suspended" | "action_under_way" | "address_not_allowed" | "address_unconfirmed" | "already_activated" | "already_assigned" | "already_held" | "already_reseller" | "already_subscribed" | "already_void" | "approval_required" | "args_too_large" | "bad_credentials" | "bad_programme" | "busy" | "clock_backwards" | "conflicts" | "currency_in_use" | "currency_mismatch" | "endpoint_disabled" | "endpoint_exists" | "external_id_taken" | "final" | "forbidden" | "forbidden_address" | "has_clients" | "has_main" | "has_reseller" | "idempotency_in_progress" | "idempotency_mismatch" | "illegal_transition" | "in_future" | "in_use" | "insufficient_balance" | "internal" | "invalid" | "invalid_amount" | "invalid_args" | "invalid_config" | "invalid_schema" | "invalid_secret" | "key_expired" | "later_version" | "lease_lost" | "locked" | "main_required" | "managed_by_provider" | "member_exists" | "mended" | "method_not_allowed" | "name_taken" | "no_handler" | "no_instance" | "no_lines" | "no_test_clock" | "no_trial" | "no_turnover_discount" | "not_a_client" | "not_a_preview" | "not_a_reseller" | "not_cancellable" | "not_deleted" | "not_for_sale" | "not_found" | "not_held" | "not_mendable" | "not_multiple" | "not_open" | "not_recurring" | "not_renewable" | "not_retryable" | "not_running" | "not_sendable" | "offer_held" | "order_ref_taken" | "own_address_unconfirmed" | "owner_fixed" | "party_refused" | "plan_in_use" | "precondition_failed" | "product_in_use" | "programme_mismatch" | "reason_missing" | "reference_taken" | "request_timeout" | "reserved_name" | "result_too_large" | "task_internal" | "task_not_public" | "terms_changed" | "too_large" | "too_many" | "trial_used" | "unauthorized" | "unavailable" | "unknown_domain" | "unknown_event" | "unknown_lane" | "unknown_limit" | "unknown_line" | "unknown_plan" | "unknown_product" | "unknown_programme" | "unknown_promo_code" | "unknown_queue" | "unknown_schedule" | "unknown_task" | "unknown_version" | "unsupported_encoding";
  detail: string;
  errors?: Array<FieldProblemOut> | null;
  state?: string | null;
  status: number;
  title: string;
  trace_id: string;
  type: string;
}

/** A product as its reseller sees it; monthly fees are null if it has none. */
export interface ProductOut {
  below_cost: boolean;
  cost: MoneyOut | null;
  editable: boolean;
  family: string | null;
  managed_by: ManagedBy;
  multiple: boolean | null;
  name: string;
  price: MoneyOut | null;
  product: string;
  reseller_fee: MoneyOut | null;
  retail_fee: MoneyOut | null;
}

/** Changes to a product that the reseller manages; null: as in the programme. */
export interface ProductPatch {
  name?: string | null;
  retail_fee?: MoneyIn | null;
}

/** A changed value of a file; `path` is dotted, `text` is what the command line prints. */
export interface ProgrammeChangeOut {
  after: string | null;
  before: string | null;
  kind: ChangeKind;
  path: string;
  text: string;
}

/** A version of a programme; `document` is its file with all defaults filled in, cut to what the caller may see. `changes`: what differs from the version asked for by `against`. */
export interface ProgrammeOut {
  applied_at: string;
  applied_by: string;
  changes?: Array<ProgrammeChangeOut> | null;
  code: string;
  document: Record<string, unknown>;
  effective_at: string;
  version: number;
}

/** A job as its worker gets it: the sensitive args are open. */
export interface PulledJobOut {
  account: string | null;
  args: Record<string, unknown>;
  attempt: number;
  external_id: string | null;
  id: string;
  reseller: string | null;
  task: string;
}

/** A handler that Kontor calls. */
export interface PushIn {
  push: string;
}

/** A queue. `estimated`: counts of 10,000 or more are estimates of the query planner. */
export interface QueueOut {
  dead: number;
  estimated: boolean;
  name: string;
  oldest_queued_seconds: number | null;
  paused: boolean;
  queued: number;
  retrying: number;
  running: number;
  scheduled: number;
}

/** A metric's value went over its limit. */
export interface QuotaEventData {
  account_id: string;
  limit: number;
  metric: string;
  name: string;
  period: DayRangeData;
  value: number;
}

/** Usage exceeded a limit; once per period. */
export interface QuotaExceededEvent {
  data: QuotaEventData;
  timestamp: string;
  type: "quota.exceeded";
}

/** Delivery to one recipient. */
export interface RecipientOut {
  address: string;
  last_error: string | null;
  role: RecipientRole;
  sent_at: string | null;
  state: RecipientState;
  tries: number;
}

/** Header that contains the address. */
export type RecipientRole = "to" | "cc";

/** State of a recipient. failed: permanently refused now. suppressed: not tried because refused earlier. folded: had enough mails that day; the mail is listed in a digest. */
export type RecipientState = "queued" | "folded" | "sent" | "suppressed" | "failed";

/** The discount recorded for the day; unchanged since the day `since`. */
export interface RecordedDiscountOut {
  as_of: string;
  percent: Record<string, number | number>;
  since: string;
  tier: string | null;
  turnover: MoneyOut;
}

/** A renewal; its order has `order_ref`, or one of Kontor's own. */
export interface RenewIn {
  order_ref?: string | null;
  reason?: string | null;
}

/** How a service goes on after its term: one day before its end, when its reseller renews it, or not. */
export type Renewal = "auto" | "manual" | "none";

/** Start time from which all events are delivered again; omitted: only failed deliveries. */
export interface ReplayIn {
  since?: string | null;
}

/** Number of deliveries started. */
export interface ReplayOut {
  started: number;
}

/** The metric after the report; `repeated`: its `report_id` is known, nothing changed. */
export interface ReportedUsageOut {
  limit: number | null;
  metric: string;
  repeated: boolean;
  value: number;
}

/** A new reseller; `disconnected_from` is its former reseller, whose brand it no longer has. */
export interface ResellerOut {
  activated_at: string | null;
  admin_email: string;
  badge_token: string;
  created_at: string;
  deleted_at: string | null;
  disconnected_from: string | null;
  external_id: string | null;
  features: Array<string>;
  home_url: string | null;
  id: string;
  instance: InstanceStateOut;
  kind: AccountKind;
  locale: string;
  metadata: Record<string, string>;
  name: string;
  party: Party;
  plan: string;
  programme: string;
  read_only: boolean;
  reseller_id: string | null;
  services: Array<AccountServiceOut>;
  suspended: boolean;
  terms: AcceptedTermsOut | null;
  timezone: string;
  trial: TrialOut;
  usage: Record<string, UsageOut>;
}

/** How often a failed attempt is repeated: after base, twice base and so on up to cap, with full jitter. */
export interface RetryIn {
  base?: string;
  cap?: string;
  max_attempts?: number;
}

/** Exponential backoff with full jitter, in seconds. */
export interface RetryPolicyOut {
  base_seconds: number;
  cap_seconds: number;
  max_attempts: number;
}

/** Whether to disconnect the clients. */
export interface RevertIn {
  disconnect_clients?: boolean;
}

/** A run computes, may be held for approval, then applies; or it is rejected, or a later run supersedes it. */
export type RunState = "computing" | "held" | "applying" | "done" | "rejected" | "superseded";

/** A schedule with its last run and its next twelve run times; `error`: why it does not fire. */
export interface ScheduleOut {
  cron: string;
  error: string | null;
  last: OccurrenceOut | null;
  misfire: MisfirePolicy;
  name: string;
  next: Array<string>;
  paused: boolean;
  task: string;
  timezone: string;
}

/** An offer just sent, and what becomes of its mail: `held` waits for the reseller's allowance. */
export interface SentOfferOut {
  account_id: string;
  changes: Array<LicenceChangeOut>;
  created_at: string;
  decided_at: string | null;
  decided_by: string | null;
  delivery: OfferDeliveryOut;
  events: Array<OfferEventOut>;
  expires_at: string;
  external_id: string | null;
  grant: GrantStatusOut;
  held_by: HeldBy | null;
  id: string;
  lines: Array<LineOut>;
  mail: MailFate;
  message: string | null;
  metadata: Record<string, string>;
  programme: string;
  reason: string | null;
  reseller_id: string;
  state: OfferState;
  template_id: string | null;
}

/** What is under way for a service. */
export interface ServiceActionOut {
  job: string | null;
  since: string;
  verb: ServiceVerb;
}

/** A service was made. */
export interface ServiceActiveEvent {
  data: ServiceEventData;
  timestamp: string;
  type: "service.active";
}

/** The quantity or the config of a service was changed. */
export interface ServiceChangedEvent {
  data: ServiceEventData;
  timestamp: string;
  type: "service.changed";
}

/** A service ended. */
export interface ServiceEndedEvent {
  data: ServiceEventData;
  timestamp: string;
  type: "service.ended";
}

/** A service, as it is after the change. */
export interface ServiceEventData {
  account_id: string | null;
  error?: string | null;
  external_id: string | null;
  order_id: string;
  paid_until: string | null;
  product: string;
  quantity: number;
  reseller_id: string;
  result: JsonValue;
  service_id: string;
  since: string | null;
  state: ServiceState;
}

/** An arrow of a service's life. */
export interface ServiceEventOut {
  actor: string;
  at: string;
  from: ServiceState | null;
  reason: string | null;
  to: ServiceState;
}

/** A service could not be made. */
export interface ServiceFailedEvent {
  data: ServiceEventData;
  timestamp: string;
  type: "service.failed";
}

/** Something that was asked of a service, with its job; null without a task type. */
export interface ServiceJobOut {
  actor: string;
  asked_at: string;
  begun_at: string | null;
  ended_at: string | null;
  error: string | null;
  job: string | null;
  reason: string | null;
  state: ActionState;
  verb: ServiceVerb;
}

/** A service. `paid_until`: local day, end exclusive; `action`: what is under way; `result`: the handler's answer. `next_quantity`: from the next renewal; `suspended_by`: why it is suspended; `unpaid_since`: since when a renewal waits for money. */
export interface ServiceOut {
  account_id: string | null;
  action: ServiceActionOut | null;
  config: Record<string, unknown>;
  created_at: string;
  ended_at: string | null;
  events: Array<ServiceEventOut>;
  external_id: string | null;
  id: string;
  metadata: Record<string, string>;
  next_quantity: number | null;
  order_id: string;
  paid_until: string | null;
  product: string;
  quantity: number;
  renewal: Renewal;
  reseller_id: string;
  result: unknown;
  since: string | null;
  state: ServiceState;
  suspended_by: Array<SuspensionCause>;
  term: string | null;
  unpaid_since: string | null;
}

/** A service is paid until a later day. */
export interface ServiceRenewedEvent {
  data: ServiceEventData;
  timestamp: string;
  type: "service.renewed";
}

/** A suspended service works again. */
export interface ServiceResumedEvent {
  data: ServiceEventData;
  timestamp: string;
  type: "service.resumed";
}

/** State of a service; `ended` is final. */
export type ServiceState = "pending" | "active" | "failed" | "suspended" | "ended";

/** A service was suspended. */
export interface ServiceSuspendedEvent {
  data: ServiceEventData;
  timestamp: string;
  type: "service.suspended";
}

/** What is to change; `quantity` up costs its part of the days left, down counts from the next renewal. */
export interface ServiceUpdate {
  config?: Record<string, JsonValue> | null;
  external_id?: string | null;
  metadata?: Record<string, string> | null;
  quantity?: number | null;
  reason?: string | null;
}

/** What is done to a service; a product names a task type for each, one without succeeds at once. */
export type ServiceVerb = "create" | "renew" | "suspend" | "resume" | "change" | "terminate";

/** Why something is asked. */
export interface ServiceVerbIn {
  reason?: string | null;
}

/** A service with what was asked of it, newest first. */
export interface ServiceWithJobsOut {
  account_id: string | null;
  action: ServiceActionOut | null;
  config: Record<string, unknown>;
  created_at: string;
  ended_at: string | null;
  events: Array<ServiceEventOut>;
  external_id: string | null;
  id: string;
  jobs: Array<ServiceJobOut>;
  metadata: Record<string, string>;
  next_quantity: number | null;
  order_id: string;
  paid_until: string | null;
  product: string;
  quantity: number;
  renewal: Renewal;
  reseller_id: string;
  result: unknown;
  since: string | null;
  state: ServiceState;
  suspended_by: Array<SuspensionCause>;
  term: string | null;
  unpaid_since: string | null;
}

/** When to run it again; uses no attempt. */
export interface SnoozeIn {
  until: string;
}

/** A running trial; its end is exclusive. */
export interface StartedTrialOut {
  ends_at: string | null;
}

/** An account with its current paid plan. */
export interface SubscribedAccountOut {
  activated_at: string | null;
  admin_email: string;
  badge_token: string;
  created_at: string;
  deleted_at: string | null;
  external_id: string | null;
  features: Array<string>;
  home_url: string | null;
  id: string;
  instance: InstanceStateOut;
  kind: AccountKind;
  locale: string;
  metadata: Record<string, string>;
  name: string;
  party: Party;
  plan: string;
  programme: string;
  read_only: boolean;
  reseller_id: string | null;
  services: Array<AccountServiceOut>;
  subscription: SubscriptionOut | null;
  suspended: boolean;
  terms: AcceptedTermsOut | null;
  timezone: string;
  trial: TrialOut;
  usage: Record<string, UsageOut>;
}

/** The plan of an account, or what follows it, changed. */
export interface SubscriptionChangedData {
  account_id: string;
  ends_on: string | null;
  name: string;
  plan: string;
  then: string | null;
}

/** An account has another plan, or its plan ends or goes on. */
export interface SubscriptionChangedEvent {
  data: SubscriptionChangedData;
  timestamp: string;
  type: "subscription.changed";
}

/** A subscription that both resellers hold; it blocks the merge. */
export interface SubscriptionConflictOut {
  held: Array<HeldAssignmentOut>;
  subscription: string;
}

/** A paid plan. Days are local to the programme; `paid_until` and `ends_on` are exclusive. `then` is the paid plan that follows at `ends_on`; null: the account returns to the free plan. */
export interface SubscriptionOut {
  ends_on: string | null;
  paid_until: string;
  plan: string;
  since: string;
  then: string | null;
}

/** Why a promotion was suppressed. */
export type SuppressedBy = "turnover" | "better";

/** A promo code or campaign that was not applied. */
export interface SuppressedPercentOut {
  by: SuppressedBy;
  code: string;
  percent: number | number;
}

/** A promo code or campaign valid on the day that does not apply to these products. */
export interface SuppressedPromotionOut {
  by: SuppressedBy;
  code: string;
  kind: string;
  percent: number;
  products: Array<string>;
}

/** Why a service is suspended; it is active again when none is left. */
export type SuspensionCause = "operator" | "reseller" | "account" | "unpaid";

/** Why; kept in the audit log. */
export interface SuspensionIn {
  reason: string;
}

/** A task; `args` is a JSON Schema, `due_by_seconds` the time within which jobs should start. `internal`: only Kontor itself enqueues it. */
export interface TaskOut {
  args: Record<string, unknown>;
  crash: string;
  due_by_seconds: number;
  internal: boolean;
  kind: string;
  name: string;
  public: boolean;
  queue: string;
  retry: RetryPolicyOut;
}

/** A task type. `args`: JSON Schema 2020-12; `writeOnly` marks sensitive members, which are kept sealed. `lane`: `account`, `reseller`, `handler` or `args.NAME`: one job at a time each; `none`: any number. */
export interface TaskTypeIn {
  args?: Record<string, JsonValue>;
  compensate?: string | null;
  crash?: CrashPolicy;
  due_by?: string;
  handler: PushIn | "pull";
  lane?: string;
  public?: boolean;
  queue?: string | null;
  retry?: RetryIn;
  then?: ThenIn | null;
  time_limit?: string;
}

/** A task type with all defaults filled in. */
export interface TaskTypeOut {
  applied_at: string;
  applied_by: string;
  args: Record<string, unknown>;
  compensate: string | null;
  crash: CrashPolicy;
  due_by: string;
  handler: PushIn | "pull";
  lane: string;
  name: string;
  public: boolean;
  queue: string;
  retry: RetryIn;
  then: ThenIn | null;
  time_limit: string;
  version: number;
}

/** The same with its secret, when one was just made: it is shown only here. */
export interface TaskTypeSecretOut {
  applied_at: string;
  applied_by: string;
  args: Record<string, unknown>;
  compensate: string | null;
  crash: CrashPolicy;
  due_by: string;
  handler: PushIn | "pull";
  lane: string;
  name: string;
  public: boolean;
  queue: string;
  retry: RetryIn;
  secret?: string | null;
  then: ThenIn | null;
  time_limit: string;
  version: number;
}

/** A template whose name the other reseller already uses, and its name after the merge. */
export interface TemplateClashOut {
  becomes: string;
  template: string;
}

/** A new template. */
export interface TemplateIn {
  lines?: Array<LineIn>;
  name: string;
  reseller_id: string;
}

/** A template. */
export interface TemplateOut {
  created_at: string;
  id: string;
  lines: Array<LineOut>;
  name: string;
  reseller_id: string;
  updated_at: string;
}

/** A template, replaced completely. */
export interface TemplateUpdate {
  lines: Array<LineIn>;
  name: string;
}

/** The job that success enqueues, in the transaction that records it. */
export interface ThenIn {
  args?: Record<string, JsonValue>;
  task: string;
}

/** Quota thresholds in ascending order. */
export type Threshold = "warning" | "reached" | "exceeded";

/** Number of resellers that move from one tier to another; null: no tier. */
export interface TierMoveOut {
  from: string | null;
  resellers: number;
  to: string | null;
}

/** The next day without further payments; paying `keep_with` keeps a tier that would be lost. */
export interface TomorrowOut {
  as_of: string;
  keep_with: MoneyOut | null;
  leaving: Array<CountedPaymentOut>;
  tier: string | null;
  turnover: MoneyOut;
}

/** A trial is over. */
export interface TrialEndedData {
  account_id: string;
  ended_at: string;
  name: string;
  outcome: "converted" | "expired";
}

/** A trial ended, by time or by a paid plan. */
export interface TrialEndedEvent {
  data: TrialEndedData;
  timestamp: string;
  type: "trial.ended";
}

/** The current state of the trial. */
export interface TrialOut {
  ends_at: string | null;
  state: TrialState;
}

/** A trial began. */
export interface TrialStartedData {
  account_id: string;
  ends_at: string;
  name: string;
}

/** A trial began. */
export interface TrialStartedEvent {
  data: TrialStartedData;
  timestamp: string;
  type: "trial.started";
}

/** State of an account's trial, as a read sees it. */
export type TrialState = "none" | "running" | "converted" | "expired";

/** A payment that names no reseller; `file` and `line`: where it stands; `note`: the texts of its row. `dismissed_at`, `dismissed_by`, `dismiss_reason`: when, by whom and why it was taken off the list. */
export interface UnmatchedPaymentOut {
  amount: MoneyOut;
  created_at: string;
  dismiss_reason: string | null;
  dismissed_at: string | null;
  dismissed_by: string | null;
  file: string;
  id: string;
  kind: PaymentKind;
  line: number;
  note: string;
  paid_at: string;
  programme: string;
  reference: string;
}

/** The clock is set, but some due work did not finish in time. */
export interface UnsettledOut {
  due: DueWorkOut;
  now: string;
}

/** Open offers, then the last 20 decided ones; `count` is the number for the badge. */
export interface UpdatesOut {
  count: number;
  items: Array<OfferOut>;
  next?: string | null;
}

/** Value and limit of a metric; `limit` null: unlimited. */
export interface UsageOut {
  limit: number | null;
  value: number;
}

/** A usage report: either `value`, an absolute level of 0 or more, or `delta`, added to the period of `at`. */
export interface UsageReportIn {
  at: string;
  delta?: number | null;
  metric: string;
  report_id?: string | null;
  value?: number | null;
}

/** A metric's value reached the warning level or went over its limit. */
export interface UsageThresholdData {
  account_id: string;
  limit: number;
  metric: string;
  name: string;
  period: DayRangeData;
  threshold: Threshold;
  value: number;
}

/** Usage reached the warning level, reached or exceeded a limit; once per period. */
export interface UsageThresholdEvent {
  data: UsageThresholdData;
  timestamp: string;
  type: "usage.threshold";
}

/** An applied file. `hash`: SHA-256 of its document. */
export interface VersionOut {
  applied_at: string;
  author: string;
  effective_at: string;
  hash: string;
  reason: string | null;
  version: number;
}

/** Reason for voiding the charge. */
export interface VoidIn {
  reason: string;
}

/** Why an offer is not delivered yet. given_up: nothing more is tried by itself. suspended: the account or its reseller. paused: by the provider. down: the instance does not answer. refused: it turned the last call down. behind: earlier calls to it go first. */
export type WaitReason = "no_instance" | "given_up" | "suspended" | "paused" | "down" | "refused" | "behind" | "under_way";

/** Delivery of one event to one endpoint. */
export interface WebhookDeliveryOut {
  created_at: string;
  delivered_at: string | null;
  endpoint_id: string;
  event_seq: number | null;
  id: string;
  job_id: string | null;
  last_error: string | null;
  last_status: number | null;
  state: DeliveryState;
  tries: number;
  type: string;
  webhook_id: string;
}

/** A new endpoint; `*` subscribes to every event; a secret is generated if omitted. */
export interface WebhookEndpointIn {
  events: Array<string>;
  reseller_id?: string | null;
  secret?: string | null;
  url: string;
}

/** An endpoint; without a reseller it receives events of all accounts. */
export interface WebhookEndpointOut {
  created_at: string;
  disabled_at: string | null;
  disabled_reason: string | null;
  events: Array<string>;
  id: string;
  reseller_id: string | null;
  url: string;
}

/** Fields to change; omitted fields stay unchanged. */
export interface WebhookEndpointPatch {
  events?: Array<string> | null;
  url?: string | null;
}

/** An endpoint with its secret, which is returned only once. */
export interface WebhookEndpointSecretOut {
  created_at: string;
  disabled_at: string | null;
  disabled_reason: string | null;
  events: Array<string>;
  id: string;
  reseller_id: string | null;
  secret: string;
  url: string;
}
