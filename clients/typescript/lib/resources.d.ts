/** The calls of the API, by resource. Generated from docs/openapi.json by `python -m devtools.client_code`; do not edit. */
import type { Transport } from "./transport.js";
import type * as types from "./types.js";
interface PostOptions {
    /** Made by itself; pass one to keep it over a restart of your program. */
    idempotencyKey?: string;
}
export declare class AccountBookCalls {
    #private;
    constructor(transport: Transport);
    /** List the lines of the book by (`at`, number), each with the balance after it. */
    readAccountBook(resellerId: string, query?: {
        from?: string;
        to?: string;
        as_recorded?: string;
    }): AsyncGenerator<types.BookLineOut, void, undefined>;
}
export declare class AccountsCalls {
    #private;
    constructor(transport: Transport);
    /** List accounts in order of creation. */
    listAccounts(query?: {
        created_after?: string;
        created_before?: string;
        q?: string;
        external_id?: string;
        name?: string;
        admin_email?: string;
        plan?: string;
        trial?: types.TrialState;
        over_quota?: boolean;
        read_only?: boolean;
        open_offer?: boolean;
        instance?: types.InstanceState;
        suspended?: boolean;
        programme?: string;
        kind?: types.AccountKind;
        reseller?: string;
    }): AsyncGenerator<types.AccountOut, void, undefined>;
    /** Create an account on the free plan. 409 `name_taken`, `external_id_taken`. */
    createAccount(body: types.AccountIn, options?: PostOptions): Promise<types.AccountOut>;
    /** Return an account. */
    getAccount(accountId: string): Promise<types.AccountOut>;
    /** Change the given fields. 409 `name_taken`, `external_id_taken`, `account_deleted`; 429 `too_many` addresses. */
    changeAccount(accountId: string, body: types.AccountPatch): Promise<types.AccountOut>;
    /** Resend the activation mail. 409 `already_activated`; 429 `too_many`. */
    sendActivation(accountId: string, options?: PostOptions): Promise<types.InvitedOut>;
    /** Return the brand settings; to a key of the account itself the brand in force, for its service to show. */
    getBrand(accountId: string): Promise<types.BrandOut | types.OwnBrandOut>;
    /** Replace the brand; new domains must be verified, images fetched. 422 `name_taken`, `forbidden_address`. */
    putBrand(accountId: string, body: types.BrandIn): Promise<types.BrandOut>;
    /** Return the account's instance, without its secret. 404 `no_instance`. */
    getInstance(accountId: string): Promise<types.InstanceOut>;
    /** Set the URL of the account's instance. 422 `forbidden_address`. */
    putInstance(accountId: string, body: types.InstanceIn): Promise<types.InstanceSecretOut>;
    /** Delete the account's instance: nothing is sent to it any more. 404 `no_instance`. */
    deleteInstance(accountId: string): Promise<types.InstanceOut>;
    /** Send a signed `ping`; an answer 2xx closes the lane's breaker. 404 `no_instance`. */
    testInstance(accountId: string, options?: PostOptions): Promise<types.PingOut>;
    /** Lift a suspension: one's own, an operator any; of a reseller also what it alone brought to its clients. */
    resumeAccount(accountId: string, body: types.SuspensionIn, options?: PostOptions): Promise<types.AccountOut>;
    /** Suspend an account, a reseller with all its clients. 409 `account_deleted`. */
    suspendAccount(accountId: string, body: types.SuspensionIn, options?: PostOptions): Promise<types.AccountOut>;
    /** Start the account's one trial. 409 `trial_used`, `already_subscribed`, `no_trial`. */
    startTrial(accountId: string, options?: PostOptions): Promise<types.StartedTrialOut>;
    /** Report usage; reports may be late, repeated or out of order. 409 `account_deleted`. */
    reportUsage(accountId: string, body: types.UsageReportIn, options?: PostOptions): Promise<types.ReportedUsageOut>;
}
export declare class ClockCalls {
    #private;
    constructor(transport: Transport);
    /** Return the time that every process uses. */
    getClock(): Promise<types.ClockOut>;
    /** Move the time that every process uses. 409 `clock_backwards`. */
    setClock(body: types.ClockIn, options?: PostOptions): Promise<types.ClockOut | types.UnsettledOut>;
}
export declare class DiscountsCalls {
    #private;
    constructor(transport: Transport);
    /** List runs, newest first. */
    listRuns(query?: {
        programme?: string;
        state?: types.RunState;
        day?: string;
    }): AsyncGenerator<types.DiscountRunOut, void, undefined>;
    /** Start a run for today as jobs; a dry run returns its result. 422 `no_turnover_discount`. */
    beginRun(body: types.DiscountRunIn, options?: PostOptions): Promise<types.DiscountRunPreviewOut | types.DiscountRunOut>;
    /** Return a run with its totals. */
    getRun(runId: string): Promise<types.DiscountRunOut>;
    /** Approve a held run: it records discounts and sends mails. 409 `not_held` with the state. */
    approveRun(runId: string, body?: types.ActionIn, options?: PostOptions): Promise<types.DiscountRunOut>;
    /** List resellers that change tier in a run, ordered by id. */
    listMovers(runId: string): AsyncGenerator<types.MoverOut, void, undefined>;
    /** Reject a held run: it records nothing. 409 `not_held` with the state. */
    rejectRun(runId: string, body?: types.ActionIn, options?: PostOptions): Promise<types.DiscountRunOut>;
    /** Return turnover, tier and percentages of a local day, their derivation, and tomorrow's. 409 `not_a_reseller`. */
    getDiscount(resellerId: string, query?: {
        as_of?: string;
        pay?: string;
    }): Promise<types.DiscountOut>;
}
export declare class DomainsCalls {
    #private;
    constructor(transport: Transport);
    /** List the domains that an account claims, of a client those of its own brand, each with its DNS record. */
    listDomains(query?: {
        account?: string;
    }): Promise<types.PageOut_DomainOut_>;
    /** Look up a domain's TXT record for one claimant. 422 `account_required` if several claim it. */
    checkDomain(domain: string, query?: {
        account?: string;
    }, options?: PostOptions): Promise<types.DomainOut>;
}
export declare class EventsCalls {
    #private;
    constructor(transport: Transport);
    /** List events, oldest first; continuing from the last one skips none. */
    listEvents(query?: {
        after?: number;
    }): AsyncGenerator<types.EventOut, void, undefined>;
}
export declare class FeesCalls {
    #private;
    constructor(transport: Transport);
    /** List charges that the account pays itself; charges paid by its reseller belong to the reseller. */
    listAccountCharges(accountId: string, query?: {
        from?: string;
        to?: string;
    }): AsyncGenerator<types.ChargeOut, void, undefined>;
    /** List products assigned to the account today, ordered by product. */
    listAssignments(accountId: string): AsyncGenerator<types.AssignmentOut, void, undefined>;
    /** Assign a product and charge its first period. Already assigned: 200, unchanged, a planned end is cancelled. 404 `unknown_product`; 409 `not_multiple`, `not_a_client`; 422 `not_recurring`. */
    assignProduct(accountId: string, body: types.AssignmentIn, options?: PostOptions): Promise<types.AssignmentOut>;
    /** Set the retail fee. A fee below cost is flagged and the reseller is notified. */
    changeAssignment(accountId: string, product: string, body: types.AssignmentPatch): Promise<types.AssignmentOut>;
    /** End the assignment with its paid period; assigning the product again before then cancels the end. */
    unassignProduct(accountId: string, product: string): Promise<types.AssignmentOut>;
    /** Return the account with its current paid plan, if any. */
    getSubscription(accountId: string): Promise<types.SubscribedAccountOut>;
    /** Change plan: upgrades start a new period today, others follow at the period's end. 422 `unknown_plan`. With `dry_run` the answer is `{charge, credit, at}`, and nothing changes. */
    putSubscription(accountId: string, body: types.PlanIn): Promise<types.SubscribedAccountOut | types.PlanQuoteOut>;
    /** End the paid plan with its paid period; no effect on the free plan. */
    cancelSubscription(accountId: string): Promise<types.SubscribedAccountOut>;
    /** Return one charge or credit, to who pays it. */
    getCharge(chargeId: string): Promise<types.ChargeOut>;
    /** Void a charge, with a reason. 409 `already_void`. */
    voidCharge(chargeId: string, body: types.VoidIn, options?: PostOptions): Promise<types.ChargeOut>;
    /** List charges that the reseller pays for its clients, ordered by period start. */
    listResellerCharges(resellerId: string, query?: {
        from?: string;
        to?: string;
    }): AsyncGenerator<types.ChargeOut, void, undefined>;
    /** List products that the reseller can sell, with fees, ordered by code. */
    listProducts(resellerId: string): AsyncGenerator<types.ProductOut, void, undefined>;
    /** Change name or recommended retail fee of a product that the reseller manages. 403 `managed_by_provider`. */
    changeProduct(resellerId: string, product: string, body: types.ProductPatch): Promise<types.ProductOut>;
}
export declare class JobsCalls {
    #private;
    constructor(transport: Transport);
    /** Search jobs, newest first; without a time filter, only jobs of the last seven days. */
    listJobs(query?: {
        state?: Array<types.JobState>;
        task?: string;
        queue?: string;
        tenant?: string;
        external_id?: string;
        created_after?: string;
        created_before?: string;
    }): AsyncGenerator<types.JobOut, void, undefined>;
    /** Enqueue a job, or return the unfinished one with its `unique_key`; optionally wait for the result. 403 `task_internal` for Kontor's own tasks, whatever the key; `task_not_public` for a bound key. */
    enqueueJob(body: types.JobIn, query?: {
        wait?: number;
    }, options?: PostOptions): Promise<types.JobOut>;
    /** Enqueue up to 10,000 jobs, all or none. */
    enqueueJobs(body: types.JobsIn, options?: PostOptions): Promise<types.JobIdsOut>;
    /** Retry or cancel all matching jobs; a dry run counts them per task and tenant. */
    actOnJobs(body: types.BulkIn, options?: PostOptions): Promise<types.BulkOut | types.JobOut>;
    /** Return a job with its attempts. */
    getJob(jobId: string): Promise<types.JobOut>;
    /** Cancel a waiting job, or ask a running one to stop. 409 `not_cancellable` with the state. 202 if the job is locked, for example by its own transaction: it is cancelled as soon as it no longer is. */
    cancelJob(jobId: string, body?: types.ActionIn, options?: PostOptions): Promise<types.JobOut>;
    /** Retry a dead, retrying or cancelled job now. 409 `not_retryable` with the state, `busy` if it is locked. */
    retryJob(jobId: string, body?: types.ActionIn, options?: PostOptions): Promise<types.JobOut>;
    /** List tasks; a bound key sees those it can enqueue. */
    listTasks(): Promise<types.PageOut_TaskOut_>;
}
export declare class KeysCalls {
    #private;
    constructor(transport: Transport);
    /** List keys, newest first, including revoked ones; a bound key sees those bound to it and to its clients. */
    listKeys(): AsyncGenerator<types.KeyOut, void, undefined>;
    /** Create a key. A bound key makes keys for itself or its clients, with no more scopes than it has. */
    createKey(body: types.KeyIn, options?: PostOptions): Promise<types.NewKeyOut>;
    /** Revoke a key at once; a repeat changes nothing. An unbound key without `admin` revokes none with more scopes. */
    revokeKey(keyId: string): Promise<types.KeyOut>;
}
export declare class LanesCalls {
    #private;
    constructor(transport: Transport);
    /** List lanes by name. */
    listLanes(query?: {
        state?: types.LaneState;
    }): AsyncGenerator<types.LaneOut, void, undefined>;
    /** Hold a lane: no job starts until it is released. 409 `already_held`. */
    holdLane(name: string, body?: types.ActionIn, options?: PostOptions): Promise<types.LaneOut>;
    /** Let an open lane send its next job now, and ping its instance. 409 `not_open`. */
    probeLane(name: string, body?: types.ActionIn, options?: PostOptions): Promise<types.LaneOut>;
    /** End a hold: the next job is sent as a probe, and an instance gets a `ping`. 409 `not_held`. */
    releaseLane(name: string, body?: types.ActionIn, options?: PostOptions): Promise<types.LaneOut>;
}
export declare class LeasesCalls {
    #private;
    constructor(transport: Transport);
    /** Lease jobs of pull types; `[]` when there is none after `wait` seconds. */
    leaseJobs(body: types.LeaseIn, options?: PostOptions): Promise<types.LeasesOut>;
    /** Record success; a second time the first one's answer. 409 `lease_lost`, 422 `result_too_large`. */
    complete(leaseId: string, body?: types.CompleteIn, options?: PostOptions): Promise<types.EndedOut>;
    /** Record a failed attempt. 409 `lease_lost`. */
    fail(leaseId: string, body: types.FailIn, options?: PostOptions): Promise<types.EndedOut>;
    /** Prolong a lease by 60 s. 409 `lease_lost`. */
    heartbeat(leaseId: string, options?: PostOptions): Promise<types.BeatOut>;
    /** Give the job back; uses no attempt. 409 `lease_lost`. */
    release(leaseId: string, options?: PostOptions): Promise<types.EndedOut>;
    /** Let the job run again later; uses no attempt. 409 `lease_lost`. */
    snooze(leaseId: string, body: types.SnoozeIn, options?: PostOptions): Promise<types.EndedOut>;
}
export declare class MailsCalls {
    #private;
    constructor(transport: Transport);
    /** List mails, newest first. */
    listMails(query?: {
        created_after?: string;
        created_before?: string;
        account?: string;
        template?: string;
        state?: Array<types.MailState>;
    }): AsyncGenerator<types.MailOut, void, undefined>;
    /** Return a mail; to an unbound key with the scope `operate` including its source. */
    getMail(mailId: string): Promise<types.MailOut>;
}
export declare class MembersCalls {
    #private;
    constructor(transport: Transport);
    /** List the owner, then the members, oldest first. */
    listMembers(accountId: string): AsyncGenerator<types.MemberOut, void, undefined>;
    /** Add a member and mail an invitation; one that the client's reseller invites decides no offer. 409 `member_exists`; 429 `too_many` invitations to the address. */
    addMember(accountId: string, body: types.MemberIn, options?: PostOptions): Promise<types.InvitedMemberOut>;
    /** Change name, locale or role. 409 `owner_fixed`. */
    changeMember(accountId: string, memberId: string, body: types.MemberPatch): Promise<types.MemberOut>;
    /** Remove a member: sessions and links end with it. 409 `owner_fixed`. */
    removeMember(accountId: string, memberId: string): Promise<types.MemberOut>;
    /** Make a link to the portal that signs in once, within 5 minutes; with `embed` the updates, for 60 minutes. One that the client's reseller asked for decides no offer. 409 `account_deleted`, `account_suspended`. */
    createPortalSession(accountId: string, body: types.PortalSessionIn, options?: PostOptions): Promise<types.PortalSessionOut>;
}
export declare class OffersCalls {
    #private;
    constructor(transport: Transport);
    /** Return how many offers await the account's decision; to a reseller of its own. */
    readBadge(accountId: string): Promise<types.BadgeOut>;
    /** Settle an objection to the account's address: its held offers go on. 409 `not_held`. */
    freeOffers(accountId: string, body: types.FreeOffersIn, options?: PostOptions): Promise<types.FreedOffersOut>;
    /** List the account's licences, ordered by product. */
    listLicences(accountId: string): AsyncGenerator<types.LicenceOut, void, undefined>;
    /** List offers for the customer's admin: open ones first, then the last 20 decided; to a reseller its own. */
    listUpdates(accountId: string): AsyncGenerator<types.OfferOut, void, undefined>;
    /** List templates, newest first. */
    listTemplates(query?: {
        reseller?: string;
    }): AsyncGenerator<types.TemplateOut, void, undefined>;
    /** Create a template. 409 `name_taken`; 422 `unknown_product`. */
    createTemplate(body: types.TemplateIn, options?: PostOptions): Promise<types.TemplateOut>;
    /** Return a template. */
    getTemplate(templateId: string): Promise<types.TemplateOut>;
    /** Replace a template's name and lines; offers already sent keep theirs. */
    putTemplate(templateId: string, body: types.TemplateUpdate): Promise<types.TemplateOut>;
    /** Delete a template; returns its last state. */
    deleteTemplate(templateId: string): Promise<types.TemplateOut>;
    /** Add a line to a template, in place of that product's. 422 `unknown_product`. */
    addLine(templateId: string, body: types.LineIn, options?: PostOptions): Promise<types.TemplateOut>;
    /** Remove a product's line from a template. 404 `unknown_line`. */
    removeLine(templateId: string, query: {
        product: string;
    }): Promise<types.TemplateOut>;
    /** List offers, newest first. */
    listOffers(query?: {
        created_after?: string;
        created_before?: string;
        reseller?: string;
        account?: string;
        state?: types.OfferState;
        external_id?: string;
    }): AsyncGenerator<types.OfferOut, void, undefined>;
    /** Send an offer to a client. 409 `no_instance`, `external_id_taken`; 422 `unknown_product`; 429 `too_many`. */
    sendOffer(body: types.OfferIn, options?: PostOptions): Promise<types.SentOfferOut>;
    /** Return an offer with its events, oldest first. */
    getOffer(offerId: string): Promise<types.OfferOut>;
    /** Accept an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`. */
    acceptOffer(offerId: string, options?: PostOptions): Promise<types.OfferOut>;
    /** Withdraw an offer. 409 `illegal_transition` with the state. */
    cancelOffer(offerId: string, options?: PostOptions): Promise<types.OfferOut>;
    /** Send the mail about an offer that awaits a decision again. 409 `illegal_transition`, `not_sendable`. */
    mailOffer(offerId: string, options?: PostOptions): Promise<types.OfferOut>;
    /** Reject an offer, with the client's own key or on its behalf. 409 `illegal_transition`, `offer_held`. */
    rejectOffer(offerId: string, options?: PostOptions): Promise<types.OfferOut>;
}
export declare class OrdersCalls {
    #private;
    constructor(transport: Transport);
    /** Return one order. */
    getOrder(orderId: string): Promise<types.OrderOut>;
    /** Cancel an order while its service is being made: credited at once. 409 `illegal_transition` with the state. */
    cancelOrder(orderId: string, body?: types.CancelIn, options?: PostOptions): Promise<types.OrderOut>;
    /** List orders, newest first. */
    listOrders(resellerId: string, query?: {
        created_after?: string;
        created_before?: string;
        state?: types.OrderState;
        external_id?: string;
    }): AsyncGenerator<types.OrderOut, void, undefined>;
    /** Place an order. Existing `order_ref`: 200, the first order, with `differs`. 422 `unknown_product`, `unknown_promo_code`, `invalid_config`, `invalid_args`, `unknown_task`. 409 `insufficient_balance` with `missing` where balance and credit limit do not cover it; `external_id_taken`, `account_suspended`. */
    placeOrder(resellerId: string, body: types.OrderIn, options?: PostOptions): Promise<types.OrderOut>;
}
export declare class PaymentsCalls {
    #private;
    constructor(transport: Transport);
    /** List imported payments that name no reseller and wait for somebody to assign them, latest first. */
    listUnmatchedPayments(query?: {
        programme?: string;
        dismissed?: boolean;
    }): AsyncGenerator<types.UnmatchedPaymentOut, void, undefined>;
    /** Assign a payment to a reseller: 201, or 200 and the first where its reference is known with this content. 409 `already_assigned`, `not_a_reseller`; 422 `programme_mismatch`. */
    assignUnmatchedPayment(unmatchedId: string, body: types.PayeeIn, options?: PostOptions): Promise<types.PaymentOut>;
    /** Take a payment that is no reseller's off the list, with a reason; assigning it takes that back. 409 `already_assigned`. */
    dismissUnmatchedPayment(unmatchedId: string, body: types.DismissIn, options?: PostOptions): Promise<types.UnmatchedPaymentOut>;
    /** Return a payment, to the reseller it counts for. */
    getPayment(paymentId: string): Promise<types.PaymentOut>;
    /** List payments, most recently posted first. */
    listPayments(resellerId: string, query?: {
        kind?: types.PaymentKind;
        reference?: string;
        from?: string;
        to?: string;
    }): AsyncGenerator<types.PaymentOut, void, undefined>;
    /** Post a payment, also of a former, merged or deleted reseller. Known reference: 200, the first, with `differs`. 422 `currency_mismatch`, `in_future`, `invalid_amount`. */
    postPayment(resellerId: string, body: types.PaymentIn, options?: PostOptions): Promise<types.PaymentOut>;
}
export declare class ProgrammesCalls {
    #private;
    constructor(transport: Transport);
    /** List applied programmes, ordered by code. */
    listProgrammes(): AsyncGenerator<types.ProgrammeOut, void, undefined>;
    /** Return a version of a programme, by default the one in force. */
    getProgramme(code: string, query?: {
        version?: number;
        against?: number;
    }): Promise<types.ProgrammeOut>;
    /** Apply a programme file, as YAML or JSON in the body, or plan it (`dry_run`). A file that touches more than the guard-rail allows is refused (`approval_required`) with the plan's `hash`, which `approve` names. */
    applyProgramme(code: string, body: Record<string, unknown>, query?: {
        dry_run?: boolean;
        approve?: string;
        effective?: string;
        reason?: string;
    }, options?: PostOptions): Promise<types.PlanOut>;
    /** List the versions of a programme, the highest number first. */
    listVersions(code: string): AsyncGenerator<types.VersionOut, void, undefined>;
}
export declare class QueuesCalls {
    #private;
    constructor(transport: Transport);
    /** List all queues. */
    listQueues(): Promise<types.PageOut_QueueOut_>;
    /** Pause a queue: no new job starts; running jobs finish. */
    pauseQueue(name: string, body?: types.ActionIn, options?: PostOptions): Promise<types.QueueOut>;
    /** Resume a queue. */
    resumeQueue(name: string, body?: types.ActionIn, options?: PostOptions): Promise<types.QueueOut>;
}
export declare class ReconciliationCalls {
    #private;
    constructor(transport: Transport);
    /** List gaps, newest first. */
    listGaps(query?: {
        kind?: types.GapKind;
        open?: boolean;
    }): AsyncGenerator<types.GapOut, void, undefined>;
    /** Accept a gap: it is closed and will not be reported again. 409 `mended`. */
    acceptGap(gapId: string, body?: types.ActionIn, options?: PostOptions): Promise<types.GapOut>;
    /** Repair a gap, by a job if needed. 409 `not_mendable`, `mended`. */
    repairGap(gapId: string, body?: types.ActionIn, options?: PostOptions): Promise<types.GapOut>;
}
export declare class ResellersCalls {
    #private;
    constructor(transport: Transport);
    /** Delete an account; it can be restored for 30 days. 409 `has_clients`. */
    deleteAccount(accountId: string): Promise<types.AccountOut>;
    /** Turn an account into a reseller, free and immediately. 403 `party_refused`; 409 `already_reseller`, `terms_changed`. */
    becomeReseller(accountId: string, body?: types.BecomeResellerIn, options?: PostOptions): Promise<types.ResellerOut>;
    /** Restore a deleted account. 409 `not_deleted`, `final`. */
    restoreAccount(accountId: string, options?: PostOptions): Promise<types.AccountOut>;
    /** Turn a reseller back into a regular account. 409 `not_a_reseller`, `has_clients`. */
    revertReseller(accountId: string, body?: types.RevertIn, options?: PostOptions): Promise<types.AccountOut>;
    /** List the reseller's clients in order of creation. */
    listClients(resellerId: string, query?: {
        created_after?: string;
        created_before?: string;
        q?: string;
        external_id?: string;
        name?: string;
        admin_email?: string;
        plan?: string;
        trial?: types.TrialState;
        over_quota?: boolean;
        read_only?: boolean;
        open_offer?: boolean;
        instance?: types.InstanceState;
        suspended?: boolean;
    }): AsyncGenerator<types.AccountOut, void, undefined>;
    /** Create a client; its admin gets an activation link. 409 `name_taken`, `not_a_reseller`; 429 `too_many`. */
    createClient(resellerId: string, body: types.ClientIn, options?: PostOptions): Promise<types.InvitedOut>;
    /** Download the reseller's clients as CSV, UTF-8 with a byte order mark. */
    downloadClientsCsv(resellerId: string): Promise<Uint8Array>;
    /** Download the reseller's clients as an Excel workbook. */
    downloadClientsXlsx(resellerId: string): Promise<Uint8Array>;
    /** Connect an existing account by its password. 403 `bad_credentials`; 409 `has_reseller`; 429 `locked`. */
    connectClient(resellerId: string, body: types.ClientCredentials, options?: PostOptions): Promise<types.AccountOut>;
    /** Disconnect a client: it becomes a regular account. */
    disconnectClient(resellerId: string, accountId: string, options?: PostOptions): Promise<types.AccountOut>;
    /** Merge a reseller into another, all or nothing. 409 `programme_mismatch`, `conflicts`, `not_a_reseller`. */
    mergeResellers(resellerId: string, body: types.MergeIn, options?: PostOptions): Promise<types.MergeReportOut | types.MergeOut>;
}
export declare class SchedulesCalls {
    #private;
    constructor(transport: Transport);
    /** List all schedules. */
    listSchedules(): Promise<types.PageOut_ScheduleOut_>;
    /** Pause a schedule: runs that fall due are skipped. */
    pauseSchedule(name: string, body?: types.ActionIn, options?: PostOptions): Promise<types.ScheduleOut>;
    /** Resume a schedule from its next run on. */
    resumeSchedule(name: string, body?: types.ActionIn, options?: PostOptions): Promise<types.ScheduleOut>;
    /** Enqueue the schedule's task now; returns the job. */
    runSchedule(name: string, body?: types.ActionIn, options?: PostOptions): Promise<types.JobOut>;
}
export declare class ServicesCalls {
    #private;
    constructor(transport: Transport);
    /** List services, newest first. */
    listServices(query?: {
        created_after?: string;
        created_before?: string;
        reseller?: string;
        account?: string;
        state?: types.ServiceState;
        product?: string;
        external_id?: string;
    }): AsyncGenerator<types.ServiceOut, void, undefined>;
    /** Return a service with its events, oldest first, and its jobs. */
    getService(serviceId: string): Promise<types.ServiceWithJobsOut>;
    /** Change quantity or config by a job. 409 `illegal_transition`, `action_under_way`, `insufficient_balance`. */
    changeService(serviceId: string, body: types.ServiceUpdate): Promise<types.ServiceWithJobsOut>;
    /** Renew for another term, by an order at the price and discount of now; a known `order_ref` changes nothing. 409 `illegal_transition`, `not_renewable`, `insufficient_balance` with `missing`, `account_suspended`. */
    renewService(serviceId: string, body?: types.RenewIn, options?: PostOptions): Promise<types.ServiceWithJobsOut>;
    /** Resume what was suspended by hand; what the provider suspended, only the provider. 409 `illegal_transition`. */
    resumeService(serviceId: string, body?: types.ServiceVerbIn, options?: PostOptions): Promise<types.ServiceWithJobsOut>;
    /** Try to make a failed service again, charged again. 409 `illegal_transition`, `insufficient_balance`. */
    retryService(serviceId: string, body?: types.ServiceVerbIn, options?: PostOptions): Promise<types.ServiceWithJobsOut>;
    /** Suspend. 409 `illegal_transition`. */
    suspendService(serviceId: string, body?: types.ServiceVerbIn, options?: PostOptions): Promise<types.ServiceWithJobsOut>;
    /** End a service now; nothing is paid back. 409 `illegal_transition`. */
    terminateService(serviceId: string, body?: types.ServiceVerbIn, options?: PostOptions): Promise<types.ServiceWithJobsOut>;
}
export declare class TaskTypesCalls {
    #private;
    constructor(transport: Transport);
    /** List all task types, by name. */
    listTaskTypes(): Promise<types.PageOut_TaskTypeOut_>;
    /** Return the newest version of a task type. */
    getTaskType(name: string): Promise<types.TaskTypeOut>;
    /** Declare a task type or change it; the secret of a new push handler is shown once. 422 `reserved_name`, `invalid_schema`, `forbidden_address`. */
    putTaskType(name: string, body: types.TaskTypeIn): Promise<types.TaskTypeSecretOut>;
    /** Delete a task type. 409 `in_use` while jobs of it are not finished. */
    deleteTaskType(name: string): Promise<types.TaskTypeOut>;
    /** Make a new secret for the handler; the former one also signs for 24 h. */
    rotateTaskType(name: string, options?: PostOptions): Promise<types.TaskTypeSecretOut>;
}
export declare class WebhooksCalls {
    #private;
    constructor(transport: Transport);
    /** List endpoints, newest first. */
    listEndpoints(query?: {
        reseller?: string;
    }): AsyncGenerator<types.WebhookEndpointOut, void, undefined>;
    /** Create an endpoint. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`, `invalid_secret`. */
    createEndpoint(body: types.WebhookEndpointIn, options?: PostOptions): Promise<types.WebhookEndpointSecretOut>;
    /** Return an endpoint. */
    getEndpoint(endpointId: string): Promise<types.WebhookEndpointOut>;
    /** Change URL or events. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`. */
    changeEndpoint(endpointId: string, body: types.WebhookEndpointPatch): Promise<types.WebhookEndpointOut>;
    /** Delete an endpoint. */
    deleteEndpoint(endpointId: string): Promise<types.WebhookEndpointOut>;
    /** List deliveries, newest first. */
    listDeliveries(endpointId: string, query?: {
        created_after?: string;
        created_before?: string;
        state?: types.DeliveryState;
    }): AsyncGenerator<types.WebhookDeliveryOut, void, undefined>;
    /** Deliver events again with their original ids; enables a disabled endpoint. */
    replayEndpoint(endpointId: string, body?: types.ReplayIn, options?: PostOptions): Promise<types.ReplayOut>;
    /** Rotate the secret; the previous one also signs for 24 h. */
    rotateSecret(endpointId: string, options?: PostOptions): Promise<types.WebhookEndpointSecretOut>;
    /** Send a `webhook.test` event. 409 `endpoint_disabled`. */
    testEndpoint(endpointId: string, options?: PostOptions): Promise<types.WebhookDeliveryOut>;
}
/** All calls. */
export declare class Resources {
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
    constructor(transport: Transport);
}
export {};
