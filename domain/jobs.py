"""Life cycle of a job: its states and the allowed transitions."""

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


class DeadReason(StrEnum):
    """Why a job is dead."""

    FAILED = "failed"
    PERMANENT = "permanent"
    POISON = "poison"
    UNKNOWN = "unknown"
    LANE_HELD = "lane_held"


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
