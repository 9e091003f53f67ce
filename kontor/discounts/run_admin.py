"""Operator actions on discount runs: list, preview, start, approve, reject."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.context import Context
from kontor.discounts import daily_run, queries, set_queries
from kontor.discounts.queries import RunFilter
from kontor.discounts.record import computation_for
from kontor.discounts.rules import needs_approval
from kontor.discounts.schemas import DiscountRunOut, DiscountRunPreviewOut, MoverOut, TierMoveOut
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.paging import Page
from kontor.kernel.states import RunState
from kontor.programme.model import Programme, TurnoverDiscount
from models.discounts import DiscountChange, DiscountRun

SHOWN: Final = 1_000
"""Maximum number of resellers listed in a preview."""


def start(ctx: Context, session: Session, code: str, actor: str) -> DiscountRun:
    """Start a run for the current local day. Raises Invalid(`unknown_programme`, `no_turnover_discount`)."""
    _turnover_rules(code, ctx.programme(session, code))
    run = daily_run.start(ctx, session, code)
    assert run is not None, "the programme discounts by turnover"
    audit.record(session, Actor(actor), "discounts.run", f"run:{run.id}", at=ctx.now)
    return run


def preview(ctx: Context, session: Session, code: str) -> DiscountRunPreviewOut:
    """Return what a run would change now: tier changes in total and the resellers concerned; writes nothing."""
    programme = ctx.programme(session, code)
    rules = _turnover_rules(code, programme)
    day = ctx.today(programme.zone)
    sums = computation_for(code, programme, rules, day)
    transitions = set_queries.preview(session, sums)
    moves = [row for row in transitions if row.moved]
    resellers, moved = sum(row.resellers for row in transitions), sum(row.resellers for row in moves)
    return DiscountRunPreviewOut(
        programme=code,
        day=day,
        resellers=resellers,
        moved=moved,
        guard_rail=float(rules.guard_rail),
        needs_approval=needs_approval(resellers, moved, rules.guard_rail),
        moves=[TierMoveOut(from_=row.before, to=row.after, resellers=row.resellers) for row in moves],
        movers=[MoverOut.of(row, programme.currency) for row in set_queries.movers(session, sums, SHOWN)],
    )


def _turnover_rules(code: str, programme: Programme) -> TurnoverDiscount:
    if isinstance(programme.discount, TurnoverDiscount):
        return programme.discount
    message = f"Programme {code} has no turnover discount, so there is nothing to compute."
    raise Invalid("no_turnover_discount", message, errors=[FieldError("programme", message)])


def approve(ctx: Context, session: Session, run_id: UUID, actor: str, reason: str | None) -> DiscountRun:
    """Let a held run record and mail its findings. Raises NotFound, Conflict(`not_held`)."""
    run = _lock_and_decide(ctx, session, run_id, actor, reason, "approve")
    daily_run.start_applying(ctx, session, run)
    return run


def reject(ctx: Context, session: Session, run_id: UUID, actor: str, reason: str | None) -> DiscountRun:
    """End a held run without recording anything. Raises NotFound, Conflict(`not_held`)."""
    run = _lock_and_decide(ctx, session, run_id, actor, reason, "reject")
    run.state, run.finished_at = RunState.REJECTED.value, ctx.now
    session.flush()
    queries.delete_unmoved(session, run.id)
    return run


def _lock_and_decide(
    ctx: Context, session: Session, run_id: UUID, actor: str, reason: str | None, verb: str
) -> DiscountRun:
    run = queries.get(session, run_id, lock=True)
    if run is None:
        raise NotFound(message="No such run.")
    if run.state != RunState.HELD:
        raise Conflict(
            "not_held", f"Only a held run can be approved or rejected; this one is {run.state}.", state=run.state
        )
    run.decided_at, run.decided_by, run.reason = ctx.now, actor, reason
    audit.record(session, Actor(actor, reason=reason), f"discounts.{verb}", f"run:{run.id}", at=ctx.now)
    return run


def get(session: Session, run_id: UUID) -> DiscountRun:
    """Return one run. Raises NotFound."""
    run = queries.get(session, run_id)
    if run is None:
        raise NotFound(message="No such run.")
    return run


def page(session: Session, filters: RunFilter, cursor: str | None = None, limit: int = 100) -> Page[DiscountRun]:
    """Return runs, newest first. Raises Invalid on an invalid cursor."""
    return queries.page(session, filters, cursor, limit)


def held(session: Session) -> int:
    """Return how many runs wait for a decision."""
    return queries.held(session)


def movers(session: Session, run_id: UUID, cursor: str | None = None, limit: int = 100) -> Page[DiscountChange]:
    """Return the resellers whose tier a run changes. Raises NotFound, Invalid on an invalid cursor."""
    get(session, run_id)
    return queries.moves(session, run_id, cursor, limit)


def describe(session: Session, runs: Sequence[DiscountRun]) -> list[DiscountRunOut]:
    """Return runs with the number of tier changes by old and new tier."""
    totals: dict[UUID, list[TierMoveOut]] = defaultdict(list)
    for run_id, before, after, resellers in queries.totals(session, [run.id for run in runs]):
        totals[run_id].append(TierMoveOut(from_=before, to=after, resellers=resellers))
    return [DiscountRunOut.of(run, totals[run.id]) for run in runs]
