/** The calls of the API, by resource. Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit. */

import type { Transport } from "./transport.js";
import type * as types from "./types.js";

interface PostOptions {
  /** Made by itself; pass one to keep it over a restart of your program. */
  idempotencyKey?: string;
}

const quoted = encodeURIComponent;

export class AccountBookCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List the lines of the book by (`at`, number), each with the balance after it. */
  readAccountBook(resellerId: string, query: { from?: string; to?: string; as_recorded?: string } = {}): AsyncGenerator<types.BookLineOut, void, undefined> {
    return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/account-book`, query);
  }
}

export class AccountsCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List accounts in order of creation. */
  listAccounts(query: { created_after?: string; created_before?: string; q?: string; external_id?: string; name?: string; admin_email?: string; plan?: string; trial?: types.TrialState; over_quota?: boolean; read_only?: boolean; open_offer?: boolean; instance?: types.InstanceState; suspended?: boolean; programme?: string; kind?: types.AccountKind; reseller?: string } = {}): AsyncGenerator<types.AccountOut, void, undefined> {
    return this.#transport.pages(`/v1/accounts`, query);
  }

  /** Create an account on the free plan. 409 `name_taken`, `external_id_taken`. */
  createAccount(body: types.AccountIn, options: PostOptions = {}): Promise<types.AccountOut> {
    return this.#transport.request("POST", `/v1/accounts`, { ...options, body });
  }

  /** Return an account. */
  getAccount(accountId: string): Promise<types.AccountOut> {
    return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}`);
  }

  /** Change the given fields. 409 `name_taken`, `external_id_taken`, `account_deleted`; 429 `too_many` addresses. */
  changeAccount(accountId: string, body: types.AccountPatch): Promise<types.AccountOut> {
    return this.#transport.request("PATCH", `/v1/accounts/${quoted(accountId)}`, { body });
  }

  /** Resend the activation mail. 409 `already_activated`; 429 `too_many`. */
  sendActivation(accountId: string, options: PostOptions = {}): Promise<types.InvitedOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/activation`, { ...options });
  }

  /** Return the brand settings; to a key of the account itself the brand in force, for its service to show. */
  getBrand(accountId: string): Promise<types.BrandOut | types.OwnBrandOut> {
    return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}/brand`);
  }

  /** Replace the brand; new domains must be verified, images fetched. 422 `name_taken`, `forbidden_address`. */
  putBrand(accountId: string, body: types.BrandIn): Promise<types.BrandOut> {
    return this.#transport.request("PUT", `/v1/accounts/${quoted(accountId)}/brand`, { body });
  }

  /** Return the account's instance, without its secret. 404 `no_instance`. */
  getInstance(accountId: string): Promise<types.InstanceOut> {
    return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}/instance`);
  }

  /** Set the URL of the account's instance. 422 `forbidden_address`. */
  putInstance(accountId: string, body: types.InstanceIn): Promise<types.InstanceSecretOut> {
    return this.#transport.request("PUT", `/v1/accounts/${quoted(accountId)}/instance`, { body });
  }

  /** Delete the account's instance: nothing is sent to it any more. 404 `no_instance`. */
  deleteInstance(accountId: string): Promise<types.InstanceOut> {
    return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}/instance`);
  }

  /** Send a signed `ping`; an answer 2xx closes the lane's breaker. 404 `no_instance`. */
  testInstance(accountId: string, options: PostOptions = {}): Promise<types.PingOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/instance/test`, { ...options });
  }

  /** Lift a suspension: one's own, an operator any; of a reseller also what it alone brought to its clients. */
  resumeAccount(accountId: string, body: types.SuspensionIn, options: PostOptions = {}): Promise<types.AccountOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/resume`, { ...options, body });
  }

  /** Suspend an account, a reseller with all its clients. 409 `account_deleted`. */
  suspendAccount(accountId: string, body: types.SuspensionIn, options: PostOptions = {}): Promise<types.AccountOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/suspend`, { ...options, body });
  }

  /** Start the account's one trial. 409 `trial_used`, `already_subscribed`, `no_trial`. */
  startTrial(accountId: string, options: PostOptions = {}): Promise<types.StartedTrialOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/trial`, { ...options });
  }

  /** Report usage; reports may be late, repeated or out of order. 409 `account_deleted`. */
  reportUsage(accountId: string, body: types.UsageReportIn, options: PostOptions = {}): Promise<types.ReportedUsageOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/usage`, { ...options, body });
  }
}

export class ClockCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Return the time that every process uses. */
  getClock(): Promise<types.ClockOut> {
    return this.#transport.request("GET", `/v1/clock`);
  }

  /** Move the time that every process uses. 409 `clock_backwards`. */
  setClock(body: types.ClockIn, options: PostOptions = {}): Promise<types.ClockOut | types.UnsettledOut> {
    return this.#transport.request("POST", `/v1/clock`, { ...options, body });
  }
}

export class DiscountsCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List runs, newest first. */
  listRuns(query: { programme?: string; state?: types.RunState; day?: string } = {}): AsyncGenerator<types.DiscountRunOut, void, undefined> {
    return this.#transport.pages(`/v1/discount-runs`, query);
  }

  /** Start a run for today as jobs; a dry run returns its result. 422 `no_turnover_discount`. */
  beginRun(body: types.DiscountRunIn, options: PostOptions = {}): Promise<types.DiscountRunPreviewOut | types.DiscountRunOut> {
    return this.#transport.request("POST", `/v1/discount-runs`, { ...options, body });
  }

  /** Return a run with its totals. */
  getRun(runId: string): Promise<types.DiscountRunOut> {
    return this.#transport.request("GET", `/v1/discount-runs/${quoted(runId)}`);
  }

  /** Approve a held run: it records discounts and sends mails. 409 `not_held` with the state. */
  approveRun(runId: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.DiscountRunOut> {
    return this.#transport.request("POST", `/v1/discount-runs/${quoted(runId)}/approve`, { ...options, body });
  }

  /** List resellers that change tier in a run, ordered by id. */
  listMovers(runId: string): AsyncGenerator<types.MoverOut, void, undefined> {
    return this.#transport.pages(`/v1/discount-runs/${quoted(runId)}/movers`);
  }

  /** Reject a held run: it records nothing. 409 `not_held` with the state. */
  rejectRun(runId: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.DiscountRunOut> {
    return this.#transport.request("POST", `/v1/discount-runs/${quoted(runId)}/reject`, { ...options, body });
  }

  /** Return turnover, tier and percentages of a local day, their derivation, and tomorrow's. 409 `not_a_reseller`. */
  getDiscount(resellerId: string, query: { as_of?: string; pay?: string } = {}): Promise<types.DiscountOut> {
    return this.#transport.request("GET", `/v1/resellers/${quoted(resellerId)}/discount`, { query });
  }
}

export class DomainsCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List the domains that an account claims, of a client those of its own brand, each with its DNS record. */
  listDomains(query: { account?: string } = {}): Promise<types.PageOut_DomainOut_> {
    return this.#transport.request("GET", `/v1/domains`, { query });
  }

  /** Look up a domain's TXT record for one claimant. 422 `account_required` if several claim it. */
  checkDomain(domain: string, query: { account?: string } = {}, options: PostOptions = {}): Promise<types.DomainOut> {
    return this.#transport.request("POST", `/v1/domains/${quoted(domain)}/check`, { ...options, query });
  }
}

export class EventsCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List events, oldest first; continuing from the last one skips none. */
  listEvents(query: { after?: number } = {}): AsyncGenerator<types.EventOut, void, undefined> {
    return this.#transport.pages(`/v1/events`, query);
  }
}

export class FeesCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List charges that the account pays itself; charges paid by its reseller belong to the reseller. */
  listAccountCharges(accountId: string, query: { from?: string; to?: string } = {}): AsyncGenerator<types.ChargeOut, void, undefined> {
    return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/charges`, query);
  }

  /** List products assigned to the account today, ordered by product. */
  listAssignments(accountId: string): AsyncGenerator<types.AssignmentOut, void, undefined> {
    return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/products`);
  }

  /** Assign a product and charge its first period. Already assigned: 200, unchanged, a planned end is cancelled. 404 `unknown_product`; 409 `not_multiple`, `not_a_client`; 422 `not_recurring`. */
  assignProduct(accountId: string, body: types.AssignmentIn, options: PostOptions = {}): Promise<types.AssignmentOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/products`, { ...options, body });
  }

  /** Set the retail fee. A fee below cost is flagged and the reseller is notified. */
  changeAssignment(accountId: string, product: string, body: types.AssignmentPatch): Promise<types.AssignmentOut> {
    return this.#transport.request("PATCH", `/v1/accounts/${quoted(accountId)}/products/${quoted(product)}`, { body });
  }

  /** End the assignment with its paid period; assigning the product again before then cancels the end. */
  unassignProduct(accountId: string, product: string): Promise<types.AssignmentOut> {
    return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}/products/${quoted(product)}`);
  }

  /** Return the account with its current paid plan, if any. */
  getSubscription(accountId: string): Promise<types.SubscribedAccountOut> {
    return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}/subscription`);
  }

  /** Change plan: upgrades start a new period today, others follow at the period's end. 422 `unknown_plan`. With `dry_run` the answer is `{charge, credit, at}`, and nothing changes. */
  putSubscription(accountId: string, body: types.PlanIn): Promise<types.SubscribedAccountOut | types.PlanQuoteOut> {
    return this.#transport.request("PUT", `/v1/accounts/${quoted(accountId)}/subscription`, { body });
  }

  /** End the paid plan with its paid period; no effect on the free plan. */
  cancelSubscription(accountId: string): Promise<types.SubscribedAccountOut> {
    return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}/subscription`);
  }

  /** Return one charge or credit, to who pays it. */
  getCharge(chargeId: string): Promise<types.ChargeOut> {
    return this.#transport.request("GET", `/v1/charges/${quoted(chargeId)}`);
  }

  /** Void a charge, with a reason. 409 `already_void`. */
  voidCharge(chargeId: string, body: types.VoidIn, options: PostOptions = {}): Promise<types.ChargeOut> {
    return this.#transport.request("POST", `/v1/charges/${quoted(chargeId)}/void`, { ...options, body });
  }

  /** List charges that the reseller pays for its clients, ordered by period start. */
  listResellerCharges(resellerId: string, query: { from?: string; to?: string } = {}): AsyncGenerator<types.ChargeOut, void, undefined> {
    return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/charges`, query);
  }

  /** List products that the reseller can sell, with fees, ordered by code. */
  listProducts(resellerId: string): AsyncGenerator<types.ProductOut, void, undefined> {
    return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/products`);
  }

  /** Change name or recommended retail fee of a product that the reseller manages. 403 `managed_by_provider`. */
  changeProduct(resellerId: string, product: string, body: types.ProductPatch): Promise<types.ProductOut> {
    return this.#transport.request("PATCH", `/v1/resellers/${quoted(resellerId)}/products/${quoted(product)}`, { body });
  }
}

export class JobsCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Search jobs, newest first; without a time filter, only jobs of the last seven days. */
  listJobs(query: { state?: Array<types.JobState>; task?: string; queue?: string; tenant?: string; external_id?: string; created_after?: string; created_before?: string } = {}): AsyncGenerator<types.JobOut, void, undefined> {
    return this.#transport.pages(`/v1/jobs`, query);
  }

  /** Enqueue a job, or return the unfinished one with its `unique_key`; optionally wait for the result. 403 `task_internal` for Kontor's own tasks, whatever the key; `task_not_public` for a bound key. */
  enqueueJob(body: types.JobIn, query: { wait?: number } = {}, options: PostOptions = {}): Promise<types.JobOut> {
    return this.#transport.request("POST", `/v1/jobs`, { ...options, query, body });
  }

  /** Enqueue up to 10,000 jobs, all or none. */
  enqueueJobs(body: types.JobsIn, options: PostOptions = {}): Promise<types.JobIdsOut> {
    return this.#transport.request("POST", `/v1/jobs/batch`, { ...options, body });
  }

  /** Retry or cancel all matching jobs; a dry run counts them per task and tenant. */
  actOnJobs(body: types.BulkIn, options: PostOptions = {}): Promise<types.BulkOut | types.JobOut> {
    return this.#transport.request("POST", `/v1/jobs/bulk`, { ...options, body });
  }

  /** Return a job with its attempts. */
  getJob(jobId: string): Promise<types.JobOut> {
    return this.#transport.request("GET", `/v1/jobs/${quoted(jobId)}`);
  }

  /** Cancel a waiting job, or ask a running one to stop. 409 `not_cancellable` with the state. 202 if the job is locked, for example by its own transaction: it is cancelled as soon as it no longer is. */
  cancelJob(jobId: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.JobOut> {
    return this.#transport.request("POST", `/v1/jobs/${quoted(jobId)}/cancel`, { ...options, body });
  }

  /** Retry a dead, retrying or cancelled job now. 409 `not_retryable` with the state, `busy` if it is locked. */
  retryJob(jobId: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.JobOut> {
    return this.#transport.request("POST", `/v1/jobs/${quoted(jobId)}/retry`, { ...options, body });
  }

  /** List tasks; a bound key sees those it can enqueue. */
  listTasks(): Promise<types.PageOut_TaskOut_> {
    return this.#transport.request("GET", `/v1/tasks`);
  }
}

export class KeysCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List keys, newest first, including revoked ones; a bound key sees those bound to it and to its clients. */
  listKeys(): AsyncGenerator<types.KeyOut, void, undefined> {
    return this.#transport.pages(`/v1/keys`);
  }

  /** Create a key. A bound key makes keys for itself or its clients, with no more scopes than it has. */
  createKey(body: types.KeyIn, options: PostOptions = {}): Promise<types.NewKeyOut> {
    return this.#transport.request("POST", `/v1/keys`, { ...options, body });
  }

  /** Revoke a key at once; a repeat changes nothing. An unbound key without `admin` revokes none with more scopes. */
  revokeKey(keyId: string): Promise<types.KeyOut> {
    return this.#transport.request("DELETE", `/v1/keys/${quoted(keyId)}`);
  }
}

export class LanesCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List lanes by name. */
  listLanes(query: { state?: types.LaneState } = {}): AsyncGenerator<types.LaneOut, void, undefined> {
    return this.#transport.pages(`/v1/lanes`, query);
  }

  /** Hold a lane: no job starts until it is released. 409 `already_held`. */
  holdLane(name: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.LaneOut> {
    return this.#transport.request("POST", `/v1/lanes/${quoted(name)}/hold`, { ...options, body });
  }

  /** Let an open lane send its next job now, and ping its instance. 409 `not_open`. */
  probeLane(name: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.LaneOut> {
    return this.#transport.request("POST", `/v1/lanes/${quoted(name)}/probe`, { ...options, body });
  }

  /** End a hold: the next job is sent as a probe, and an instance gets a `ping`. 409 `not_held`. */
  releaseLane(name: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.LaneOut> {
    return this.#transport.request("POST", `/v1/lanes/${quoted(name)}/release`, { ...options, body });
  }
}

export class LeasesCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lease jobs of pull types; `[]` when there is none after `wait` seconds. */
  leaseJobs(body: types.LeaseIn, options: PostOptions = {}): Promise<types.LeasesOut> {
    return this.#transport.request("POST", `/v1/leases`, { ...options, body });
  }

  /** Record success; a second time the first one's answer. 409 `lease_lost`, 422 `result_too_large`. */
  complete(leaseId: string, body?: types.CompleteIn, options: PostOptions = {}): Promise<types.EndedOut> {
    return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/complete`, { ...options, body });
  }

  /** Record a failed attempt. 409 `lease_lost`. */
  fail(leaseId: string, body: types.FailIn, options: PostOptions = {}): Promise<types.EndedOut> {
    return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/fail`, { ...options, body });
  }

  /** Prolong a lease by 60 s. 409 `lease_lost`. */
  heartbeat(leaseId: string, options: PostOptions = {}): Promise<types.BeatOut> {
    return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/heartbeat`, { ...options });
  }

  /** Give the job back; uses no attempt. 409 `lease_lost`. */
  release(leaseId: string, options: PostOptions = {}): Promise<types.EndedOut> {
    return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/release`, { ...options });
  }

  /** Let the job run again later; uses no attempt. 409 `lease_lost`. */
  snooze(leaseId: string, body: types.SnoozeIn, options: PostOptions = {}): Promise<types.EndedOut> {
    return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/snooze`, { ...options, body });
  }
}

export class MailsCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List mails, newest first. */
  listMails(query: { created_after?: string; created_before?: string; account?: string; template?: string; state?: Array<types.MailState> } = {}): AsyncGenerator<types.MailOut, void, undefined> {
    return this.#transport.pages(`/v1/mails`, query);
  }

  /** Return a mail; to an unbound key with the scope `operate` including its source. */
  getMail(mailId: string): Promise<types.MailOut> {
    return this.#transport.request("GET", `/v1/mails/${quoted(mailId)}`);
  }
}

export class MembersCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List the owner, then the members, oldest first. */
  listMembers(accountId: string): AsyncGenerator<types.MemberOut, void, undefined> {
    return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/members`);
  }

  /** Add a member and mail an invitation; one that the client's reseller invites decides no offer. 409 `member_exists`; 429 `too_many` invitations to the address. */
  addMember(accountId: string, body: types.MemberIn, options: PostOptions = {}): Promise<types.InvitedMemberOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/members`, { ...options, body });
  }

  /** Change name, locale or role. 409 `owner_fixed`. */
  changeMember(accountId: string, memberId: string, body: types.MemberPatch): Promise<types.MemberOut> {
    return this.#transport.request("PATCH", `/v1/accounts/${quoted(accountId)}/members/${quoted(memberId)}`, { body });
  }

  /** Remove a member: sessions and links end with it. 409 `owner_fixed`. */
  removeMember(accountId: string, memberId: string): Promise<types.MemberOut> {
    return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}/members/${quoted(memberId)}`);
  }

  /** Make a link to the portal that signs in once, within 5 minutes; with `embed` the updates, for 60 minutes. One that the client's reseller asked for decides no offer. 409 `account_deleted`, `account_suspended`. */
  createPortalSession(accountId: string, body: types.PortalSessionIn, options: PostOptions = {}): Promise<types.PortalSessionOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/portal-sessions`, { ...options, body });
  }
}

export class OffersCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Return how many offers await the account's decision; to a reseller of its own. */
  readBadge(accountId: string): Promise<types.BadgeOut> {
    return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}/badge`);
  }

  /** Settle an objection to the account's address: its held offers go on. 409 `not_held`. */
  freeOffers(accountId: string, body: types.FreeOffersIn, options: PostOptions = {}): Promise<types.FreedOffersOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/free-offers`, { ...options, body });
  }

  /** List the account's licences, ordered by product. */
  listLicences(accountId: string): AsyncGenerator<types.LicenceOut, void, undefined> {
    return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/licences`);
  }

  /** List offers for the customer's admin: open ones first, then the last 20 decided; to a reseller its own. */
  listUpdates(accountId: string): AsyncGenerator<types.OfferOut, void, undefined> {
    return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/updates`);
  }

  /** List templates, newest first. */
  listTemplates(query: { reseller?: string } = {}): AsyncGenerator<types.TemplateOut, void, undefined> {
    return this.#transport.pages(`/v1/offer-templates`, query);
  }

  /** Create a template. 409 `name_taken`; 422 `unknown_product`. */
  createTemplate(body: types.TemplateIn, options: PostOptions = {}): Promise<types.TemplateOut> {
    return this.#transport.request("POST", `/v1/offer-templates`, { ...options, body });
  }

  /** Return a template. */
  getTemplate(templateId: string): Promise<types.TemplateOut> {
    return this.#transport.request("GET", `/v1/offer-templates/${quoted(templateId)}`);
  }

  /** Replace a template's name and lines; offers already sent keep theirs. */
  putTemplate(templateId: string, body: types.TemplateUpdate): Promise<types.TemplateOut> {
    return this.#transport.request("PUT", `/v1/offer-templates/${quoted(templateId)}`, { body });
  }

  /** Delete a template; returns its last state. */
  deleteTemplate(templateId: string): Promise<types.TemplateOut> {
    return this.#transport.request("DELETE", `/v1/offer-templates/${quoted(templateId)}`);
  }

  /** Add a line to a template, in place of that product's. 422 `unknown_product`. */
  addLine(templateId: string, body: types.LineIn, options: PostOptions = {}): Promise<types.TemplateOut> {
    return this.#transport.request("POST", `/v1/offer-templates/${quoted(templateId)}/lines`, { ...options, body });
  }

  /** Remove a product's line from a template. 404 `unknown_line`. */
  removeLine(templateId: string, query: { product: string }): Promise<types.TemplateOut> {
    return this.#transport.request("DELETE", `/v1/offer-templates/${quoted(templateId)}/lines`, { query });
  }

  /** List offers, newest first. */
  listOffers(query: { created_after?: string; created_before?: string; reseller?: string; account?: string; state?: types.OfferState; external_id?: string } = {}): AsyncGenerator<types.OfferOut, void, undefined> {
    return this.#transport.pages(`/v1/offers`, query);
  }

  /** Send an offer to a client. 409 `no_instance`, `external_id_taken`; 422 `unknown_product`; 429 `too_many`. */
  sendOffer(body: types.OfferIn, options: PostOptions = {}): Promise<types.SentOfferOut> {
    return this.#transport.request("POST", `/v1/offers`, { ...options, body });
  }

  /** Return an offer with its events, oldest first. */
  getOffer(offerId: string): Promise<types.OfferOut> {
    return this.#transport.request("GET", `/v1/offers/${quoted(offerId)}`);
  }

  /** Accept an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`. */
  acceptOffer(offerId: string, options: PostOptions = {}): Promise<types.OfferOut> {
    return this.#transport.request("POST", `/v1/offers/${quoted(offerId)}/accept`, { ...options });
  }

  /** Withdraw an offer. 409 `illegal_transition` with the state. */
  cancelOffer(offerId: string, options: PostOptions = {}): Promise<types.OfferOut> {
    return this.#transport.request("POST", `/v1/offers/${quoted(offerId)}/cancel`, { ...options });
  }

  /** Send the mail about an offer that awaits a decision again. 409 `illegal_transition`, `not_sendable`. */
  mailOffer(offerId: string, options: PostOptions = {}): Promise<types.OfferOut> {
    return this.#transport.request("POST", `/v1/offers/${quoted(offerId)}/mail`, { ...options });
  }

  /** Reject an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`. */
  rejectOffer(offerId: string, options: PostOptions = {}): Promise<types.OfferOut> {
    return this.#transport.request("POST", `/v1/offers/${quoted(offerId)}/reject`, { ...options });
  }
}

export class OrdersCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Return one order. */
  getOrder(orderId: string): Promise<types.OrderOut> {
    return this.#transport.request("GET", `/v1/orders/${quoted(orderId)}`);
  }

  /** Cancel an order while its service is being made: credited at once. 409 `illegal_transition` with the state. */
  cancelOrder(orderId: string, body?: types.CancelIn, options: PostOptions = {}): Promise<types.OrderOut> {
    return this.#transport.request("POST", `/v1/orders/${quoted(orderId)}/cancel`, { ...options, body });
  }

  /** List orders, newest first. */
  listOrders(resellerId: string, query: { created_after?: string; created_before?: string; state?: types.OrderState; external_id?: string } = {}): AsyncGenerator<types.OrderOut, void, undefined> {
    return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/orders`, query);
  }

  /** Place an order. Existing `order_ref`: 200, the first order, with `differs`. 422 `unknown_product`, `unknown_promo_code`, `invalid_config`, `invalid_args`, `unknown_task`. 409 `insufficient_balance` with `missing` where balance and credit limit do not cover it; `external_id_taken`, `account_suspended`. */
  placeOrder(resellerId: string, body: types.OrderIn, options: PostOptions = {}): Promise<types.OrderOut> {
    return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/orders`, { ...options, body });
  }
}

export class PaymentsCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List imported payments that name no reseller and wait for somebody to assign them, latest first. */
  listUnmatchedPayments(query: { programme?: string; dismissed?: boolean } = {}): AsyncGenerator<types.UnmatchedPaymentOut, void, undefined> {
    return this.#transport.pages(`/v1/payments/unmatched`, query);
  }

  /** Assign a payment to a reseller: 201, or 200 and the first where its reference is known with this content. 409 `already_assigned`, `not_a_reseller`; 422 `programme_mismatch`. */
  assignUnmatchedPayment(unmatchedId: string, body: types.PayeeIn, options: PostOptions = {}): Promise<types.PaymentOut> {
    return this.#transport.request("POST", `/v1/payments/unmatched/${quoted(unmatchedId)}/assign`, { ...options, body });
  }

  /** Take a payment that is no reseller's off the list, with a reason; assigning it takes that back. 409 `already_assigned`. */
  dismissUnmatchedPayment(unmatchedId: string, body: types.DismissIn, options: PostOptions = {}): Promise<types.UnmatchedPaymentOut> {
    return this.#transport.request("POST", `/v1/payments/unmatched/${quoted(unmatchedId)}/dismiss`, { ...options, body });
  }

  /** Return a payment, to the reseller it counts for. */
  getPayment(paymentId: string): Promise<types.PaymentOut> {
    return this.#transport.request("GET", `/v1/payments/${quoted(paymentId)}`);
  }

  /** List payments, most recently posted first. */
  listPayments(resellerId: string, query: { kind?: types.PaymentKind; reference?: string; from?: string; to?: string } = {}): AsyncGenerator<types.PaymentOut, void, undefined> {
    return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/payments`, query);
  }

  /** Post a payment, also of a former, merged or deleted reseller. Known reference: 200, the first, with `differs`. 422 `currency_mismatch`, `in_future`, `invalid_amount`. */
  postPayment(resellerId: string, body: types.PaymentIn, options: PostOptions = {}): Promise<types.PaymentOut> {
    return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/payments`, { ...options, body });
  }
}

export class ProgrammesCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List applied programmes, ordered by code. */
  listProgrammes(): AsyncGenerator<types.ProgrammeOut, void, undefined> {
    return this.#transport.pages(`/v1/programmes`);
  }

  /** Return a version of a programme, by default the one in force. */
  getProgramme(code: string, query: { version?: number; against?: number } = {}): Promise<types.ProgrammeOut> {
    return this.#transport.request("GET", `/v1/programmes/${quoted(code)}`, { query });
  }

  /** Apply a programme file, as YAML or JSON in the body, or plan it (`dry_run`). A file that touches more than the guard-rail allows is refused (`approval_required`) with the plan's `hash`, which `approve` names. */
  applyProgramme(code: string, body: Record<string, unknown>, query: { dry_run?: boolean; approve?: string; effective?: string; reason?: string } = {}, options: PostOptions = {}): Promise<types.PlanOut> {
    return this.#transport.request("POST", `/v1/programmes/${quoted(code)}`, { ...options, query, body });
  }

  /** List the versions of a programme, the highest number first. */
  listVersions(code: string): AsyncGenerator<types.VersionOut, void, undefined> {
    return this.#transport.pages(`/v1/programmes/${quoted(code)}/versions`);
  }
}

export class QueuesCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List all queues. */
  listQueues(): Promise<types.PageOut_QueueOut_> {
    return this.#transport.request("GET", `/v1/queues`);
  }

  /** Pause a queue: no new job starts; running jobs finish. */
  pauseQueue(name: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.QueueOut> {
    return this.#transport.request("POST", `/v1/queues/${quoted(name)}/pause`, { ...options, body });
  }

  /** Resume a queue. */
  resumeQueue(name: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.QueueOut> {
    return this.#transport.request("POST", `/v1/queues/${quoted(name)}/resume`, { ...options, body });
  }
}

export class ReconciliationCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List gaps, newest first. */
  listGaps(query: { kind?: types.GapKind; open?: boolean } = {}): AsyncGenerator<types.GapOut, void, undefined> {
    return this.#transport.pages(`/v1/reconciliation`, query);
  }

  /** Accept a gap: it is closed and will not be reported again. 409 `mended`. */
  acceptGap(gapId: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.GapOut> {
    return this.#transport.request("POST", `/v1/reconciliation/${quoted(gapId)}/accept`, { ...options, body });
  }

  /** Repair a gap, by a job if needed. 409 `not_mendable`, `mended`. */
  repairGap(gapId: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.GapOut> {
    return this.#transport.request("POST", `/v1/reconciliation/${quoted(gapId)}/repair`, { ...options, body });
  }
}

export class ResellersCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Delete an account; it can be restored for 30 days. 409 `has_clients`. */
  deleteAccount(accountId: string): Promise<types.AccountOut> {
    return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}`);
  }

  /** Turn an account into a reseller, free and immediately. 403 `party_refused`; 409 `already_reseller`, `terms_changed`. */
  becomeReseller(accountId: string, body?: types.BecomeResellerIn, options: PostOptions = {}): Promise<types.ResellerOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/become-reseller`, { ...options, body });
  }

  /** Restore a deleted account. 409 `not_deleted`, `final`. */
  restoreAccount(accountId: string, options: PostOptions = {}): Promise<types.AccountOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/restore`, { ...options });
  }

  /** Turn a reseller back into a regular account. 409 `not_a_reseller`, `has_clients`. */
  revertReseller(accountId: string, body?: types.RevertIn, options: PostOptions = {}): Promise<types.AccountOut> {
    return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/revert-reseller`, { ...options, body });
  }

  /** List the reseller's clients in order of creation. */
  listClients(resellerId: string, query: { created_after?: string; created_before?: string; q?: string; external_id?: string; name?: string; admin_email?: string; plan?: string; trial?: types.TrialState; over_quota?: boolean; read_only?: boolean; open_offer?: boolean; instance?: types.InstanceState; suspended?: boolean } = {}): AsyncGenerator<types.AccountOut, void, undefined> {
    return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/clients`, query);
  }

  /** Create a client; its admin gets an activation link. 409 `name_taken`, `not_a_reseller`; 429 `too_many`. */
  createClient(resellerId: string, body: types.ClientIn, options: PostOptions = {}): Promise<types.InvitedOut> {
    return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/clients`, { ...options, body });
  }

  /** Download the reseller's clients as CSV, UTF-8 with a byte order mark. */
  downloadClientsCsv(resellerId: string): Promise<Uint8Array> {
    return this.#transport.download(`/v1/resellers/${quoted(resellerId)}/clients.csv`);
  }

  /** Download the reseller's clients as an Excel workbook. */
  downloadClientsXlsx(resellerId: string): Promise<Uint8Array> {
    return this.#transport.download(`/v1/resellers/${quoted(resellerId)}/clients.xlsx`);
  }

  /** Connect an existing account by its password. 403 `bad_credentials`; 409 `has_reseller`; 429 `locked`. */
  connectClient(resellerId: string, body: types.ClientCredentials, options: PostOptions = {}): Promise<types.AccountOut> {
    return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/clients/connect`, { ...options, body });
  }

  /** Disconnect a client: it becomes a regular account. */
  disconnectClient(resellerId: string, accountId: string, options: PostOptions = {}): Promise<types.AccountOut> {
    return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/clients/${quoted(accountId)}/disconnect`, { ...options });
  }

  /** Merge a reseller into another, all or nothing. 409 `programme_mismatch`, `conflicts`, `not_a_reseller`. */
  mergeResellers(resellerId: string, body: types.MergeIn, options: PostOptions = {}): Promise<types.MergeReportOut | types.MergeOut> {
    return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/merge`, { ...options, body });
  }
}

export class SchedulesCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List all schedules. */
  listSchedules(): Promise<types.PageOut_ScheduleOut_> {
    return this.#transport.request("GET", `/v1/schedules`);
  }

  /** Pause a schedule: runs that fall due are skipped. */
  pauseSchedule(name: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.ScheduleOut> {
    return this.#transport.request("POST", `/v1/schedules/${quoted(name)}/pause`, { ...options, body });
  }

  /** Resume a schedule from its next run on. */
  resumeSchedule(name: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.ScheduleOut> {
    return this.#transport.request("POST", `/v1/schedules/${quoted(name)}/resume`, { ...options, body });
  }

  /** Enqueue the schedule's task now; returns the job. */
  runSchedule(name: string, body?: types.ActionIn, options: PostOptions = {}): Promise<types.JobOut> {
    return this.#transport.request("POST", `/v1/schedules/${quoted(name)}/run`, { ...options, body });
  }
}

export class ServicesCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List services, newest first. */
  listServices(query: { created_after?: string; created_before?: string; reseller?: string; account?: string; state?: types.ServiceState; product?: string; external_id?: string } = {}): AsyncGenerator<types.ServiceOut, void, undefined> {
    return this.#transport.pages(`/v1/services`, query);
  }

  /** Return a service with its events, oldest first, and its jobs. */
  getService(serviceId: string): Promise<types.ServiceWithJobsOut> {
    return this.#transport.request("GET", `/v1/services/${quoted(serviceId)}`);
  }

  /** Change quantity or config by a job. 409 `illegal_transition`, `action_under_way`, `insufficient_balance`. */
  changeService(serviceId: string, body: types.ServiceUpdate): Promise<types.ServiceWithJobsOut> {
    return this.#transport.request("PATCH", `/v1/services/${quoted(serviceId)}`, { body });
  }

  /** Renew for another term, by an order at the price and discount of now; a known `order_ref` changes nothing. 409 `illegal_transition`, `not_renewable`, `insufficient_balance` with `missing`, `account_suspended`. */
  renewService(serviceId: string, body?: types.RenewIn, options: PostOptions = {}): Promise<types.ServiceWithJobsOut> {
    return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/renew`, { ...options, body });
  }

  /** Resume what was suspended by hand; what the provider suspended, only the provider. 409 `illegal_transition`. */
  resumeService(serviceId: string, body?: types.ServiceVerbIn, options: PostOptions = {}): Promise<types.ServiceWithJobsOut> {
    return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/resume`, { ...options, body });
  }

  /** Try to make a failed service again, charged again. 409 `illegal_transition`, `insufficient_balance`. */
  retryService(serviceId: string, body?: types.ServiceVerbIn, options: PostOptions = {}): Promise<types.ServiceWithJobsOut> {
    return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/retry`, { ...options, body });
  }

  /** Suspend. 409 `illegal_transition`. */
  suspendService(serviceId: string, body?: types.ServiceVerbIn, options: PostOptions = {}): Promise<types.ServiceWithJobsOut> {
    return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/suspend`, { ...options, body });
  }

  /** End a service now; nothing is paid back. 409 `illegal_transition`. */
  terminateService(serviceId: string, body?: types.ServiceVerbIn, options: PostOptions = {}): Promise<types.ServiceWithJobsOut> {
    return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/terminate`, { ...options, body });
  }
}

export class TaskTypesCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List all task types, by name. */
  listTaskTypes(): Promise<types.PageOut_TaskTypeOut_> {
    return this.#transport.request("GET", `/v1/task-types`);
  }

  /** Return the newest version of a task type. */
  getTaskType(name: string): Promise<types.TaskTypeOut> {
    return this.#transport.request("GET", `/v1/task-types/${quoted(name)}`);
  }

  /** Declare a task type or change it; the secret of a new push handler is shown once. 422 `reserved_name`, `invalid_schema`, `forbidden_address`. */
  putTaskType(name: string, body: types.TaskTypeIn): Promise<types.TaskTypeSecretOut> {
    return this.#transport.request("PUT", `/v1/task-types/${quoted(name)}`, { body });
  }

  /** Delete a task type. 409 `in_use` while jobs of it are not finished. */
  deleteTaskType(name: string): Promise<types.TaskTypeOut> {
    return this.#transport.request("DELETE", `/v1/task-types/${quoted(name)}`);
  }

  /** Make a new secret for the handler; the former one also signs for 24 h. */
  rotateTaskType(name: string, options: PostOptions = {}): Promise<types.TaskTypeSecretOut> {
    return this.#transport.request("POST", `/v1/task-types/${quoted(name)}/rotate`, { ...options });
  }
}

export class WebhooksCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** List endpoints, newest first. */
  listEndpoints(query: { reseller?: string } = {}): AsyncGenerator<types.WebhookEndpointOut, void, undefined> {
    return this.#transport.pages(`/v1/webhook-endpoints`, query);
  }

  /** Create an endpoint. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`, `invalid_secret`. */
  createEndpoint(body: types.WebhookEndpointIn, options: PostOptions = {}): Promise<types.WebhookEndpointSecretOut> {
    return this.#transport.request("POST", `/v1/webhook-endpoints`, { ...options, body });
  }

  /** Return an endpoint. */
  getEndpoint(endpointId: string): Promise<types.WebhookEndpointOut> {
    return this.#transport.request("GET", `/v1/webhook-endpoints/${quoted(endpointId)}`);
  }

  /** Change URL or events. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`. */
  changeEndpoint(endpointId: string, body: types.WebhookEndpointPatch): Promise<types.WebhookEndpointOut> {
    return this.#transport.request("PATCH", `/v1/webhook-endpoints/${quoted(endpointId)}`, { body });
  }

  /** Delete an endpoint. */
  deleteEndpoint(endpointId: string): Promise<types.WebhookEndpointOut> {
    return this.#transport.request("DELETE", `/v1/webhook-endpoints/${quoted(endpointId)}`);
  }

  /** List deliveries, newest first. */
  listDeliveries(endpointId: string, query: { created_after?: string; created_before?: string; state?: types.DeliveryState } = {}): AsyncGenerator<types.WebhookDeliveryOut, void, undefined> {
    return this.#transport.pages(`/v1/webhook-endpoints/${quoted(endpointId)}/deliveries`, query);
  }

  /** Deliver events again with their original ids; enables a disabled endpoint. */
  replayEndpoint(endpointId: string, body?: types.ReplayIn, options: PostOptions = {}): Promise<types.ReplayOut> {
    return this.#transport.request("POST", `/v1/webhook-endpoints/${quoted(endpointId)}/replay`, { ...options, body });
  }

  /** Rotate the secret; the previous one also signs for 24 h. */
  rotateSecret(endpointId: string, options: PostOptions = {}): Promise<types.WebhookEndpointSecretOut> {
    return this.#transport.request("POST", `/v1/webhook-endpoints/${quoted(endpointId)}/rotate`, { ...options });
  }

  /** Send a `webhook.test` event. 409 `endpoint_disabled`. */
  testEndpoint(endpointId: string, options: PostOptions = {}): Promise<types.WebhookDeliveryOut> {
    return this.#transport.request("POST", `/v1/webhook-endpoints/${quoted(endpointId)}/test`, { ...options });
  }
}

/** All calls. */
export class Resources {
  readonly accountBook: AccountBookCalls;
  readonly accounts: AccountsCalls;
  readonly clock: ClockCalls;
  readonly discounts: DiscountsCalls;
  readonly domains: DomainsCalls;
  readonly events: EventsCalls;
  readonly fees: FeesCalls;
  readonly jobs: JobsCalls;
  readonly keys: KeysCalls;
  readonly lanes: LanesCalls;
  readonly leases: LeasesCalls;
  readonly mails: MailsCalls;
  readonly members: MembersCalls;
  readonly offers: OffersCalls;
  readonly orders: OrdersCalls;
  readonly payments: PaymentsCalls;
  readonly programmes: ProgrammesCalls;
  readonly queues: QueuesCalls;
  readonly reconciliation: ReconciliationCalls;
  readonly resellers: ResellersCalls;
  readonly schedules: SchedulesCalls;
  readonly services: ServicesCalls;
  readonly taskTypes: TaskTypesCalls;
  readonly webhooks: WebhooksCalls;

  constructor(transport: Transport) {
    this.accountBook = new AccountBookCalls(transport);
    this.accounts = new AccountsCalls(transport);
    this.clock = new ClockCalls(transport);
    this.discounts = new DiscountsCalls(transport);
    this.domains = new DomainsCalls(transport);
    this.events = new EventsCalls(transport);
    this.fees = new FeesCalls(transport);
    this.jobs = new JobsCalls(transport);
    this.keys = new KeysCalls(transport);
    this.lanes = new LanesCalls(transport);
    this.leases = new LeasesCalls(transport);
    this.mails = new MailsCalls(transport);
    this.members = new MembersCalls(transport);
    this.offers = new OffersCalls(transport);
    this.orders = new OrdersCalls(transport);
    this.payments = new PaymentsCalls(transport);
    this.programmes = new ProgrammesCalls(transport);
    this.queues = new QueuesCalls(transport);
    this.reconciliation = new ReconciliationCalls(transport);
    this.resellers = new ResellersCalls(transport);
    this.schedules = new SchedulesCalls(transport);
    this.services = new ServicesCalls(transport);
    this.taskTypes = new TaskTypesCalls(transport);
    this.webhooks = new WebhooksCalls(transport);
  }
}
