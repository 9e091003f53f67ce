"""Usage, thresholds and their mails (programme.md 4.5)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.days import local_date

ORDER = ("warning", "reached", "exceeded")


@dataclass(frozen=True)
class Reported:
    """A report in order of arrival: a level, or a delta."""

    is_level: bool
    amount: int
    at: datetime


@dataclass(frozen=True)
class QuotaMail:
    """The subject of one quota mail."""

    account: str
    metric: str
    period: tuple[date, date]
    limit: int
    threshold: str


@dataclass
class Meter:
    """All reports of one metric of one account."""

    reports: list[Reported] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def take(self, report: Reported, report_id: str | None) -> bool:
        """Add a report unless its id is known; returns whether it was new."""
        if report_id is not None and report_id in self.seen:
            return False
        if report_id is not None:
            self.seen.add(report_id)
        self.reports.append(report)
        return True

    def used(self, period: tuple[date, date], zone: ZoneInfo) -> int:
        """The last level at any time, plus later deltas within the period."""
        first, end = period
        level, since = 0, None
        for report in self.reports:
            before_the_end = local_date(report.at, zone) < end
            if report.is_level and before_the_end and (since is None or report.at >= since.at):
                level, since = report.amount, report
        place = self.reports.index(since) if since is not None else -1
        for number, report in enumerate(self.reports):
            inside = first <= local_date(report.at, zone) < end
            if not report.is_level and inside and comes_after(report, number, since, place):
                level += report.amount
        return level


def comes_after(report: Reported, number: int, since: Reported | None, place: int) -> bool:
    """Whether a delta is later than the level: by its instant, then by arrival."""
    if since is None:
        return True
    return report.at > since.at or (report.at == since.at and number > place)


def reached(value: int, limit: int | None, warning: Decimal) -> str | None:
    """The highest threshold that a value has reached."""
    if limit is None or value == 0:
        return None
    if value > limit:
        return "exceeded"
    if value == limit:
        return "reached"
    if Decimal(value) / Decimal(limit) * 100 >= warning:
        return "warning"
    return None


def higher_than_all(threshold: str, mailed: Iterable[str]) -> bool:
    """Whether no threshold as high was mailed before."""
    return all(ORDER.index(threshold) > ORDER.index(before) for before in mailed)
