/** The calls of the API, by resource. Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit. */
const quoted = encodeURIComponent;
export class AccountBookCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List the lines of the book by (`at`, number), each with the balance after it. */
    readAccountBook(resellerId, query = {}) {
        return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/account-book`, query);
    }
}
export class AccountsCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List accounts in order of creation. */
    listAccounts(query = {}) {
        return this.#transport.pages(`/v1/accounts`, query);
    }
    /** Create an account on the free plan. 409 `name_taken`, `external_id_taken`. */
    createAccount(body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts`, { ...options, body });
    }
    /** Return an account. */
    getAccount(accountId) {
        return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}`);
    }
    /** Change the given fields. 409 `name_taken`, `external_id_taken`, `account_deleted`; 429 `too_many` addresses. */
    changeAccount(accountId, body) {
        return this.#transport.request("PATCH", `/v1/accounts/${quoted(accountId)}`, { body });
    }
    /** Resend the activation mail. 409 `already_activated`; 429 `too_many`. */
    sendActivation(accountId, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/activation`, { ...options });
    }
    /** Return the brand settings; to a key of the account itself the brand in force, for its service to show. */
    getBrand(accountId) {
        return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}/brand`);
    }
    /** Replace the brand; new domains must be verified, images fetched. 422 `name_taken`, `forbidden_address`. */
    putBrand(accountId, body) {
        return this.#transport.request("PUT", `/v1/accounts/${quoted(accountId)}/brand`, { body });
    }
    /** Return the account's instance, without its secret. 404 `no_instance`. */
    getInstance(accountId) {
        return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}/instance`);
    }
    /** Set the URL of the account's instance. 422 `forbidden_address`. */
    putInstance(accountId, body) {
        return this.#transport.request("PUT", `/v1/accounts/${quoted(accountId)}/instance`, { body });
    }
    /** Delete the account's instance: nothing is sent to it any more. 404 `no_instance`. */
    deleteInstance(accountId) {
        return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}/instance`);
    }
    /** Send a signed `ping`; an answer 2xx closes the lane's breaker. 404 `no_instance`. */
    testInstance(accountId, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/instance/test`, { ...options });
    }
    /** Lift a suspension: one's own, an operator any; of a reseller also what it alone brought to its clients. */
    resumeAccount(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/resume`, { ...options, body });
    }
    /** Suspend an account, a reseller with all its clients. 409 `account_deleted`. */
    suspendAccount(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/suspend`, { ...options, body });
    }
    /** Start the account's one trial. 409 `trial_used`, `already_subscribed`, `no_trial`. */
    startTrial(accountId, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/trial`, { ...options });
    }
    /** Report usage; reports may be late, repeated or out of order. 409 `account_deleted`. */
    reportUsage(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/usage`, { ...options, body });
    }
}
export class ClockCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** Return the time that every process uses. */
    getClock() {
        return this.#transport.request("GET", `/v1/clock`);
    }
    /** Move the time that every process uses. 409 `clock_backwards`. */
    setClock(body, options = {}) {
        return this.#transport.request("POST", `/v1/clock`, { ...options, body });
    }
}
export class DiscountsCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List runs, newest first. */
    listRuns(query = {}) {
        return this.#transport.pages(`/v1/discount-runs`, query);
    }
    /** Start a run for today as jobs; a dry run returns its result. 422 `no_turnover_discount`. */
    beginRun(body, options = {}) {
        return this.#transport.request("POST", `/v1/discount-runs`, { ...options, body });
    }
    /** Return a run with its totals. */
    getRun(runId) {
        return this.#transport.request("GET", `/v1/discount-runs/${quoted(runId)}`);
    }
    /** Approve a held run: it records discounts and sends mails. 409 `not_held` with the state. */
    approveRun(runId, body, options = {}) {
        return this.#transport.request("POST", `/v1/discount-runs/${quoted(runId)}/approve`, { ...options, body });
    }
    /** List resellers that change tier in a run, ordered by id. */
    listMovers(runId) {
        return this.#transport.pages(`/v1/discount-runs/${quoted(runId)}/movers`);
    }
    /** Reject a held run: it records nothing. 409 `not_held` with the state. */
    rejectRun(runId, body, options = {}) {
        return this.#transport.request("POST", `/v1/discount-runs/${quoted(runId)}/reject`, { ...options, body });
    }
    /** Return turnover, tier and percentages of a local day, their derivation, and tomorrow's. 409 `not_a_reseller`. */
    getDiscount(resellerId, query = {}) {
        return this.#transport.request("GET", `/v1/resellers/${quoted(resellerId)}/discount`, { query });
    }
}
export class DomainsCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List the domains that an account claims, of a client those of its own brand, each with its DNS record. */
    listDomains(query = {}) {
        return this.#transport.request("GET", `/v1/domains`, { query });
    }
    /** Look up a domain's TXT record for one claimant. 422 `account_required` if several claim it. */
    checkDomain(domain, query = {}, options = {}) {
        return this.#transport.request("POST", `/v1/domains/${quoted(domain)}/check`, { ...options, query });
    }
}
export class EventsCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List events, oldest first; continuing from the last one skips none. */
    listEvents(query = {}) {
        return this.#transport.pages(`/v1/events`, query);
    }
}
export class FeesCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List charges that the account pays itself; charges paid by its reseller belong to the reseller. */
    listAccountCharges(accountId, query = {}) {
        return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/charges`, query);
    }
    /** List products assigned to the account today, ordered by product. */
    listAssignments(accountId) {
        return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/products`);
    }
    /** Assign a product and charge its first period. Already assigned: 200, unchanged, a planned end is cancelled. 404 `unknown_product`; 409 `not_multiple`, `not_a_client`; 422 `not_recurring`. */
    assignProduct(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/products`, { ...options, body });
    }
    /** Set the retail fee. A fee below cost is flagged and the reseller is notified. */
    changeAssignment(accountId, product, body) {
        return this.#transport.request("PATCH", `/v1/accounts/${quoted(accountId)}/products/${quoted(product)}`, { body });
    }
    /** End the assignment with its paid period; assigning the product again before then cancels the end. */
    unassignProduct(accountId, product) {
        return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}/products/${quoted(product)}`);
    }
    /** Return the account with its current paid plan, if any. */
    getSubscription(accountId) {
        return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}/subscription`);
    }
    /** Change plan: upgrades start a new period today, others follow at the period's end. 422 `unknown_plan`. With `dry_run` the answer is `{charge, credit, at}`, and nothing changes. */
    putSubscription(accountId, body) {
        return this.#transport.request("PUT", `/v1/accounts/${quoted(accountId)}/subscription`, { body });
    }
    /** End the paid plan with its paid period; no effect on the free plan. */
    cancelSubscription(accountId) {
        return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}/subscription`);
    }
    /** Return one charge or credit, to who pays it. */
    getCharge(chargeId) {
        return this.#transport.request("GET", `/v1/charges/${quoted(chargeId)}`);
    }
    /** Void a charge, with a reason. 409 `already_void`. */
    voidCharge(chargeId, body, options = {}) {
        return this.#transport.request("POST", `/v1/charges/${quoted(chargeId)}/void`, { ...options, body });
    }
    /** List charges that the reseller pays for its clients, ordered by period start. */
    listResellerCharges(resellerId, query = {}) {
        return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/charges`, query);
    }
    /** List products that the reseller can sell, with fees, ordered by code. */
    listProducts(resellerId) {
        return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/products`);
    }
    /** Change name or recommended retail fee of a product that the reseller manages. 403 `managed_by_provider`. */
    changeProduct(resellerId, product, body) {
        return this.#transport.request("PATCH", `/v1/resellers/${quoted(resellerId)}/products/${quoted(product)}`, { body });
    }
}
export class JobsCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** Search jobs, newest first; without a time filter, only jobs of the last seven days. */
    listJobs(query = {}) {
        return this.#transport.pages(`/v1/jobs`, query);
    }
    /** Enqueue a job, or return the unfinished one with its `unique_key`; optionally wait for the result. 403 `task_internal` for Kontor's own tasks, whatever the key; `task_not_public` for a bound key. */
    enqueueJob(body, query = {}, options = {}) {
        return this.#transport.request("POST", `/v1/jobs`, { ...options, query, body });
    }
    /** Enqueue up to 10,000 jobs, all or none. */
    enqueueJobs(body, options = {}) {
        return this.#transport.request("POST", `/v1/jobs/batch`, { ...options, body });
    }
    /** Retry or cancel all matching jobs; a dry run counts them per task and tenant. */
    actOnJobs(body, options = {}) {
        return this.#transport.request("POST", `/v1/jobs/bulk`, { ...options, body });
    }
    /** Return a job with its attempts. */
    getJob(jobId) {
        return this.#transport.request("GET", `/v1/jobs/${quoted(jobId)}`);
    }
    /** Cancel a waiting job, or ask a running one to stop. 409 `not_cancellable` with the state. 202 if the job is locked, for example by its own transaction: it is cancelled as soon as it no longer is. */
    cancelJob(jobId, body, options = {}) {
        return this.#transport.request("POST", `/v1/jobs/${quoted(jobId)}/cancel`, { ...options, body });
    }
    /** Retry a dead, retrying or cancelled job now. 409 `not_retryable` with the state, `busy` if it is locked. */
    retryJob(jobId, body, options = {}) {
        return this.#transport.request("POST", `/v1/jobs/${quoted(jobId)}/retry`, { ...options, body });
    }
    /** List tasks; a bound key sees those it can enqueue. */
    listTasks() {
        return this.#transport.request("GET", `/v1/tasks`);
    }
}
export class KeysCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List keys, newest first, including revoked ones; a bound key sees those bound to it and to its clients. */
    listKeys() {
        return this.#transport.pages(`/v1/keys`);
    }
    /** Create a key. A bound key makes keys for itself or its clients, with no more scopes than it has. */
    createKey(body, options = {}) {
        return this.#transport.request("POST", `/v1/keys`, { ...options, body });
    }
    /** Revoke a key at once; a repeat changes nothing. An unbound key without `admin` revokes none with more scopes. */
    revokeKey(keyId) {
        return this.#transport.request("DELETE", `/v1/keys/${quoted(keyId)}`);
    }
}
export class LanesCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List lanes by name. */
    listLanes(query = {}) {
        return this.#transport.pages(`/v1/lanes`, query);
    }
    /** Hold a lane: no job starts until it is released. 409 `already_held`. */
    holdLane(name, body, options = {}) {
        return this.#transport.request("POST", `/v1/lanes/${quoted(name)}/hold`, { ...options, body });
    }
    /** Let an open lane send its next job now, and ping its instance. 409 `not_open`. */
    probeLane(name, body, options = {}) {
        return this.#transport.request("POST", `/v1/lanes/${quoted(name)}/probe`, { ...options, body });
    }
    /** End a hold: the next job is sent as a probe, and an instance gets a `ping`. 409 `not_held`. */
    releaseLane(name, body, options = {}) {
        return this.#transport.request("POST", `/v1/lanes/${quoted(name)}/release`, { ...options, body });
    }
}
export class LeasesCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** Lease jobs of pull types; `[]` when there is none after `wait` seconds. */
    leaseJobs(body, options = {}) {
        return this.#transport.request("POST", `/v1/leases`, { ...options, body });
    }
    /** Record success; a second time the first one's answer. 409 `lease_lost`, 422 `result_too_large`. */
    complete(leaseId, body, options = {}) {
        return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/complete`, { ...options, body });
    }
    /** Record a failed attempt. 409 `lease_lost`. */
    fail(leaseId, body, options = {}) {
        return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/fail`, { ...options, body });
    }
    /** Prolong a lease by 60 s. 409 `lease_lost`. */
    heartbeat(leaseId, options = {}) {
        return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/heartbeat`, { ...options });
    }
    /** Give the job back; uses no attempt. 409 `lease_lost`. */
    release(leaseId, options = {}) {
        return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/release`, { ...options });
    }
    /** Let the job run again later; uses no attempt. 409 `lease_lost`. */
    snooze(leaseId, body, options = {}) {
        return this.#transport.request("POST", `/v1/leases/${quoted(leaseId)}/snooze`, { ...options, body });
    }
}
export class MailsCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List mails, newest first. */
    listMails(query = {}) {
        return this.#transport.pages(`/v1/mails`, query);
    }
    /** Return a mail; to an unbound key with the scope `operate` including its source. */
    getMail(mailId) {
        return this.#transport.request("GET", `/v1/mails/${quoted(mailId)}`);
    }
}
export class MembersCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List the owner, then the members, oldest first. */
    listMembers(accountId) {
        return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/members`);
    }
    /** Add a member and mail an invitation; one that the client's reseller invites decides no offer. 409 `member_exists`; 429 `too_many` invitations to the address. */
    addMember(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/members`, { ...options, body });
    }
    /** Change name, locale or role. 409 `owner_fixed`. */
    changeMember(accountId, memberId, body) {
        return this.#transport.request("PATCH", `/v1/accounts/${quoted(accountId)}/members/${quoted(memberId)}`, { body });
    }
    /** Remove a member: sessions and links end with it. 409 `owner_fixed`. */
    removeMember(accountId, memberId) {
        return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}/members/${quoted(memberId)}`);
    }
    /** Make a link to the portal that signs in once, within 5 minutes; with `embed` the updates, for 60 minutes. One that the client's reseller asked for decides no offer. 409 `account_deleted`, `account_suspended`. */
    createPortalSession(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/portal-sessions`, { ...options, body });
    }
}
export class OffersCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** Return how many offers await the account's decision; to a reseller of its own. */
    readBadge(accountId) {
        return this.#transport.request("GET", `/v1/accounts/${quoted(accountId)}/badge`);
    }
    /** Settle an objection to the account's address: its held offers go on. 409 `not_held`. */
    freeOffers(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/free-offers`, { ...options, body });
    }
    /** List the account's licences, ordered by product. */
    listLicences(accountId) {
        return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/licences`);
    }
    /** List offers for the customer's admin: open ones first, then the last 20 decided; to a reseller its own. */
    listUpdates(accountId) {
        return this.#transport.pages(`/v1/accounts/${quoted(accountId)}/updates`);
    }
    /** List templates, newest first. */
    listTemplates(query = {}) {
        return this.#transport.pages(`/v1/offer-templates`, query);
    }
    /** Create a template. 409 `name_taken`; 422 `unknown_product`. */
    createTemplate(body, options = {}) {
        return this.#transport.request("POST", `/v1/offer-templates`, { ...options, body });
    }
    /** Return a template. */
    getTemplate(templateId) {
        return this.#transport.request("GET", `/v1/offer-templates/${quoted(templateId)}`);
    }
    /** Replace a template's name and lines; offers already sent keep theirs. */
    putTemplate(templateId, body) {
        return this.#transport.request("PUT", `/v1/offer-templates/${quoted(templateId)}`, { body });
    }
    /** Delete a template; returns its last state. */
    deleteTemplate(templateId) {
        return this.#transport.request("DELETE", `/v1/offer-templates/${quoted(templateId)}`);
    }
    /** Add a line to a template, in place of that product's. 422 `unknown_product`. */
    addLine(templateId, body, options = {}) {
        return this.#transport.request("POST", `/v1/offer-templates/${quoted(templateId)}/lines`, { ...options, body });
    }
    /** Remove a product's line from a template. 404 `unknown_line`. */
    removeLine(templateId, query) {
        return this.#transport.request("DELETE", `/v1/offer-templates/${quoted(templateId)}/lines`, { query });
    }
    /** List offers, newest first. */
    listOffers(query = {}) {
        return this.#transport.pages(`/v1/offers`, query);
    }
    /** Send an offer to a client. 409 `no_instance`, `external_id_taken`; 422 `unknown_product`; 429 `too_many`. */
    sendOffer(body, options = {}) {
        return this.#transport.request("POST", `/v1/offers`, { ...options, body });
    }
    /** Return an offer with its events, oldest first. */
    getOffer(offerId) {
        return this.#transport.request("GET", `/v1/offers/${quoted(offerId)}`);
    }
    /** Accept an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`. */
    acceptOffer(offerId, options = {}) {
        return this.#transport.request("POST", `/v1/offers/${quoted(offerId)}/accept`, { ...options });
    }
    /** Withdraw an offer. 409 `illegal_transition` with the state. */
    cancelOffer(offerId, options = {}) {
        return this.#transport.request("POST", `/v1/offers/${quoted(offerId)}/cancel`, { ...options });
    }
    /** Send the mail about an offer that awaits a decision again. 409 `illegal_transition`, `not_sendable`. */
    mailOffer(offerId, options = {}) {
        return this.#transport.request("POST", `/v1/offers/${quoted(offerId)}/mail`, { ...options });
    }
    /** Reject an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`. */
    rejectOffer(offerId, options = {}) {
        return this.#transport.request("POST", `/v1/offers/${quoted(offerId)}/reject`, { ...options });
    }
}
export class OrdersCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** Return one order. */
    getOrder(orderId) {
        return this.#transport.request("GET", `/v1/orders/${quoted(orderId)}`);
    }
    /** Cancel an order while its service is being made: credited at once. 409 `illegal_transition` with the state. */
    cancelOrder(orderId, body, options = {}) {
        return this.#transport.request("POST", `/v1/orders/${quoted(orderId)}/cancel`, { ...options, body });
    }
    /** List orders, newest first. */
    listOrders(resellerId, query = {}) {
        return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/orders`, query);
    }
    /** Place an order. Existing `order_ref`: 200, the first order, with `differs`. 422 `unknown_product`, `unknown_promo_code`, `invalid_config`, `invalid_args`, `unknown_task`. 409 `insufficient_balance` with `missing` where balance and credit limit do not cover it; `external_id_taken`, `account_suspended`. */
    placeOrder(resellerId, body, options = {}) {
        return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/orders`, { ...options, body });
    }
}
export class PaymentsCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List imported payments that name no reseller and wait for somebody to assign them, latest first. */
    listUnmatchedPayments(query = {}) {
        return this.#transport.pages(`/v1/payments/unmatched`, query);
    }
    /** Assign a payment to a reseller: 201, or 200 and the first where its reference is known with this content. 409 `already_assigned`, `not_a_reseller`; 422 `programme_mismatch`. */
    assignUnmatchedPayment(unmatchedId, body, options = {}) {
        return this.#transport.request("POST", `/v1/payments/unmatched/${quoted(unmatchedId)}/assign`, { ...options, body });
    }
    /** Take a payment that is no reseller's off the list, with a reason; assigning it takes that back. 409 `already_assigned`. */
    dismissUnmatchedPayment(unmatchedId, body, options = {}) {
        return this.#transport.request("POST", `/v1/payments/unmatched/${quoted(unmatchedId)}/dismiss`, { ...options, body });
    }
    /** Return a payment, to the reseller it counts for. */
    getPayment(paymentId) {
        return this.#transport.request("GET", `/v1/payments/${quoted(paymentId)}`);
    }
    /** List payments, most recently posted first. */
    listPayments(resellerId, query = {}) {
        return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/payments`, query);
    }
    /** Post a payment, also of a former, merged or deleted reseller. Known reference: 200, the first, with `differs`. 422 `currency_mismatch`, `in_future`, `invalid_amount`. */
    postPayment(resellerId, body, options = {}) {
        return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/payments`, { ...options, body });
    }
}
export class ProgrammesCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List applied programmes, ordered by code. */
    listProgrammes() {
        return this.#transport.pages(`/v1/programmes`);
    }
    /** Return a version of a programme, by default the one in force. */
    getProgramme(code, query = {}) {
        return this.#transport.request("GET", `/v1/programmes/${quoted(code)}`, { query });
    }
    /** Apply a programme file, as YAML or JSON in the body, or plan it (`dry_run`). A file that touches more than the guard-rail allows is refused (`approval_required`) with the plan's `hash`, which `approve` names. */
    applyProgramme(code, body, query = {}, options = {}) {
        return this.#transport.request("POST", `/v1/programmes/${quoted(code)}`, { ...options, query, body });
    }
    /** List the versions of a programme, the highest number first. */
    listVersions(code) {
        return this.#transport.pages(`/v1/programmes/${quoted(code)}/versions`);
    }
}
export class QueuesCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List all queues. */
    listQueues() {
        return this.#transport.request("GET", `/v1/queues`);
    }
    /** Pause a queue: no new job starts; running jobs finish. */
    pauseQueue(name, body, options = {}) {
        return this.#transport.request("POST", `/v1/queues/${quoted(name)}/pause`, { ...options, body });
    }
    /** Resume a queue. */
    resumeQueue(name, body, options = {}) {
        return this.#transport.request("POST", `/v1/queues/${quoted(name)}/resume`, { ...options, body });
    }
}
export class ReconciliationCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List gaps, newest first. */
    listGaps(query = {}) {
        return this.#transport.pages(`/v1/reconciliation`, query);
    }
    /** Accept a gap: it is closed and will not be reported again. 409 `mended`. */
    acceptGap(gapId, body, options = {}) {
        return this.#transport.request("POST", `/v1/reconciliation/${quoted(gapId)}/accept`, { ...options, body });
    }
    /** Repair a gap, by a job if needed. 409 `not_mendable`, `mended`. */
    repairGap(gapId, body, options = {}) {
        return this.#transport.request("POST", `/v1/reconciliation/${quoted(gapId)}/repair`, { ...options, body });
    }
}
export class ResellersCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** Delete an account; it can be restored for 30 days. 409 `has_clients`. */
    deleteAccount(accountId) {
        return this.#transport.request("DELETE", `/v1/accounts/${quoted(accountId)}`);
    }
    /** Turn an account into a reseller, free and immediately. 403 `party_refused`; 409 `already_reseller`, `terms_changed`. */
    becomeReseller(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/become-reseller`, { ...options, body });
    }
    /** Restore a deleted account. 409 `not_deleted`, `final`. */
    restoreAccount(accountId, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/restore`, { ...options });
    }
    /** Turn a reseller back into a regular account. 409 `not_a_reseller`, `has_clients`. */
    revertReseller(accountId, body, options = {}) {
        return this.#transport.request("POST", `/v1/accounts/${quoted(accountId)}/revert-reseller`, { ...options, body });
    }
    /** List the reseller's clients in order of creation. */
    listClients(resellerId, query = {}) {
        return this.#transport.pages(`/v1/resellers/${quoted(resellerId)}/clients`, query);
    }
    /** Create a client; its admin gets an activation link. 409 `name_taken`, `not_a_reseller`; 429 `too_many`. */
    createClient(resellerId, body, options = {}) {
        return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/clients`, { ...options, body });
    }
    /** Download the reseller's clients as CSV, UTF-8 with a byte order mark. */
    downloadClientsCsv(resellerId) {
        return this.#transport.download(`/v1/resellers/${quoted(resellerId)}/clients.csv`);
    }
    /** Download the reseller's clients as an Excel workbook. */
    downloadClientsXlsx(resellerId) {
        return this.#transport.download(`/v1/resellers/${quoted(resellerId)}/clients.xlsx`);
    }
    /** Connect an existing account by its password. 403 `bad_credentials`; 409 `has_reseller`; 429 `locked`. */
    connectClient(resellerId, body, options = {}) {
        return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/clients/connect`, { ...options, body });
    }
    /** Disconnect a client: it becomes a regular account. */
    disconnectClient(resellerId, accountId, options = {}) {
        return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/clients/${quoted(accountId)}/disconnect`, { ...options });
    }
    /** Merge a reseller into another, all or nothing. 409 `programme_mismatch`, `conflicts`, `not_a_reseller`. */
    mergeResellers(resellerId, body, options = {}) {
        return this.#transport.request("POST", `/v1/resellers/${quoted(resellerId)}/merge`, { ...options, body });
    }
}
export class SchedulesCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List all schedules. */
    listSchedules() {
        return this.#transport.request("GET", `/v1/schedules`);
    }
    /** Pause a schedule: runs that fall due are skipped. */
    pauseSchedule(name, body, options = {}) {
        return this.#transport.request("POST", `/v1/schedules/${quoted(name)}/pause`, { ...options, body });
    }
    /** Resume a schedule from its next run on. */
    resumeSchedule(name, body, options = {}) {
        return this.#transport.request("POST", `/v1/schedules/${quoted(name)}/resume`, { ...options, body });
    }
    /** Enqueue the schedule's task now; returns the job. */
    runSchedule(name, body, options = {}) {
        return this.#transport.request("POST", `/v1/schedules/${quoted(name)}/run`, { ...options, body });
    }
}
export class ServicesCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List services, newest first. */
    listServices(query = {}) {
        return this.#transport.pages(`/v1/services`, query);
    }
    /** Return a service with its events, oldest first, and its jobs. */
    getService(serviceId) {
        return this.#transport.request("GET", `/v1/services/${quoted(serviceId)}`);
    }
    /** Change quantity or config by a job. 409 `illegal_transition`, `action_under_way`, `insufficient_balance`. */
    changeService(serviceId, body) {
        return this.#transport.request("PATCH", `/v1/services/${quoted(serviceId)}`, { body });
    }
    /** Renew for another term, by an order at the price and discount of now; a known `order_ref` changes nothing. 409 `illegal_transition`, `not_renewable`, `insufficient_balance` with `missing`, `account_suspended`. */
    renewService(serviceId, body, options = {}) {
        return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/renew`, { ...options, body });
    }
    /** Resume what was suspended by hand; what the provider suspended, only the provider. 409 `illegal_transition`. */
    resumeService(serviceId, body, options = {}) {
        return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/resume`, { ...options, body });
    }
    /** Try to make a failed service again, charged again. 409 `illegal_transition`, `insufficient_balance`. */
    retryService(serviceId, body, options = {}) {
        return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/retry`, { ...options, body });
    }
    /** Suspend. 409 `illegal_transition`. */
    suspendService(serviceId, body, options = {}) {
        return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/suspend`, { ...options, body });
    }
    /** End a service now; nothing is paid back. 409 `illegal_transition`. */
    terminateService(serviceId, body, options = {}) {
        return this.#transport.request("POST", `/v1/services/${quoted(serviceId)}/terminate`, { ...options, body });
    }
}
export class TaskTypesCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List all task types, by name. */
    listTaskTypes() {
        return this.#transport.request("GET", `/v1/task-types`);
    }
    /** Return the newest version of a task type. */
    getTaskType(name) {
        return this.#transport.request("GET", `/v1/task-types/${quoted(name)}`);
    }
    /** Declare a task type or change it; the secret of a new push handler is shown once. 422 `reserved_name`, `invalid_schema`, `forbidden_address`. */
    putTaskType(name, body) {
        return this.#transport.request("PUT", `/v1/task-types/${quoted(name)}`, { body });
    }
    /** Delete a task type. 409 `in_use` while jobs of it are not finished. */
    deleteTaskType(name) {
        return this.#transport.request("DELETE", `/v1/task-types/${quoted(name)}`);
    }
    /** Make a new secret for the handler; the former one also signs for 24 h. */
    rotateTaskType(name, options = {}) {
        return this.#transport.request("POST", `/v1/task-types/${quoted(name)}/rotate`, { ...options });
    }
}
export class WebhooksCalls {
    #transport;
    constructor(transport) {
        this.#transport = transport;
    }
    /** List endpoints, newest first. */
    listEndpoints(query = {}) {
        return this.#transport.pages(`/v1/webhook-endpoints`, query);
    }
    /** Create an endpoint. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`, `invalid_secret`. */
    createEndpoint(body, options = {}) {
        return this.#transport.request("POST", `/v1/webhook-endpoints`, { ...options, body });
    }
    /** Return an endpoint. */
    getEndpoint(endpointId) {
        return this.#transport.request("GET", `/v1/webhook-endpoints/${quoted(endpointId)}`);
    }
    /** Change URL or events. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`. */
    changeEndpoint(endpointId, body) {
        return this.#transport.request("PATCH", `/v1/webhook-endpoints/${quoted(endpointId)}`, { body });
    }
    /** Delete an endpoint. */
    deleteEndpoint(endpointId) {
        return this.#transport.request("DELETE", `/v1/webhook-endpoints/${quoted(endpointId)}`);
    }
    /** List deliveries, newest first. */
    listDeliveries(endpointId, query = {}) {
        return this.#transport.pages(`/v1/webhook-endpoints/${quoted(endpointId)}/deliveries`, query);
    }
    /** Deliver events again with their original ids; enables a disabled endpoint. */
    replayEndpoint(endpointId, body, options = {}) {
        return this.#transport.request("POST", `/v1/webhook-endpoints/${quoted(endpointId)}/replay`, { ...options, body });
    }
    /** Rotate the secret; the previous one also signs for 24 h. */
    rotateSecret(endpointId, options = {}) {
        return this.#transport.request("POST", `/v1/webhook-endpoints/${quoted(endpointId)}/rotate`, { ...options });
    }
    /** Send a `webhook.test` event. 409 `endpoint_disabled`. */
    testEndpoint(endpointId, options = {}) {
        return this.#transport.request("POST", `/v1/webhook-endpoints/${quoted(endpointId)}/test`, { ...options });
    }
}
/** All calls. */
export class Resources {
    accountBook;
    accounts;
    clock;
    discounts;
    domains;
    events;
    fees;
    jobs;
    keys;
    lanes;
    leases;
    mails;
    members;
    offers;
    orders;
    payments;
    programmes;
    queues;
    reconciliation;
    resellers;
    schedules;
    services;
    taskTypes;
    webhooks;
    constructor(transport) {
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
