"""Recompute one reseller, or all of a programme in ranges (programme.md 6.4, 6.8)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.alerts.service import alert_operators
from kontor.context import Context
from kontor.discounts import queries, set_queries
from kontor.discounts.notifications import Notifier
from kontor.discounts.payloads import (
    RANGE_SIZE,
    DiscountsApply,
    DiscountsCompute,
    DiscountsNotify,
    DiscountsRecompute,
)
from kontor.discounts.record import TierChange, computation_for, record
from kontor.discounts.rules import needs_approval
from kontor.discounts.set_queries import ALL, DiscountComputation
from kontor.kernel.ids import new_id
from kontor.kernel.states import AlertKind, RunState
from kontor.programme.model import TurnoverDiscount
from models.accounts import Account, AccountKind
from models.discounts import DiscountRange, DiscountRun

CHUNK: Final = 500
"""Number of resellers notified in one transaction."""


def start(ctx: Context, session: Session, code: str, size: int = RANGE_SIZE) -> DiscountRun | None:
    """Split the resellers into ranges with one job each; None when the programme has no turnover discount."""
    programme = ctx.programme(session, code)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    queries.supersede(session, code, "superseded by a later run", ctx.now)
    ranges = id_ranges(set_queries.range_starts(session, code, size))
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
    _enqueue(ctx, session, run, DiscountsCompute)
    return run


def id_ranges(starts: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
    """Return id ranges, both ends included, without gaps, so that new resellers fall into one of them."""
    bounds = [ALL[0], *list(starts)[1:]]
    ends = [UUID(int=following.int - 1) for _, following in pairwise(bounds)]
    return list(zip(bounds, [*ends, ALL[1]], strict=True))


def compute(ctx: Context, session: Session, run_id: UUID, number: int) -> str | None:
    """Compute a range; the last range decides. Return the reason when there is nothing to do."""
    part = queries.lock_range(session, run_id, number)
    if part is None or part.computed:
        return "the range is already computed"
    run = queries.get(session, run_id)
    prepared = _prepare(ctx, session, run, part) if run else None
    if run is None or run.state != RunState.COMPUTING or prepared is None:
        return f"the run is {run.state}" if run else "no such run"
    resellers, moved = set_queries.compute_findings(session, prepared[0], run.id)
    part.computed = True
    session.flush()
    updated = queries.count_computed(session, run_id, resellers, moved)
    if updated is None:
        queries.delete_unmoved(session, run_id)
        return "superseded by another run"
    if updated.computed == updated.ranges:
        _decide(ctx, session, updated)
    return None


def _decide(ctx: Context, session: Session, run: DiscountRun) -> None:
    if needs_approval(run.resellers, run.moved, run.guard_rail):
        run.state = RunState.HELD.value
        detail = f"{run.moved} of {run.resellers} resellers would change tier; kontor discounts approve {run.id}"
        alert_operators(session, ctx.jobs, AlertKind.GUARD_RAIL, f"{run.programme} {run.day}", detail, run.moved)
        return
    start_applying(ctx, session, run)


def start_applying(ctx: Context, session: Session, run: DiscountRun) -> None:
    """Let a run record its findings."""
    run.state = RunState.APPLYING.value
    session.flush()
    set_queries.analyze(session)
    _enqueue(ctx, session, run, DiscountsApply)


def apply(ctx: Context, session: Session, run_id: UUID, number: int) -> str | None:
    """Record the findings of a range. Return the reason when there is nothing to do."""
    part = queries.lock_range(session, run_id, number)
    run = queries.get(session, run_id)
    if part is None or part.applied or run is None or run.state != RunState.APPLYING:
        return "the range is already applied, or the run is not being applied"
    set_queries.apply(session, part, run.programme, run.day, ctx.now)
    part.applied = True
    session.flush()
    ctx.jobs.enqueue(session, DiscountsNotify(run_id=run_id, number=number))
    counted = queries.count_applied(session, run_id)
    if counted is not None and counted.applied == counted.ranges:
        counted.state, counted.finished_at = RunState.DONE.value, ctx.now
    return None


def notify(ctx: Context, session: Session, run_id: UUID, number: int) -> int:
    """Notify the next chunk of an applied range; the next job continues. Return how many were notified."""
    part = queries.lock_range(session, run_id, number)
    run = queries.get(session, run_id)
    if part is None or not part.applied or run is None:
        return 0
    findings = queries.next_to_notify(session, part, CHUNK)
    prepared = _prepare(ctx, session, run, part)
    if findings and prepared is not None:
        prepared[1].notify(session, findings)
    if len(findings) < CHUNK:
        queries.delete_unmoved(session, run_id, (part.first_id, part.last_id))
    else:
        ctx.jobs.enqueue(session, DiscountsNotify(run_id=run_id, number=number))
    part.told_id = findings[-1].reseller_id if findings else part.told_id
    return len(findings)


def _prepare(
    ctx: Context, session: Session, run: DiscountRun, part: DiscountRange
) -> tuple[DiscountComputation, Notifier] | None:
    """Return the range's parameters and notifier; None when the programme no longer discounts by turnover."""
    programme = ctx.programme(session, run.programme)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    sums = computation_for(run.programme, programme, rules, run.day, (part.first_id, part.last_id))
    return sums, Notifier(ctx, programme, rules, run.day)


def _enqueue(
    ctx: Context, session: Session, run: DiscountRun, payload: type[DiscountsCompute | DiscountsApply]
) -> None:
    for number in range(run.ranges):
        ctx.jobs.enqueue(session, payload(run_id=run.id, number=number))


def enqueue_recompute(ctx: Context, session: Session, reseller: Account) -> None:
    """Enqueue the recomputation in the caller's transaction, which holds at least a share lock on the reseller's row.

    A burst of payments shares one job and none is missed: the job locks the row exclusively before it reads the
    payments, so every payment that found the job waiting is committed by then; later payments enqueue a new job.
    """
    if not isinstance(ctx.programme(session, reseller.programme).discount, TurnoverDiscount):
        return
    payload = DiscountsRecompute(reseller_id=reseller.id)
    ctx.jobs.enqueue(session, payload, tenant=str(reseller.id), unique_key=str(reseller.id))


def recompute(ctx: Context, session: Session, reseller_id: UUID) -> TierChange | None:
    """Record a reseller's discount of today and notify it of changes; None when it is no longer a reseller."""
    reseller = accounts.find(session, reseller_id, lock=True)
    if reseller is None or reseller.kind != AccountKind.RESELLER or reseller.deleted_at is not None:
        return None
    programme = ctx.programme(session, reseller.programme)
    rules = programme.discount
    if not isinstance(rules, TurnoverDiscount):
        return None
    day = ctx.today(programme.zone)
    sums = computation_for(reseller.programme, programme, rules, day, (reseller.id, reseller.id))
    change = record(ctx, session, sums)
    if change is not None:
        Notifier(ctx, programme, rules, day).notify(session, [change])
    return change
