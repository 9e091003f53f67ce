"""What operators are alerted to."""

from domain.alerts import AlertKind
from mail.facts import Count, Facts, Line

__all__ = ["Alert", "AlertKind", "OperatorAlert"]


class Alert(Facts):
    """One thing that needs a person: how many, and of what."""

    kind: AlertKind
    count: Count
    detail: Line = ""


class OperatorAlert(Facts):
    """`operator-alert`: link `console`. `all_clear`: everything these alerts told of is over."""

    alerts: tuple[Alert, ...]
    all_clear: bool = False
