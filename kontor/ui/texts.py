"""Every text of the console that Python chooses; a template holds only its own text."""

from collections.abc import Mapping
from typing import Final

from kontor.kernel.states import BulkAction, JobState, MisfirePolicy
from kontor.mailer.kinds import Audience
from models.control import BreakerState
from models.reconciliation import GapKind

NAVIGATION: Final = (
    ("overview", "/console", "Overview"),
    ("jobs", "/console/jobs", "Jobs"),
    ("dead", "/console/dead", "Dead"),
    ("bulk", "/console/bulk", "Bulk actions"),
    ("queues", "/console/queues", "Queues"),
    ("schedules", "/console/schedules", "Schedules"),
    ("task-types", "/console/task-types", "Task types"),
    ("workers", "/console/workers", "Workers"),
    ("instances", "/console/instances", "Instances"),
    ("accounts", "/console/accounts", "Accounts"),
    ("services", "/console/services", "Services"),
    ("mail", "/console/mail", "Mail"),
    ("reconciliation", "/console/reconciliation", "Reconciliation"),
    ("audit", "/console/audit", "Audit"),
)
LISTS: Final = (
    ("Accounts", "/console/accounts"),
    ("Offers", "/console/offers"),
    ("Orders", "/console/orders"),
    ("Services", "/console/services"),
    ("Charges", "/console/charges"),
    ("Payments", "/console/payments"),
    ("Webhook endpoints", "/console/endpoints"),
    ("Discount runs", "/console/discount-runs"),
)
"""Lists of what people buy and pay, linked from each other."""
ADMIN_NAVIGATION: Final = (("people", "/console/people", "Settings"),)

IMAGE_REFUSED: Final[Mapping[str, str]] = {
    "not_an_image": "Choose a PNG, JPEG, GIF, WebP, ICO or BMP file.",
    "image_too_large": "The image is too large: at most 2 MiB and 16 million pixels are read.",
    "image_damaged": "The image is damaged. Save it again, then upload it.",
}
"""Why an uploaded image is refused, by cause."""

FLASH_MESSAGES: Final[Mapping[str, str]] = {
    "retry": "Job queued again.",
    "again": "New job created and queued.",
    "sent-again": "New mail created; its job is queued.",
    "cancel": "Job cancelled. If it is running or locked, it stops or is cancelled as soon as it can be.",
    "bulk": "Started. Progress is shown below.",
    "pause-bulk": "Bulk action paused.",
    "resume-bulk": "Bulk action resumed.",
    "stop": "Stopped. Finished items stay finished.",
    "image": "Image saved. Mails and pages show it from now on.",
    "suspend": "Account suspended.",
    "service-renew": "Renewal ordered. Its job is listed below.",
    "service-suspend": "Suspension asked for. Its job is listed below.",
    "service-resume": "Resumption asked for. Its job is listed below.",
    "service-terminate": "End asked for. Its job is listed below.",
    "service-create": "Charged and tried again. Its job is listed below.",
    "resume": "Account resumed.",
    "pause-queue": "Queue paused.",
    "resume-queue": "Queue resumed.",
    "limit": "Limit saved. Takes effect within half a second.",
    "pause-schedule": "Schedule paused.",
    "resume-schedule": "Schedule resumed.",
    "run": "Job queued.",
    "probe": "Sending the next waiting call now.",
    "hold": "On hold. Nothing is sent until you release it.",
    "release": "Released. The next call is sent as a probe.",
    "mend": "Repair started. The next check shows whether it worked.",
    "accept": "Accepted. This gap will not be reported again.",
    "kept": "Search saved.",
    "forgotten": "Search deleted.",
    "drain": "Draining: the worker finishes its jobs and takes no new ones.",
    "undrain": "Worker accepts jobs again.",
    "assign": "Payment assigned.",
    "dismiss": "Payment dismissed.",
    "free-offers": "The offers can be decided again.",
    "disable": "Login disabled. All its sessions have ended.",
    "enable": "Login enabled.",
    "revoke": "Key revoked. Requests that use it are refused.",
    "password": "Password changed. Your other sessions have ended.",
    "theme": "Colours changed.",
    "account-factors": "The second factors are removed.",
    "reseller": "The account is a reseller now.",
    "trial": "The trial has started.",
    "plan": "The plan is changed.",
    "delete": "Account deleted. It can be restored for 30 days.",
    "restore": "Account restored.",
    "domain": "The domain is verified.",
    "withdraw": "The offer is withdrawn.",
    "created": "Account created.",
    "connected": "The account is a client of this reseller now.",
    "instance": "The system is connected.",
    "brand": "Brand saved.",
    "offer-sent": "The offer is on its way.",
    "deliver": "The delivery is tried now.",
    "payment": "Payment entered.",
    "payment-known": "This payment was entered before; nothing was changed.",
    "ordered": "Order placed.",
    "merge": "The merge is queued. This is its job.",
    "order-cancel": "The order is cancelled and paid back.",
    "void": "The charge is void.",
    "approve-run": "Approved. The discounts are recorded now.",
    "reject-run": "Rejected. Nothing is recorded.",
    "replay": "Failed deliveries are sent again.",
    "endpoint-test": "The test event is on its way.",
    "factor-removed": "Removed. It no longer opens your login.",
    "session-ended": "Session ended.",
    "sessions-ended": "All other sessions have ended.",
}


PAYEE_LABEL: Final = "Reseller: name, external id or id"
PLAN_LABEL: Final = "Code of the plan"
DOMAIN_LABEL: Final = "Domain, such as booking.example.com"
LIMIT_LABEL: Final = "Concurrency limit (empty: no limit)"

BULK_TITLES: Final[Mapping[BulkAction, str]] = {
    BulkAction.RETRY: "Retry all matching jobs",
    BulkAction.CANCEL: "Cancel all matching jobs",
}
NOT_RETRYABLE: Final[Mapping[JobState, str]] = {
    JobState.SCHEDULED: "It is scheduled for later and has not run yet.",
    JobState.QUEUED: "It is already queued and runs as soon as a worker is free and its lane is open.",
    JobState.RUNNING: "It is running. Cancel it first, or wait until it ends.",
    JobState.SUCCEEDED: "It succeeded; a retry would repeat its effects.",
}
UNKNOWN_TASK: Final = "This release no longer has this task."
UNIQUE_KEY_TAKEN: Final = "Another unfinished job has the same unique key; wait for it or cancel it:"

MISFIRE_POLICIES: Final[Mapping[MisfirePolicy, str]] = {
    MisfirePolicy.SKIP: "missed runs: skipped",
    MisfirePolicy.ONCE: "missed runs: once",
    MisfirePolicy.ALL: "missed runs: each",
}
LANE_STATES: Final[Mapping[BreakerState, str]] = {
    BreakerState.CLOSED: "healthy",
    BreakerState.OPEN: "down",
    BreakerState.FORCED: "on hold",
}
PROVIDER: Final = "the provider"

GAP_LABELS: Final[Mapping[GapKind, str]] = {
    GapKind.TRIAL_END: "Trial without an end job",
    GapKind.QUOTA_MAIL: "Quota notice not mailed",
    GapKind.QUOTA_DIGEST: "Quota digest not made",
    GapKind.CHARGE_DUE: "Charge not made",
    GapKind.CHARGE_GONE: "Charge disappeared",
    GapKind.BOOK_LINE: "Account book without a line",
    GapKind.BOOK_AMOUNT: "Account book with another amount",
    GapKind.BOOK_FACT: "Account book line without its fact",
    GapKind.STATEMENT_TOTAL: "Statement with another total",
    GapKind.OFFER_DELIVERY: "Offer not delivered",
    GapKind.OFFER_EXPIRY: "Offer without an expiry job",
    GapKind.MAIL_UNSENT: "Mail not sent",
    GapKind.MAIL_GONE: "Mail missing from the log",
    GapKind.DISCOUNT_RUN: "Discount run missing",
    GapKind.DISCOUNT: "Discount not recorded",
    GapKind.OCCURRENCE: "Scheduled run missed",
}
GAP_SENTENCES: Final[Mapping[GapKind, tuple[str, str]]] = {
    GapKind.TRIAL_END: ("{} trial has no job to end it.", "{} trials have no job to end them."),
    GapKind.QUOTA_MAIL: ("{} quota notice was never mailed.", "{} quota notices were never mailed."),
    GapKind.QUOTA_DIGEST: ("{} quota digest was never made.", "{} quota digests were never made."),
    GapKind.CHARGE_DUE: ("{} charge is due but was not made.", "{} charges are due but were not made."),
    GapKind.CHARGE_GONE: ("{} charge has disappeared.", "{} charges have disappeared."),
    GapKind.BOOK_LINE: (
        "{} money fact has no line in an account book.",
        "{} money facts have no line in an account book.",
    ),
    GapKind.BOOK_AMOUNT: (
        "{} line of an account book has another amount than its fact.",
        "{} lines of account books have another amount than their facts.",
    ),
    GapKind.BOOK_FACT: (
        "{} line of an account book is without its fact.",
        "{} lines of account books are without their facts.",
    ),
    GapKind.STATEMENT_TOTAL: (
        "{} statement has another total than the account book.",
        "{} statements have other totals than the account books.",
    ),
    GapKind.OFFER_DELIVERY: ("{} offer was never delivered.", "{} offers were never delivered."),
    GapKind.OFFER_EXPIRY: ("{} open offer has no job to expire it.", "{} open offers have no job to expire them."),
    GapKind.MAIL_UNSENT: ("{} mail was never sent.", "{} mails were never sent."),
    GapKind.MAIL_GONE: ("{} mail is missing from the log.", "{} mails are missing from the log."),
    GapKind.DISCOUNT_RUN: ("{} daily discount run is missing.", "{} daily discount runs are missing."),
    GapKind.DISCOUNT: ("{} reseller has no discount recorded.", "{} resellers have no discount recorded."),
    GapKind.OCCURRENCE: ("{} scheduled run was missed.", "{} scheduled runs were missed."),
}

NO_WORKER: Final = "No worker is alive: nothing runs."
QUEUE_PAUSED: Final = "Queue {} is paused."
QUEUE_BEHIND: Final = "Queue {} is behind: oldest job has waited {} (limit {})."
SCHEDULE_OVERDUE: Final = "Schedule {} is overdue."
DEAD_JOBS: Final = ("{} dead job needs attention.", "{} dead jobs need attention.")
HELD_RUNS: Final = ("{} discount run waits for approval.", "{} discount runs wait for approval.")
OVERDUE_JOBS: Final = ("{} {} job is overdue.", "{} {} jobs are overdue.")
UNKNOWN_TASK_JOBS: Final = (
    "{} job of unknown task {}: deploy the release that knows it, or cancel the job.",
    "{} jobs of unknown task {}: deploy the release that knows it, or cancel the jobs.",
)
INVARIANTS: Final = {
    "relay": "Due work is not queued: {}.",
    "scheduler": "Schedules do not fire: {}.",
    "worker": "A worker does not answer: {}.",
    "process": "A process does not answer: {}.",
    "schedule": "A schedule does not fire: {}.",
    "read-only": "Nothing can be written: {}.",
    "record": "Work is done but not recorded: {}.",
    "clock": "A clock is wrong: {}.",
    "lease": "A job is stuck: {}.",
    "bell": "A job is not picked up: {}.",
    "transaction": "Jobs are picked slowly: {}.",
}
NOT_RECEIVING: Final = ("{} instance is not receiving: {}.", "{} instances are not receiving: {}.")

ACCOUNT_LINE_KINDS: Final[Mapping[str, str]] = {
    "events": "events",
    "jobs": "jobs and calls",
    "mails": "mails",
    "offers": "offers",
    "charges": "charges",
    "payments": "payments",
    "orders": "orders",
    "discounts": "discounts",
}
AUDIT_TRAIL_BROKEN: Final = (
    "Audit trail broken: the offer or one of its events was changed, added or removed outside Kontor, or the secret"
    " key is a different one. Compare with a backup before you rely on this page."
)

LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "ru": "Russian",
    "ja": "Japanese",
}
AUDIENCES: Final[Mapping[Audience, str]] = {
    Audience.RESELLER: "To resellers",
    Audience.ACCOUNT: "To account admins",
    Audience.CLIENT: "To client admins, under the reseller's brand",
    Audience.OPERATOR: "To operators",
    Audience.PERSON: "To whoever signed in",
}

FIELD_REQUIRED: Final = "Fill in this field."
UNKNOWN_ACCOUNT: Final = "There is no account with this name or id."
PREVIEW_CHANGED: Final = "What it would do has changed meanwhile; nothing was done yet. Look at it again."
REASON_REQUIRED: Final = "Enter a reason. It is kept in the audit log."
FOREIGN_FORM: Final = "This form does not belong to your session. Reload the page and try again."
NOT_FOUND: Final = "Page not found. It may have been deleted or its retention has ended."
NOT_SEARCHABLE: Final = "This search contains a value that the database cannot hold."
DATABASE_UNAVAILABLE: Final = "The database is not responding. Wait a moment, then reload the page."
PROBLEM_TITLES: Final[Mapping[int, str]] = {
    403: "Not allowed",
    404: "Not found",
    409: "Not possible",
    422: "Invalid input",
    429: "Too many attempts",
    503: "Database unavailable",
}


def counted(forms: tuple[str, str], count: int, *values: object) -> str:
    """Fill the singular or plural form; `count` comes first, with thousands separators."""
    return forms[0 if count == 1 else 1].format(f"{count:,}", *values)
