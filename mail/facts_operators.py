"""What operators are alerted to."""

from enum import StrEnum

from mail.facts import Count, Facts, Line


class AlertKind(StrEnum):
    """What needs a person."""

    DEAD_JOBS = "dead_jobs"
    LATE_WORK = "late_work"
    HELD_LANES = "held_lanes"
    GUARD_RAIL = "guard_rail"
    RECONCILIATION = "reconciliation"


class Alert(Facts):
    """One thing that needs a person: how many, and of what."""

    kind: AlertKind
    count: Count
    detail: Line = ""


class OperatorAlert(Facts):
    """`operator-alert`: link `console`."""

    alerts: tuple[Alert, ...]
