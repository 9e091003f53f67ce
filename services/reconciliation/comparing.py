"""Runs every check: one statement per kind of gap, and the expected slots of the schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.cron import occurrences
from domain.ids import new_id
from domain.programme.model import TurnoverDiscount
from domain.zones import day_start, local_day
from models.control import Schedule
from models.reconciliation import GapKind
from services.programmes import Programmes, listed
from services.reconciliation.words import detail
from store.reconciliation import gaps
from store.reconciliation import occurrences as fired
from store.reconciliation.checks import STATEMENTS
from store.reconciliation.gaps import NewGap

LIMIT: Final = 1_000
BEGINNING: Final = date(1900, 1, 1)
NIGHT_GRACE: Final = timedelta(minutes=30)
RECENT_SPAN: Final = timedelta(hours=25)
LONG_SPAN: Final = timedelta(days=62)
CHARGES_SPAN: Final = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Compared:
    """The gaps of one kind."""

    kind: GapKind
    gaps: tuple[NewGap, ...]

    @property
    def complete(self) -> bool:
        """Whether all gaps are listed; False when the limit was reached."""
        return len(self.gaps) < LIMIT


def compare(session: Session, programmes: Programmes, now: datetime, *, everything: bool = False) -> list[Compared]:
    """Return the gaps of every kind, at most `LIMIT` each.

    `everything` checks all charges and the mails of two months instead of the last days.
    """
    values = _parameters(session, programmes, now, everything=everything)
    by_statement = [Compared(kind, _run_check(session, kind, sql, values)) for kind, sql in STATEMENTS.items()]
    return [*by_statement, Compared(GapKind.OCCURRENCE, tuple(_missing_occurrences(session, now))[:LIMIT])]


def _run_check(session: Session, kind: GapKind, sql: str, values: dict[str, Any]) -> tuple[NewGap, ...]:
    rows = session.execute(text(sql), values)
    return tuple(NewGap(new_id(), row[0], detail(kind, row[1]), row[2]) for row in rows)


def _parameters(session: Session, programmes: Programmes, now: datetime, *, everything: bool) -> dict[str, Any]:
    """Return the parameters of the statements. Nightly jobs count as missing after half an hour."""
    programmes_by_code = {row.code: programmes.current(session, row.code) for row in listed(session)}
    days = {code: local_day(now - NIGHT_GRACE, programme.zone) for code, programme in programmes_by_code.items()}
    tiered = [
        code for code, programme in programmes_by_code.items() if isinstance(programme.discount, TurnoverDiscount)
    ]
    return {
        "now": now,
        "since": now - (LONG_SPAN if everything else RECENT_SPAN),
        "charged_since": BEGINNING if everything else (now - CHARGES_SPAN).date(),
        "limit": LIMIT,
        "codes": list(days),
        "days": list(days.values()),
        "tiered": tiered,
        "tiered_days": [days[code] for code in tiered],
        "tiered_starts": [day_start(days[code], programmes_by_code[code].zone) for code in tiered],
    }


def _missing_occurrences(session: Session, now: datetime) -> list[NewGap]:
    """Return slots of the last day without an occurrence, and older ones that are still missing."""
    recorded = fired.slots(session, now - RECENT_SPAN)
    missing = {
        (schedule.name, occurrence.slot): occurrence.due
        for schedule in fired.watched(session)
        for occurrence in _expected_slots(schedule, now)
        if (schedule.name, occurrence.slot) not in recorded
    }
    missing_gaps = [_occurrence_gap(name, slot, due.isoformat()) for (name, slot), due in missing.items()]
    subjects = {gap.subject for gap in missing_gaps}
    for gap in gaps.open_of(session, GapKind.OCCURRENCE):
        facts = gap.mend
        if gap.subject not in subjects and not fired.has(session, facts["schedule"], facts["slot"]):
            missing_gaps.append(_occurrence_gap(facts["schedule"], facts["slot"], facts["due"]))
    return missing_gaps


def _expected_slots(schedule: Schedule, now: datetime) -> Sequence[Any]:
    """Return the slots of the last day that the scheduler has processed since it knows the schedule."""
    assert schedule.expected_from is not None
    since = max(schedule.expected_from, now - RECENT_SPAN)
    until = min(schedule.checked_until, now)
    return occurrences(schedule.cron, ZoneInfo(schedule.timezone), since, until)[-300:] if until > since else ()


def _occurrence_gap(schedule: str, slot: str, due: str) -> NewGap:
    facts = {"schedule": schedule, "slot": slot, "due": due}
    return NewGap(new_id(), f"{schedule} {slot}", detail(GapKind.OCCURRENCE, facts), facts)
