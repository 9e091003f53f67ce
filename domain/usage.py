"""Sums usage reports, independent of their order of arrival (programme.md 4.5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReportKind(StrEnum):
    """A level replaces earlier usage; a delta adds to the period of its instant."""

    VALUE = "value"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class Report:
    """A report on one metric; `sequence` is the order of arrival."""

    kind: ReportKind
    amount: int
    at: datetime
    sequence: int
    report_id: str | None = None


def without_repeats(reports: Iterable[Report]) -> tuple[Report, ...]:
    """Return the reports in order of arrival; of each `report_id` only the first."""
    seen: set[str] = set()
    kept = []
    for report in sorted(reports, key=lambda report: report.sequence):
        if report.report_id is None or report.report_id not in seen:
            kept.append(report)
        if report.report_id is not None:
            seen.add(report.report_id)
    return tuple(kept)


def usage(reports: Iterable[Report], start: datetime, end: datetime) -> int:
    """Return the usage in the period from `start` to before `end`.

    The level with the greatest `at` before the end (of equal ones the later arrival) carries over
    from earlier periods; the later deltas of this period are added.
    """
    relevant = [report for report in without_repeats(reports) if report.at < end]
    level = max((report for report in relevant if report.kind is ReportKind.VALUE), key=_order, default=None)
    deltas = (
        report.amount
        for report in relevant
        if report.kind is ReportKind.DELTA and report.at >= start and (level is None or _order(report) > _order(level))
    )
    return (level.amount if level is not None else 0) + sum(deltas)


def _order(report: Report) -> tuple[datetime, int]:
    return report.at, report.sequence
