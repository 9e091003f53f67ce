"""What operators do with runs: look, preview, begin, let them record or refuse them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.discounts import RunState, needs_approval
from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.money import Money
from domain.paging import Page, cursor_id, cut
from domain.programme.model import Programme, TurnoverDiscount
from models.discounts import DiscountFinding, DiscountRun
from services.discounts import running
from services.discounts.book import DiscountBook
from services.discounts.recording import sums_of
from store import audit, discount_sets
from store import discount_runs as rows
from store.discount_runs import RunFilter

SHOWN: Final = 1_000
"""The most resellers that a preview names."""

Document = dict[str, Any]


def begin(book: DiscountBook, session: Session, code: str, actor: str) -> DiscountRun:
    """Begin a run for the local day it is. Raises Invalid(`unknown_programme`, `no_turnover_discount`)."""
    _rules(code, book.programme(session, code))
    run = running.begin(book, session, code)
    assert run is not None, "the programme discounts by turnover"
    audit.add(session, at=book.now, actor=actor, action="discounts.run", target=f"run:{run.id}")
    return run


def preview(book: DiscountBook, session: Session, code: str) -> Document:
    """What a run would do now: who moves from which tier to which, in totals; writes nothing."""
    programme = book.programme(session, code)
    rules = _rules(code, programme)
    day = book.today(programme.zone)
    sums = sums_of(code, programme, rules, day)
    counted = discount_sets.preview(session, sums)
    moves = [row for row in counted if row.before != row.after]
    resellers, moved = sum(row.resellers for row in counted), sum(row.resellers for row in moves)
    return {
        "programme": code,
        "day": day,
        "resellers": resellers,
        "moved": moved,
        "guard_rail": float(rules.guard_rail),
        "needs_approval": needs_approval(resellers, moved, rules.guard_rail),
        "moves": [{"from": row.before, "to": row.after, "resellers": row.resellers} for row in moves],
        "movers": [_mover(row, programme) for row in discount_sets.movers(session, sums, SHOWN)],
    }


def _rules(code: str, programme: Programme) -> TurnoverDiscount:
    if isinstance(programme.discount, TurnoverDiscount):
        return programme.discount
    message = f"{code} does not discount by turnover: there is nothing to compute."
    raise Invalid("no_turnover_discount", message, errors=[FieldError("programme", message)])


def approve(book: DiscountBook, session: Session, run_id: UUID, actor: str, reason: str | None) -> DiscountRun:
    """Let a held run record and mail, from the payments as they are now. Raises NotFound, Conflict(`not_held`)."""
    run = _decided(book, session, run_id, actor, reason, "approve")
    running.start_applying(book, session, run)
    return run


def reject(book: DiscountBook, session: Session, run_id: UUID, actor: str, reason: str | None) -> DiscountRun:
    """Have a held run record nothing. Raises NotFound, Conflict(`not_held`)."""
    run = _decided(book, session, run_id, actor, reason, "reject")
    run.state, run.finished_at = RunState.REJECTED.value, book.now
    session.flush()
    rows.forget_the_rest(session, run.id)
    return run


def _decided(
    book: DiscountBook, session: Session, run_id: UUID, actor: str, reason: str | None, verb: str
) -> DiscountRun:
    run = rows.get(session, run_id, lock=True)
    if run is None:
        raise NotFound(message="There is no such run.")
    if run.state != RunState.HELD:
        raise Conflict("not_held", f"The run is {run.state}; only a held one is decided.", state=run.state)
    run.decided_at, run.decided_by, run.reason = book.now, actor, reason
    action = f"discounts.{verb}"
    audit.add(session, at=book.now, actor=actor, action=action, target=f"run:{run.id}", reason=reason)
    return run


def get(session: Session, run_id: UUID) -> DiscountRun:
    """One run. Raises NotFound."""
    run = rows.get(session, run_id)
    if run is None:
        raise NotFound(message="There is no such run.")
    return run


def page(session: Session, wanted: RunFilter, cursor: str | None = None, limit: int = 100) -> Page[DiscountRun]:
    """Runs, newest first. Raises Invalid on a strange cursor."""
    found = rows.page(session, wanted, cursor_id(cursor), limit + 1)
    return cut(found, limit, lambda run: str(run.id))


def movers(session: Session, run_id: UUID, cursor: str | None = None, limit: int = 100) -> Page[DiscountFinding]:
    """Who moved in a run, or would. Raises NotFound, Invalid on a strange cursor."""
    get(session, run_id)
    found = rows.moves(session, run_id, cursor_id(cursor), limit + 1)
    return cut(found, limit, lambda move: str(move.reseller_id))


def mover_document(book: DiscountBook, session: Session, run: DiscountRun, move: DiscountFinding) -> Document:
    """The JSON shape of a reseller that moved."""
    return _mover(move, book.programme(session, run.programme))


def _mover(move: Any, programme: Programme) -> Document:
    return {
        "reseller_id": move.reseller_id,
        "from": move.before,
        "to": move.after,
        "turnover": Money(move.turnover, programme.currency).to_document(),
    }


def documents(session: Session, runs: Sequence[DiscountRun]) -> list[Document]:
    """The JSON shape of runs, with how many moved from which tier to which."""
    totals: dict[UUID, list[Document]] = defaultdict(list)
    for run_id, before, after, resellers in rows.totals(session, [run.id for run in runs]):
        totals[run_id].append({"from": before, "to": after, "resellers": resellers})
    return [
        {
            "id": run.id,
            "programme": run.programme,
            "day": run.day,
            "state": run.state,
            "ranges": run.ranges,
            "computed": run.computed,
            "applied": run.applied,
            "resellers": run.resellers,
            "moved": run.moved,
            "guard_rail": float(run.guard_rail),
            "moves": totals[run.id],
            "started_at": run.started_at,
            "decided_at": run.decided_at,
            "decided_by": run.decided_by,
            "reason": run.reason,
            "finished_at": run.finished_at,
        }
        for run in runs
    ]
