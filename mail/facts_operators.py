"""Facts of the mails to operators."""

from domain.alerts import AlertKind
from mail.facts import Count, Facts, Line

__all__ = ["Alert", "AlertKind", "OperatorAlert"]


class Alert(Facts):
    """One incident with its count."""

    kind: AlertKind
    count: Count
    detail: Line = ""


class OperatorAlert(Facts):
    """`operator-alert`: link `console`. `all_clear`: all these alerts are resolved."""

    alerts: tuple[Alert, ...]
    all_clear: bool = False
