"""Every stored enum of the product: the states and kinds that tables hold as text."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """State of a job. `succeeded`, `dead` and `cancelled` are finished."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


class TaskKind(StrEnum):
    """How a task is run: inside one transaction, or claimed, acted and recorded."""

    TRANSACTIONAL = "transactional"
    EXTERNAL = "external"


class CrashPolicy(StrEnum):
    """What to do when the process died between act and record."""

    RERUN = "rerun"
    VERIFY = "verify"
    PARK = "park"


class AttemptOutcome(StrEnum):
    """Outcome of one attempt."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SNOOZED = "snoozed"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    DOWN = "down"
    RELEASED = "released"


class DeadReason(StrEnum):
    """Why a job is dead."""

    FAILED = "failed"
    PERMANENT = "permanent"
    POISON = "poison"
    UNKNOWN = "unknown"
    LANE_HELD = "lane_held"


class BulkAction(StrEnum):
    """Action on every job that matches a filter."""

    RETRY = "retry"
    CANCEL = "cancel"


S = JobState
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    S.SCHEDULED: frozenset({S.QUEUED, S.CANCELLED}),
    S.QUEUED: frozenset({S.RUNNING, S.SUCCEEDED, S.RETRYING, S.SCHEDULED, S.DEAD, S.CANCELLED}),
    S.RUNNING: frozenset({S.SUCCEEDED, S.RETRYING, S.SCHEDULED, S.QUEUED, S.DEAD, S.CANCELLED}),
    S.RETRYING: frozenset({S.QUEUED, S.DEAD, S.CANCELLED}),
    S.DEAD: frozenset({S.QUEUED, S.CANCELLED}),
    S.SUCCEEDED: frozenset(),
    S.CANCELLED: frozenset({S.QUEUED}),
}
PENDING = frozenset({S.SCHEDULED, S.QUEUED, S.RETRYING})
FINISHED = frozenset({S.SUCCEEDED, S.DEAD, S.CANCELLED})


class MisfirePolicy(StrEnum):
    """skip: run only occurrences that are on time. once: one run for all. all: each, up to a limit."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class OfferState(StrEnum):
    """State of an offer; `accepted`, `rejected` and `cancelled` are final."""

    WAITING = "waiting"
    WAITING_FOR_CONFIRMATION = "waiting_for_confirmation"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class OfferEvent(StrEnum):
    """Events of an offer."""

    SEND = "send"
    DELIVERED = "delivered"
    ACCEPT = "accept"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    CLOSE_ACCOUNT = "close_account"
    MOVE_ACCOUNT = "move_account"


class CancelReason(StrEnum):
    """Why an offer is cancelled."""

    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_MOVED = "account_moved"


class LineMode(StrEnum):
    """Absolute N replaces the account's licences of the product; relative N is added to them."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


class ReportKind(StrEnum):
    """A level replaces earlier usage; a delta adds to the period of its instant."""

    VALUE = "value"
    DELTA = "delta"


class Threshold(StrEnum):
    """Quota thresholds in ascending order."""

    WARNING = "warning"
    REACHED = "reached"
    EXCEEDED = "exceeded"


class TrialState(StrEnum):
    """State of an account's trial, as a read sees it."""

    NONE = "none"
    RUNNING = "running"
    CONVERTED = "converted"
    EXPIRED = "expired"


class RunState(StrEnum):
    """A run computes, may be held for approval, then applies; or it is rejected, or a later run supersedes it."""

    COMPUTING = "computing"
    HELD = "held"
    APPLYING = "applying"
    DONE = "done"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class PaymentKind(StrEnum):
    """Kinds of ledger entry. Amounts are positive; the kind gives the direction."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


class AlertKind(StrEnum):
    """Kinds of incident that need an operator."""

    DEAD_JOBS = "dead_jobs"
    LATE_WORK = "late_work"
    HELD_LANES = "held_lanes"
    HELD_MAILS = "held_mails"
    GUARD_RAIL = "guard_rail"
    RECONCILIATION = "reconciliation"


class ImageRole(StrEnum):
    """What an image of a brand is for."""

    LOGO = "logo"
    FAVICON = "favicon"


class ImageState(StrEnum):
    """State of an image that is named by a URL."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


class ServiceState(StrEnum):
    """State of a service; `ended` is final."""

    PENDING = "pending"
    ACTIVE = "active"
    FAILED = "failed"
    SUSPENDED = "suspended"
    ENDED = "ended"


class ActionState(StrEnum):
    """State of something asked of a service: it waits behind another, is under way, or is over."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SuspensionCause(StrEnum):
    """Why a service is suspended; it is active again when none is left."""

    OPERATOR = "operator"
    RESELLER = "reseller"
    ACCOUNT = "account"
    UNPAID = "unpaid"


class OrderKind(StrEnum):
    """What an order pays: a new service, its next term, or more of it."""

    NEW = "new"
    RENEWAL = "renewal"
    CHANGE = "change"


class OrderState(StrEnum):
    """State of an order: its job is under way, succeeded, failed for good, or was cancelled; the last two: credited."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OrderEntryKind(StrEnum):
    """A line that an order adds to the account book after its own: paid back, or charged again."""

    CREDIT = "credit"
    ORDER = "order"


class ServiceVerb(StrEnum):
    """What is done to a service; a product names a task type for each, one without succeeds at once."""

    CREATE = "create"
    RENEW = "renew"
    SUSPEND = "suspend"
    RESUME = "resume"
    CHANGE = "change"
    TERMINATE = "terminate"


class Renewal(StrEnum):
    """How a service goes on after its term: one day before its end, when its reseller renews it, or not."""

    AUTO = "auto"
    MANUAL = "manual"
    NONE = "none"
