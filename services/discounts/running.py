"""A run over all resellers: computed in ranges, decided once, applied in ranges (programme.md 6.4, 6.8).

Computing keeps what differs from what was recorded, and records nothing. The range that comes last
decides: a run that would move too many waits for a person. Applying writes what was found, but not
over what a payment had recorded anew meanwhile; then people are told, a chunk at a time. Each step of
each range is a transaction: killed anywhere and run again it leaves the same, and nobody hears twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.discounts import RunState, needs_approval
from domain.ids import new_id
from domain.programme.model import TurnoverDiscount
from mail.facts_operators import AlertKind
from models.discounts import DiscountRange, DiscountRun
from services.alerts import tell_operators
from services.discounts.book import DiscountBook
from services.discounts.news import Teller
from services.discounts.recording import sums_of
from store import discount_runs as rows
from store import discount_sets
from store.discount_sets import ALL, Sums

RUN: Final = "discounts.run"
COMPUTE: Final = "discounts.compute"
APPLY: Final = "discounts.apply"
TELL: Final = "discounts.tell"
RANGE_SIZE: Final = 20_000
CHUNK: Final = 500
"""How many are told in one transaction."""


def begin(book: DiscountBook, session: Session, code: str, size: int = RANGE_SIZE) -> DiscountRun | None:
    """Divide the resellers into ranges, a job each; None when the programme has no turnover discount."""
    programme = book.programme(session, code)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    rows.supersede(session, code, "a later run took its place", book.now)
    ranges = ranges_from(discount_sets.range_starts(session, code, size))
    run = DiscountRun(
        id=new_id(),
        programme=code,
        day=book.today(programme.zone),
        state=RunState.COMPUTING.value,
        ranges=len(ranges),
        guard_rail=rules.guard_rail,
        started_at=book.now,
    )
    session.add(run)
    session.flush()
    for number, (first, last) in enumerate(ranges):
        session.add(DiscountRange(run_id=run.id, number=number, first_id=first, last_id=last))
    session.flush()
    _enqueue(book, session, run, COMPUTE)
    return run


def ranges_from(starts: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
    """Ranges of ids, both ends included, that leave no gap: whoever comes meanwhile is in one of them."""
    bounds = [ALL[0], *list(starts)[1:]]
    ends = [UUID(int=following.int - 1) for _, following in pairwise(bounds)]
    return list(zip(bounds, [*ends, ALL[1]], strict=True))


def compute(book: DiscountBook, session: Session, run_id: UUID, number: int) -> str | None:
    """See who would move in a range; the last range decides. Returns why there is nothing to do, if so."""
    part = rows.range_of(session, run_id, number)
    if part is None or part.computed:
        return "the range is computed"
    run = rows.get(session, run_id)
    prepared = _prepared(book, session, run, part) if run else None
    if run is None or run.state != RunState.COMPUTING or prepared is None:
        return f"the run is {run.state}" if run else "there is no such run"
    resellers, moved = discount_sets.find(session, prepared[0], run.id)
    part.computed = True
    session.flush()
    counted = rows.count_computed(session, run_id, resellers, moved)
    if counted is None:
        rows.forget_the_rest(session, run_id)
        return "another run took its place"
    if counted.computed == counted.ranges:
        _decide(book, session, counted)
    return None


def _decide(book: DiscountBook, session: Session, run: DiscountRun) -> None:
    if needs_approval(run.resellers, run.moved, run.guard_rail):
        run.state = RunState.HELD.value
        told = f"{run.moved} of {run.resellers} resellers would move; kontor discounts approve {run.id}"
        tell_operators(session, book.jobs, AlertKind.GUARD_RAIL, f"{run.programme} {run.day}", told, run.moved)
        return
    start_applying(book, session, run)


def start_applying(book: DiscountBook, session: Session, run: DiscountRun) -> None:
    """Let a run record."""
    run.state = RunState.APPLYING.value
    session.flush()
    discount_sets.analyze(session)
    _enqueue(book, session, run, APPLY)


def apply(book: DiscountBook, session: Session, run_id: UUID, number: int) -> str | None:
    """Record what was found in a range. Returns why there is nothing to do, if so."""
    part = rows.range_of(session, run_id, number)
    run = rows.get(session, run_id)
    if part is None or part.applied or run is None or run.state != RunState.APPLYING:
        return "the range is applied, or not to be"
    discount_sets.apply(session, part, run.programme, run.day, book.now)
    part.applied = True
    session.flush()
    book.jobs.enqueue(session, TELL, {"run_id": str(run_id), "number": number})
    counted = rows.count_applied(session, run_id)
    if counted is not None and counted.applied == counted.ranges:
        counted.state, counted.finished_at = RunState.DONE.value, book.now
    return None


def tell(book: DiscountBook, session: Session, run_id: UUID, number: int) -> int:
    """Tell the next of an applied range; a further job goes on. Returns how many were told."""
    part = rows.range_of(session, run_id, number)
    run = rows.get(session, run_id)
    if part is None or not part.applied or run is None:
        return 0
    found = rows.news(session, part, CHUNK)
    prepared = _prepared(book, session, run, part)
    if found and prepared is not None:
        prepared[1].tell(session, found)
    if len(found) < CHUNK:
        rows.forget_the_rest(session, run_id, (part.first_id, part.last_id))
    else:
        book.jobs.enqueue(session, TELL, {"run_id": str(run_id), "number": number})
    part.told_id = found[-1].reseller_id if found else part.told_id
    return len(found)


def _prepared(
    book: DiscountBook, session: Session, run: DiscountRun, part: DiscountRange
) -> tuple[Sums, Teller] | None:
    """What a range computes with, and who tells; None once the programme discounts otherwise."""
    programme = book.programme(session, run.programme)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    sums = sums_of(run.programme, programme, rules, run.day, (part.first_id, part.last_id))
    return sums, Teller(book, programme, rules, run.day)


def _enqueue(book: DiscountBook, session: Session, run: DiscountRun, task: str) -> None:
    for number in range(run.ranges):
        book.jobs.enqueue(session, task, {"run_id": str(run.id), "number": number})
