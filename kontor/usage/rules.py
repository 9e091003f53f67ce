"""Usage, quotas and trials as pure rules (programme.md 4)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from kontor.kernel.errors import Conflict
from kontor.kernel.states import ReportKind, Threshold, TrialState
from kontor.kernel.validation import address_key, name_key, same_address
from kontor.programme.model import Plan, TrialRules


@dataclass(frozen=True, slots=True)
class ReportedUsage:
    """A report on one metric; `sequence` is the order of arrival."""

    kind: ReportKind
    amount: int
    at: datetime
    sequence: int
    report_id: str | None = None


def deduplicate(reports: Iterable[ReportedUsage]) -> tuple[ReportedUsage, ...]:
    """Return the reports in order of arrival; of each `report_id` only the first."""
    seen: set[str] = set()
    kept = []
    for report in sorted(reports, key=lambda report: report.sequence):
        if report.report_id is None or report.report_id not in seen:
            kept.append(report)
        if report.report_id is not None:
            seen.add(report.report_id)
    return tuple(kept)


def usage_in_period(reports: Iterable[ReportedUsage], start: datetime, end: datetime) -> int:
    """Return the usage in the period from `start` to before `end`.

    The level with the greatest `at` before the end (of equal ones the later arrival) carries over
    from earlier periods; the later deltas of this period are added.
    """
    relevant = [report for report in deduplicate(reports) if report.at < end]
    level = max((report for report in relevant if report.kind is ReportKind.VALUE), key=_order, default=None)
    deltas = (
        report.amount
        for report in relevant
        if report.kind is ReportKind.DELTA and report.at >= start and (level is None or _order(report) > _order(level))
    )
    return (level.amount if level is not None else 0) + sum(deltas)


def _order(report: ReportedUsage) -> tuple[datetime, int]:
    return report.at, report.sequence


CC_PER_HOUR: Final = 20


_RANK: Final = {threshold: rank for rank, threshold in enumerate(Threshold)}


@dataclass(frozen=True, slots=True)
class QuotaRecipients:
    """Recipients of a quota mail; `note`: add a note that the client's admin could not be reached."""

    to: str
    cc: str | None = None
    note: bool = False


def reached_threshold(value: int, limit: int | None, warning: Decimal) -> Threshold | None:
    """Return the highest threshold that `value` has reached; exceeded means above the limit."""
    if limit is None or value <= 0:
        return None
    if value > limit:
        return Threshold.EXCEEDED
    if value == limit:
        return Threshold.REACHED
    return Threshold.WARNING if value * 100 >= limit * warning else None


def due_threshold(value: int, limit: int | None, warning: Decimal, mailed: Collection[Threshold]) -> Threshold | None:
    """Return the mail that is due after a report or a change of the limit.

    `mailed`: thresholds mailed so far for this account, metric, period and limit. Only a higher
    threshold is mailed: a jump sends the highest one, falling usage sends nothing.
    """
    reached = reached_threshold(value, limit, warning)
    if reached is None or any(_RANK[sent] >= _RANK[reached] for sent in mailed):
        return None
    return reached


def is_read_only(values: Mapping[str, int], limits: Mapping[str, int | None]) -> bool:
    """Return whether the account exceeds one of its limits."""
    return any(limit is not None and values.get(metric, 0) > limit for metric, limit in limits.items())


def quota_recipients(client: str, reseller: str, *, suppressed: bool) -> QuotaRecipients:
    """Address the mail to the client's admin, Cc the reseller's; equal addresses get one copy.

    `suppressed`: the client's address permanently refused mail within 30 days; the reseller gets the mail.
    """
    if same_address(client, reseller):
        return QuotaRecipients(reseller)
    if suppressed:
        return QuotaRecipients(reseller, note=True)
    return QuotaRecipients(client, reseller)


def may_send_copy(copies_this_hour: int) -> bool:
    """Return whether one more Cc goes to a reseller now; otherwise it is left for the digest."""
    return copies_this_hour < CC_PER_HOUR


def clock_hour(now: datetime) -> tuple[datetime, datetime]:
    """Return start and end of the clock hour (UTC) of `now`, for counting copies; the digest is sent at its end."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return start, start + timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TrialRun:
    """An account's one trial, from `started_at` to before `ends_at` (aware instants).

    `stopped_at`: when it ended early, by a paid plan if `converted`, otherwise because the account was closed.
    """

    started_at: datetime
    ends_at: datetime
    stopped_at: datetime | None = None
    converted: bool = False

    @classmethod
    def starting(cls, rules: TrialRules, now: datetime) -> "TrialRun":
        """Start a trial now: 7 days are 7 x 24 h, across clock changes too."""
        return cls(now, now + rules.length)


def check_trial_start(rules: TrialRules | None, *, used: bool, subscribed: bool) -> TrialRules:
    """Return the programme's trial if this account may start one; raises `Conflict`."""
    if rules is None:
        raise Conflict("no_trial", "This programme has no trial.")
    if used:
        raise Conflict("trial_used", "This account has already used its trial.")
    if subscribed:
        raise Conflict("already_subscribed", "The account already has a paid plan.")
    return rules


def trial_state(run: TrialRun | None, now: datetime) -> TrialState:
    """Return the state at `now`; the trial is over at `ends_at` even if no job has recorded it."""
    if run is None:
        return TrialState.NONE
    if run.stopped_at is not None and run.stopped_at < run.ends_at:
        return TrialState.CONVERTED if run.converted else TrialState.EXPIRED
    return TrialState.RUNNING if now < run.ends_at else TrialState.EXPIRED


def limits_in_force(plan: Plan, state: TrialState) -> Mapping[str, int | None]:
    """Return the plan's limits; unlimited during a trial."""
    if state is TrialState.RUNNING:
        return dict.fromkeys(plan.limits)
    return plan.limits


def features_in_force(plan: Plan, plans: Iterable[Plan], state: TrialState) -> list[str]:
    """Return the plan's features; those of all plans during a trial (programme.md 4.1)."""
    codes = {code for each in plans for code in each.features} if state is TrialState.RUNNING else plan.features
    return sorted(codes)


def reminders(run: TrialRun, rules: TrialRules) -> tuple[datetime, ...]:
    """Return when reminders are due, in order; reminders in the first half of the trial are omitted."""
    half = run.started_at + (run.ends_at - run.started_at) / 2
    return tuple(sorted(at for lead in rules.reminders if (at := run.ends_at - lead) >= half))


def reminder_due(run: TrialRun, rules: TrialRules, sent: Collection[datetime], now: datetime) -> datetime | None:
    """Return the due instant of the reminder to send now, if any; `sent` holds those already sent.

    After an outage only the latest missed reminder is sent; none once the trial is over.
    """
    if trial_state(run, now) is not TrialState.RUNNING:
        return None
    latest = max((at for at in reminders(run, rules) if at <= now), default=None)
    if latest is None or any(at >= latest for at in sent):
        return None
    return latest


def trial_identity(admin_email: str, name: str, reseller_email: str | None) -> str:
    """Return the permanent identity of a trial in a programme (programme.md 2.8).

    The admin address, or the account's name if that address is the reseller's own.
    """
    if reseller_email is not None and same_address(admin_email, reseller_email):
        return f"name:{name_key(name)}"
    return f"address:{address_key(admin_email)}"
