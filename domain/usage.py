"""What usage reports add up to, in whatever order they arrive (programme.md 4.5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReportKind(StrEnum):
    """A level replaces what was known; a delta adds to the period of its instant."""

    VALUE = "value"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class Report:
    """One report on one metric; `sequence` is its place in the order of arrival."""

    kind: ReportKind
    amount: int
    at: datetime
    sequence: int
    report_id: str | None = None


def without_repeats(reports: Iterable[Report]) -> tuple[Report, ...]:
    """The reports in order of arrival, each `report_id` once: the first."""
    seen: set[str] = set()
    kept = []
    for report in sorted(reports, key=lambda one: one.sequence):
        if report.report_id is None or report.report_id not in seen:
            kept.append(report)
        if report.report_id is not None:
            seen.add(report.report_id)
    return tuple(kept)


def usage(reports: Iterable[Report], start: datetime, end: datetime) -> int:
    """What was used in the period from `start` to before `end`.

    The level with the greatest `at` before the end (at equal `at` the later arrival) carries over
    from earlier periods; the deltas of this period that came after it are added.
    """
    known = [report for report in without_repeats(reports) if report.at < end]
    level = max((one for one in known if one.kind is ReportKind.VALUE), key=_order, default=None)
    deltas = (
        one.amount
        for one in known
        if one.kind is ReportKind.DELTA and one.at >= start and (level is None or _order(one) > _order(level))
    )
    return (level.amount if level is not None else 0) + sum(deltas)


def _order(report: Report) -> tuple[datetime, int]:
    return report.at, report.sequence
