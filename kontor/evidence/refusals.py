"""Refused accesses in the audit log: the first of a kind at once, its repeats as one row: a flood writes few."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor

WINDOW_SECONDS: Final = 600.0
MOST_KINDS: Final = 200
"""Kinds of refusals kept apart in one window; those beyond count as one."""

Write = Callable[[Callable[[Session], None]], None]
"""Runs work in a transaction of its own and commits it."""


@dataclass(frozen=True, slots=True)
class RefusedAccess:
    """Who was refused what, from where: `status` 401 or 403, `code` of the problem, `route` as declared."""

    actor: str
    origin: str
    route: str
    status: int
    code: str


OTHERS: Final = RefusedAccess("several", "several", "several", 403, "several")


@dataclass(slots=True)
class _Count:
    since: float
    first: datetime
    repeats: int = 0


@dataclass(slots=True, eq=False)
class Refusals:
    """The refusals of one process in the running window."""

    _counts: dict[RefusedAccess, _Count] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, refusal: RefusedAccess, now: datetime, elapsed: float, write: Write) -> None:
        """Record a refusal: the first of its kind in ten minutes as a row, its repeats together when they are over."""
        over, first = self._count(refusal, now, elapsed)
        if not over and first is None:
            return

        def record(session: Session) -> None:
            _record_repeats(session, over, now)
            if first is not None:
                _record(session, first, now, {})

        write(record)

    def flush(self, now: datetime, write: Write) -> None:
        """Record the repeats that no row tells of yet, before the process ends."""
        with self._lock:
            over = [(kind, count) for kind, count in self._counts.items() if count.repeats]
            self._counts.clear()
        if over:
            write(lambda session: _record_repeats(session, over, now))

    def _count(
        self, refusal: RefusedAccess, now: datetime, elapsed: float
    ) -> tuple[list[tuple[RefusedAccess, _Count]], RefusedAccess | None]:
        """Return the kinds whose window is over and had repeats, and the refusal if it is the first of its kind."""
        with self._lock:
            past = [kind for kind, count in self._counts.items() if elapsed - count.since >= WINDOW_SECONDS]
            over = [(kind, count) for kind in past if (count := self._counts.pop(kind)).repeats]
            kind = refusal if refusal in self._counts or len(self._counts) < MOST_KINDS else OTHERS
            if kind in self._counts:
                self._counts[kind].repeats += 1
                return over, None
            self._counts[kind] = _Count(elapsed, now)
            return over, kind


def _record_repeats(session: Session, over: Sequence[tuple[RefusedAccess, _Count]], now: datetime) -> None:
    for kind, count in over:
        _record(session, kind, now, {"repeats": count.repeats, "since": count.first})


def _record(session: Session, refusal: RefusedAccess, now: datetime, detail: dict[str, object]) -> None:
    facts = {"status": refusal.status, "code": refusal.code, **detail}
    audit.record(session, Actor(refusal.actor, refusal.origin), "access.refused", refusal.route, at=now, detail=facts)
