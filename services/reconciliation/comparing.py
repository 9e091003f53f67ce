"""What is missing now: every statement run, and the schedules' slots counted."""

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

MOST: Final = 1_000
BEGINNING: Final = date(1900, 1, 1)
NIGHT: Final = timedelta(minutes=30)
RECENT: Final = timedelta(hours=25)
LONG: Final = timedelta(days=62)
LATELY: Final = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Compared:
    """What one kind of comparison found; `all_of_it` is False when there may be more than is listed."""

    kind: GapKind
    found: tuple[NewGap, ...]

    @property
    def all_of_it(self) -> bool:
        """Whether nothing was left out."""
        return len(self.found) < MOST


def compare(session: Session, programmes: Programmes, now: datetime, *, everything: bool = False) -> list[Compared]:
    """Every kind with what is missing of it, `MOST` at most.

    `everything` looks at every charge there is and at the mails of two months, not of the last days alone.
    """
    values = _values(session, programmes, now, everything=everything)
    by_statement = [Compared(kind, _run(session, kind, sql, values)) for kind, sql in STATEMENTS.items()]
    return [*by_statement, Compared(GapKind.OCCURRENCE, tuple(_occurrences(session, now))[:MOST])]


def _run(session: Session, kind: GapKind, sql: str, values: dict[str, Any]) -> tuple[NewGap, ...]:
    rows = session.execute(text(sql), values)
    return tuple(NewGap(new_id(), row[0], detail(kind, row[1]), row[2]) for row in rows)


def _values(session: Session, programmes: Programmes, now: datetime, *, everything: bool) -> dict[str, Any]:
    """What the statements are told. The nightly work of a programme has half an hour before it is missed."""
    known = {row.code: programmes.current(session, row.code) for row in listed(session)}
    days = {code: local_day(now - NIGHT, programme.zone) for code, programme in known.items()}
    tiered = [code for code, programme in known.items() if isinstance(programme.discount, TurnoverDiscount)]
    return {
        "now": now,
        "since": now - (LONG if everything else RECENT),
        "charged_since": BEGINNING if everything else (now - LATELY).date(),
        "limit": MOST,
        "codes": list(days),
        "days": list(days.values()),
        "tiered": tiered,
        "tiered_days": [days[code] for code in tiered],
        "tiered_starts": [day_start(days[code], known[code].zone) for code in tiered],
    }


def _occurrences(session: Session, now: datetime) -> list[NewGap]:
    """Slots of the last day without an occurrence, and those that were missing before and still are."""
    present = fired.slots(session, now - RECENT)
    missing = {
        (schedule.name, occurrence.slot): occurrence.due
        for schedule in fired.watched(session)
        for occurrence in _expected(schedule, now)
        if (schedule.name, occurrence.slot) not in present
    }
    found = [_occurrence(name, slot, due.isoformat()) for (name, slot), due in missing.items()]
    known = {one.subject for one in found}
    for gap in gaps.open_of(session, GapKind.OCCURRENCE):
        told = gap.mend
        if gap.subject not in known and not fired.has(session, told["schedule"], told["slot"]):
            found.append(_occurrence(told["schedule"], told["slot"], told["due"]))
    return found


def _expected(schedule: Schedule, now: datetime) -> Sequence[Any]:
    """The slots that the scheduler has decided since it was told of them, of the last day."""
    assert schedule.expected_from is not None
    since = max(schedule.expected_from, now - RECENT)
    until = min(schedule.checked_until, now)
    return occurrences(schedule.cron, ZoneInfo(schedule.timezone), since, until)[-300:] if until > since else ()


def _occurrence(schedule: str, slot: str, due: str) -> NewGap:
    facts = {"schedule": schedule, "slot": slot, "due": due}
    return NewGap(new_id(), f"{schedule} {slot}", detail(GapKind.OCCURRENCE, facts), facts)
