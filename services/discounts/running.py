"""A run over all resellers: computed in ranges, decided once, applied in ranges (programme.md 6.4, 6.8).

Computing stores the differences from the recorded discounts as findings. The last range decides: a run that
would change too many tiers is held for an operator. Applying records the findings, except where a payment has
updated the record since; then resellers are notified in chunks. Each step of each range is one transaction and
can be repeated after a crash with the same result and without a second notification.
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
"""Number of resellers notified in one transaction."""


def begin(ctx: DiscountBook, session: Session, code: str, size: int = RANGE_SIZE) -> DiscountRun | None:
    """Split the resellers into ranges with one job each; None when the programme has no turnover discount."""
    programme = ctx.programme(session, code)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    rows.supersede(session, code, "superseded by a later run", ctx.now)
    ranges = ranges_from(discount_sets.range_starts(session, code, size))
    run = DiscountRun(
        id=new_id(),
        programme=code,
        day=ctx.today(programme.zone),
        state=RunState.COMPUTING.value,
        ranges=len(ranges),
        guard_rail=rules.guard_rail,
        started_at=ctx.now,
    )
    session.add(run)
    session.flush()
    for number, (first, last) in enumerate(ranges):
        session.add(DiscountRange(run_id=run.id, number=number, first_id=first, last_id=last))
    session.flush()
    _enqueue(ctx, session, run, COMPUTE)
    return run


def ranges_from(starts: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
    """Return id ranges, both ends included, without gaps, so that new resellers fall into one of them."""
    bounds = [ALL[0], *list(starts)[1:]]
    ends = [UUID(int=following.int - 1) for _, following in pairwise(bounds)]
    return list(zip(bounds, [*ends, ALL[1]], strict=True))


def compute(ctx: DiscountBook, session: Session, run_id: UUID, number: int) -> str | None:
    """Compute a range; the last range decides. Return the reason when there is nothing to do."""
    part = rows.range_of(session, run_id, number)
    if part is None or part.computed:
        return "the range is already computed"
    run = rows.get(session, run_id)
    prepared = _prepare(ctx, session, run, part) if run else None
    if run is None or run.state != RunState.COMPUTING or prepared is None:
        return f"the run is {run.state}" if run else "no such run"
    resellers, moved = discount_sets.find(session, prepared[0], run.id)
    part.computed = True
    session.flush()
    updated = rows.count_computed(session, run_id, resellers, moved)
    if updated is None:
        rows.forget_the_rest(session, run_id)
        return "superseded by another run"
    if updated.computed == updated.ranges:
        _decide(ctx, session, updated)
    return None


def _decide(ctx: DiscountBook, session: Session, run: DiscountRun) -> None:
    if needs_approval(run.resellers, run.moved, run.guard_rail):
        run.state = RunState.HELD.value
        detail = f"{run.moved} of {run.resellers} resellers would change tier; kontor discounts approve {run.id}"
        tell_operators(session, ctx.jobs, AlertKind.GUARD_RAIL, f"{run.programme} {run.day}", detail, run.moved)
        return
    start_applying(ctx, session, run)


def start_applying(ctx: DiscountBook, session: Session, run: DiscountRun) -> None:
    """Let a run record its findings."""
    run.state = RunState.APPLYING.value
    session.flush()
    discount_sets.analyze(session)
    _enqueue(ctx, session, run, APPLY)


def apply(ctx: DiscountBook, session: Session, run_id: UUID, number: int) -> str | None:
    """Record the findings of a range. Return the reason when there is nothing to do."""
    part = rows.range_of(session, run_id, number)
    run = rows.get(session, run_id)
    if part is None or part.applied or run is None or run.state != RunState.APPLYING:
        return "the range is already applied, or the run is not being applied"
    discount_sets.apply(session, part, run.programme, run.day, ctx.now)
    part.applied = True
    session.flush()
    ctx.jobs.enqueue(session, TELL, {"run_id": str(run_id), "number": number})
    counted = rows.count_applied(session, run_id)
    if counted is not None and counted.applied == counted.ranges:
        counted.state, counted.finished_at = RunState.DONE.value, ctx.now
    return None


def tell(ctx: DiscountBook, session: Session, run_id: UUID, number: int) -> int:
    """Notify the next chunk of an applied range; the next job continues. Return how many were notified."""
    part = rows.range_of(session, run_id, number)
    run = rows.get(session, run_id)
    if part is None or not part.applied or run is None:
        return 0
    findings = rows.news(session, part, CHUNK)
    prepared = _prepare(ctx, session, run, part)
    if findings and prepared is not None:
        prepared[1].notify(session, findings)
    if len(findings) < CHUNK:
        rows.forget_the_rest(session, run_id, (part.first_id, part.last_id))
    else:
        ctx.jobs.enqueue(session, TELL, {"run_id": str(run_id), "number": number})
    part.told_id = findings[-1].reseller_id if findings else part.told_id
    return len(findings)


def _prepare(ctx: DiscountBook, session: Session, run: DiscountRun, part: DiscountRange) -> tuple[Sums, Teller] | None:
    """Return the range's parameters and notifier; None when the programme no longer discounts by turnover."""
    programme = ctx.programme(session, run.programme)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    sums = sums_of(run.programme, programme, rules, run.day, (part.first_id, part.last_id))
    return sums, Teller(ctx, programme, rules, run.day)


def _enqueue(ctx: DiscountBook, session: Session, run: DiscountRun, task: str) -> None:
    for number in range(run.ranges):
        ctx.jobs.enqueue(session, task, {"run_id": str(run.id), "number": number})
