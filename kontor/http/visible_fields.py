"""The visibility of each field of each response, and of each event's data (security.md 1.3, contract.md 7).

A field that stands nowhere here is for operators alone, and a test names it. `decider`: the account itself and
operators, not its reseller. Opaque members (a programme's document, a job's args) are cut where they are built.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Fields:
    """Names separated by blanks, by who sees them; `trade`: resellers and operators, `staff`: operators alone."""

    everyone: str = ""
    trade: str = ""
    decider: str = ""
    staff: str = ""

    def by_group(self) -> Iterator[tuple[str, list[str]]]:
        """Return each group with its names."""
        return ((each.name, getattr(self, each.name).split()) for each in fields(self))


RESPONSES: Final[Mapping[str, Fields]] = {
    # wire
    "PageOut": Fields(everyone="items next"),
    "MoneyOut": Fields(everyone="amount currency"),
    "FieldProblemOut": Fields(everyone="loc msg"),
    # jobs
    "JobIdsOut": Fields(everyone="ids"),
    "AttemptOut": Fields(everyone="number started_at ended_at outcome error", staff="worker"),
    "JobOut": Fields(
        everyone="id task queue tenant state priority args args_truncated attempt max_attempts run_at created_at"
        " started_at finished_at result result_truncated error attempts unique_key reason parent_id trace_id"
        " deduplicated"
    ),
    "JobPageOut": Fields(everyone="partial"),
    "RetryPolicyOut": Fields(everyone="max_attempts base_seconds cap_seconds"),
    "TaskOut": Fields(everyone="name queue public internal kind args retry crash due_by_seconds"),
    "PulledJobOut": Fields(everyone="id task attempt args account reseller external_id"),
    "LeaseOut": Fields(everyone="lease expires_at job token"),
    "LeasesOut": Fields(everyone="items"),
    "BeatOut": Fields(everyone="expires_at cancel_requested"),
    "EndedOut": Fields(everyone="job ended"),
    "TaskTypeOut": Fields(
        staff="name version args queue handler public retry crash lane time_limit due_by compensate then applied_at"
        " applied_by",
    ),
    "TaskTypeSecretOut": Fields(staff="secret"),
    "BulkCountOut": Fields(everyone="task tenant count"),
    "BulkOut": Fields(everyone="action total counts partial"),
    "ClockOut": Fields(staff="now"),
    "DueWorkOut": Fields(staff="jobs schedules probes"),
    "UnsettledOut": Fields(staff="due"),
    "QueueOut": Fields(
        staff="name paused scheduled queued running retrying dead oldest_queued_seconds estimated",
    ),
    "LaneOut": Fields(staff="name account_id state failures waiting dead since next_try_at last_error"),
    "OccurrenceOut": Fields(staff="slot due_at fired_at job_id skipped"),
    "ScheduleOut": Fields(staff="name cron timezone misfire task paused last next error"),
    "GapOut": Fields(
        staff="id kind subject detail remedy mendable since seen_at mended_at accepted_by job_id",
    ),
    "OverrideOut": Fields(staff="subject value set_by set_at"),
    "BusiestOut": Fields(staff="subject count"),
    "LimitOut": Fields(staff="name what value default window per beyond overrides busiest"),
    # accounts
    "TrialOut": Fields(everyone="state ends_at"),
    "UsageOut": Fields(everyone="value limit"),
    "ReportedUsageOut": Fields(everyone="metric repeated"),
    "StartedTrialOut": Fields(everyone="ends_at"),
    "AcceptedTermsOut": Fields(trade="version accepted_at"),
    "AccountOut": Fields(
        everyone="id programme name kind party reseller_id admin_email locale timezone home_url plan features"
        " trial usage read_only suspended instance services activated_at deleted_at created_at",
        trade="terms external_id metadata",
        decider="badge_token",
    ),
    "AccountServiceOut": Fields(everyone="id state since paid_until result", trade="product"),
    "ResellerOut": Fields(everyone="disconnected_from"),
    "InvitedOut": Fields(everyone="mail"),
    "InstanceSecretOut": Fields(everyone="url secret"),
    "InstanceStateOut": Fields(everyone="state"),
    "InstanceOut": Fields(everyone="url created_at updated_at"),
    "PingOut": Fields(everyone="job_id"),
    "MemberOut": Fields(everyone="id email name locale role confirmed"),
    "InvitedMemberOut": Fields(everyone="mail"),
    "PortalSessionOut": Fields(everyone="url expires_at"),
    "DnsRecordOut": Fields(trade="name type value"),
    "DomainOut": Fields(
        trade="account_id domain verified verified_at verified_by checked_at last_error record",
    ),
    "BrandOut": Fields(
        trade="name logo_url colours favicon_url domain from_address support logo favicon images domains",
    ),
    "BrandImageOut": Fields(trade="role url state problem requested_at fetched_at"),
    "OwnBrandOut": Fields(everyone="name logo favicon colours support"),
    "EndUserSupportOut": Fields(everyone="end_users"),
    "BadgeOut": Fields(everyone="count"),
    "LicenceOut": Fields(everyone="product count expires_at"),
    "TemplateClashOut": Fields(staff="template becomes"),
    "HeldAssignmentOut": Fields(staff="account_id account reseller_id product"),
    "SubscriptionConflictOut": Fields(staff="subscription held"),
    "MergeReportOut": Fields(
        staff="reseller_id into turnover_before turnover_after tier_before tier_after clients open_offers"
        " running_trials templates payments charges assignments paid_plans webhook_endpoints keys clashes conflicts"
        " managed_products"
    ),
    "MergeOut": Fields(staff="job_id report"),
    "KeyOut": Fields(
        everyone="id name scopes reseller_id account_id created_at created_by expires_at last_used_at revoked_at"
        " ranges rate"
    ),
    "NewKeyOut": Fields(everyone="secret"),
    # fees, orders, payments, discounts
    "AssignmentOut": Fields(
        everyone="id account_id product name retail_fee anchor since paid_until ends_on created_at",
        trade="recommended reseller_fee cost below_cost",
    ),
    "ChargeOut": Fields(
        everyone="id account_id reseller_id kind product period_start period_end fee total void voided_at created_at"
        " credits",
        trade="discount void_reason how",
    ),
    "ProductOut": Fields(
        trade="product name family managed_by editable price retail_fee reseller_fee cost below_cost multiple",
    ),
    "SubscriptionOut": Fields(everyone="plan since paid_until ends_on then"),
    "SubscribedAccountOut": Fields(everyone="subscription"),
    "PlanQuoteOut": Fields(trade="charge credit at"),
    "SuppressedPercentOut": Fields(trade="code percent by"),
    "OrderOut": Fields(
        trade="id reseller_id order_ref product quantity promo_code promotion list_ percent net suppressed"
        " discount_as_of turnover tier created_at missing kind state version account_id service_id term config"
        " external_id metadata error differs"
    ),
    "ServiceActionOut": Fields(trade="verb since job"),
    "ServiceEventOut": Fields(trade="at actor from_ to reason"),
    "ServiceJobOut": Fields(trade="verb state job reason error asked_at begun_at ended_at actor"),
    "ServiceOut": Fields(
        everyone="id state since paid_until result",
        trade="reseller_id account_id order_id product quantity next_quantity config term renewal suspended_by"
        " external_id metadata action events unpaid_since created_at ended_at",
    ),
    "ServiceWithJobsOut": Fields(trade="jobs"),
    "PaymentOut": Fields(
        trade="id reseller_id posted_to kind amount paid_at day reference created_at differs",
    ),
    "UnmatchedPaymentOut": Fields(
        staff="id programme kind amount paid_at reference note file line created_at dismissed_at dismissed_by"
        " dismiss_reason",
    ),
    "BookLineOut": Fields(trade="number at recorded_at day kind amount balance ref note fact_id"),
    "AccountBookOut": Fields(trade="balance available"),
    "DiscountWindowOut": Fields(trade="from_ to"),
    "CountedPaymentOut": Fields(trade="id kind amount paid_at day reference"),
    "NextTierOut": Fields(trade="name missing"),
    "TomorrowOut": Fields(trade="as_of turnover tier leaving keep_with"),
    "SuppressedPromotionOut": Fields(trade="code kind percent by products"),
    "RecordedDiscountOut": Fields(trade="as_of since turnover tier percent"),
    "DiscountOut": Fields(
        trade="as_of version window turnover tier percent next_tier tomorrow payments suppressed recorded pay",
    ),
    "TierMoveOut": Fields(staff="from_ to resellers"),
    "MoverOut": Fields(staff="reseller_id from_ to turnover"),
    "DiscountRunPreviewOut": Fields(
        staff="programme day resellers moved guard_rail needs_approval moves movers",
    ),
    "DiscountRunOut": Fields(
        staff="id programme day state ranges computed applied resellers moved guard_rail moves started_at decided_at"
        " decided_by reason finished_at"
    ),
    # offers
    "LineOut": Fields(everyone="product count mode term"),
    "TemplateOut": Fields(trade="id reseller_id name lines created_at updated_at"),
    "OfferDeliveryOut": Fields(everyone="attempts last_error delivered_at", trade="job_id wait"),
    "OfferWaitOut": Fields(trade="reason since next_try_at ahead last_error"),
    "GrantStatusOut": Fields(everyone="state last_error"),
    "LicenceChangeOut": Fields(everyone="product now then"),
    "BriefEvidenceOut": Fields(everyone="via"),
    "EvidenceOut": Fields(
        decider="address confirmed_at set_by link_host domain_set_by origin user_agent self_decided",
    ),
    "OfferEventOut": Fields(everyone="at actor event from_ to hash evidence", trade="job"),
    "FreedOffersOut": Fields(staff="offers"),
    "OfferOut": Fields(
        everyone="id programme reseller_id account_id state reason message lines expires_at created_at decided_at"
        " decided_by delivery grant changes events held_by",
        trade="template_id external_id metadata",
    ),
    "SentOfferOut": Fields(trade="mail"),
    "UpdatesOut": Fields(everyone="count"),
    # mails, programmes, webhooks
    "RecipientOut": Fields(everyone="address role state sent_at", trade="tries last_error"),
    "MailOut": Fields(
        everyone="id template programme account_id reseller_id locale state reason subject from_ sender reply_to"
        " message_id repeats recipients created_at sent_at",
        trade="job_id",
        staff="raw",
    ),
    "ProgrammeOut": Fields(everyone="code version applied_at applied_by effective_at document changes"),
    "ProgrammeChangeOut": Fields(everyone="kind path before after text"),
    "VersionOut": Fields(everyone="version author applied_at effective_at", trade="hash", staff="reason"),
    "PlanOut": Fields(
        staff="code version applied effective_at needs_approval hash changes consequences",
    ),
    "ConsequencesOut": Fields(
        staff="over_limit read_only mails charges assignments offers templates trials tiers_moved",
    ),
    "PeriodChargesOut": Fields(staff="now then"),
    "WebhookEndpointOut": Fields(
        trade="id reseller_id url events disabled_at disabled_reason created_at",
    ),
    "WebhookEndpointSecretOut": Fields(trade="secret"),
    "WebhookDeliveryOut": Fields(
        trade="id endpoint_id webhook_id event_seq type state tries last_status last_error job_id created_at"
        " delivered_at"
    ),
    "ReplayOut": Fields(trade="started"),
    "EventOut": Fields(everyone="seq id type account_id reseller_id programme at data"),
}

OFFER: Final = Fields(everyone="offer_id programme reseller_id account_id state reason message lines expires_at")
NAMED: Final = Fields(everyone="account_id name")
CHARGE: Final = Fields(
    trade="id account_id reseller_id kind product period_start period_end fee discount total void credits",
)
EVENTS: Final[Mapping[str, Fields]] = {
    "offer.delivered": OFFER,
    "offer.withdrawn": OFFER,
    "offer.accepted": OFFER,
    "offer.rejected": OFFER,
    "offer.cancelled": OFFER,
    "licences.granted": Fields(everyone="account_id reason licences as_of offer_id"),
    "trial.started": Fields(everyone="account_id name ends_at"),
    "trial.ended": Fields(everyone="account_id name outcome ended_at"),
    "quota.exceeded": Fields(everyone="account_id name metric value limit period"),
    "usage.threshold": Fields(everyone="account_id name metric value limit period threshold"),
    "licences.ending": Fields(everyone="account_id name ends_at licences"),
    "discount.changed": Fields(trade="reseller_id as_of turnover from to"),
    **dict.fromkeys(("charge.created", "charge.credited"), CHARGE),
    "charge.voided": replace(CHARGE, trade=f"{CHARGE.trade} reason"),
    **dict.fromkeys(
        ("payment.recorded", "payment.refunded"), Fields(trade="id reseller_id kind amount paid_at reference")
    ),
    "subscription.changed": Fields(everyone="account_id name plan ends_on then"),
    **dict.fromkeys(
        ("order.placed", "order.cancelled", "order.failed"),
        Fields(trade="order_id order_ref kind state product quantity net account_id service_id external_id error"),
    ),
    **dict.fromkeys(
        (
            *("service.active", "service.failed", "service.suspended", "service.resumed", "service.changed"),
            *("service.renewed", "service.ended"),
        ),
        Fields(
            everyone="state since paid_until result",
            trade="service_id reseller_id account_id order_id external_id product quantity error",
        ),
    ),
    "account.created": Fields(everyone="account_id name kind"),
    "account.updated": Fields(everyone="account_id name changed"),
    **dict.fromkeys(("account.suspended", "account.resumed"), Fields(everyone="account_id name", trade="by through")),
    "brand.changed": Fields(everyone="account_id name changed"),
    **dict.fromkeys(("domain.verified", "domain.lost"), Fields(trade="account_id domain method", staff="by")),
    "account.activated": Fields(everyone="account_id"),
    "account.connected": Fields(everyone="account_id name reseller_id"),
    "account.disconnected": Fields(everyone="account_id name reseller_id"),
    "account.became_reseller": Fields(everyone="account_id", trade="terms_version"),
    "account.reverted": Fields(everyone="account_id"),
    "account.merged": Fields(
        everyone="account_id name",
        trade="into into_name clients open_offers running_trials templates payments charges assignments paid_plans"
        " webhook_endpoints keys",
    ),
    "account.deleted": NAMED,
    "account.restored": NAMED,
    "account.purged": Fields(everyone="account_id"),
    "job.dead": Fields(trade="job task tenant reason error"),
    **dict.fromkeys(
        ("job.succeeded", "job.failed", "job.cancelled"),
        Fields(trade="job task tenant account_id external_id error"),
    ),
}
"""By type; a type that stands nowhere here is for operators alone."""
