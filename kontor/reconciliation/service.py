"""Record gaps, and close them by a repair job or by accepting them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor import audit
from kontor.account_book import service as account_book
from kontor.audit import Actor
from kontor.engine.admin.operations import Operations
from kontor.engine.cron import Occurrence
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.engine.schedules import backfill
from kontor.fees import statements
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.paging import Page
from kontor.programme.service import Programmes
from kontor.reconciliation import queries
from kontor.reconciliation.checks import CheckResult, can_repair, run_checks
from kontor.reconciliation.queries import LostCharge, LostLine, MissedSlot, RepairJob, charge_created
from models.fees import Charge, FeeRun
from models.offers import Offer
from models.reconciliation import GapKind, ReconciliationGap

KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class ReconciliationResult:
    """Result of a reconciliation: number of new, closed and, by kind, open gaps."""

    fresh: int
    closed: int
    open: Mapping[GapKind, int]

    def document(self) -> dict[str, JsonValue]:
        """Return the result as JSON; kinds without a gap are left out."""
        open_: dict[str, JsonValue] = {kind.value: count for kind, count in self.open.items() if count}
        return {"new": self.fresh, "closed": self.closed, "open": open_}


def reconcile(
    session: Session, programmes: Programmes, now: datetime, *, everything: bool = False
) -> ReconciliationResult:
    """Run all checks and record the gaps; the next alert digest reports new ones to operators."""
    opened, closed, before = 0, 0, queries.counts(session)
    for result in run_checks(session, programmes, now, everything=everything):
        if result.gaps or before.get(result.kind):
            opened_now, closed_now = _write(session, result, now)
            opened, closed = opened + opened_now, closed + closed_now
    queries.purge(session, now - KEPT)
    return ReconciliationResult(opened, closed, queries.counts(session))


def _write(session: Session, result: CheckResult, now: datetime) -> tuple[int, int]:
    opened = queries.upsert(session, result.kind, result.gaps, now)
    open_subjects = [gap.subject for gap in result.gaps]
    closed = queries.close(session, result.kind, open_subjects, now) if result.complete else 0
    return len(opened), closed


def page(
    session: Session,
    *,
    kind: GapKind | None = None,
    opened: bool | None = True,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[ReconciliationGap]:
    """Return gaps, newest first. Raises Invalid on an invalid cursor."""
    return queries.page(session, kind=kind, opened=opened, cursor=cursor, limit=limit)


def counts(session: Session) -> dict[GapKind, int]:
    """Return the number of open gaps of each kind."""
    return queries.counts(session)


def repair(session: Session, jobs: Jobs, gap_id: UUID, actor: Actor) -> ReconciliationGap:
    """Repair a gap; the next reconciliation checks the result. Repeating it has no further effect.

    Raises NotFound, Conflict(`not_mendable`, `mended`).
    """
    gap = _lock_open(session, gap_id)
    kind = GapKind(gap.kind)
    if not can_repair(kind):
        raise Conflict("not_mendable", "Kontor cannot repair this automatically; see its remedy.", state=kind.value)
    if kind is GapKind.OCCURRENCE:
        gap.job_id = _make_up_occurrence(session, jobs, gap)
    elif kind is GapKind.CHARGE_GONE:
        restore_charge(session, LostCharge.model_validate(gap.mend), jobs.clock.now())
        gap.mended_at = jobs.clock.now()
    elif kind is GapKind.BOOK_LINE:
        lost = LostLine.model_validate(gap.mend)
        account_book.write_line(session, lost.fact_id, lost.kind)
        gap.mended_at = jobs.clock.now()
    else:
        gap.job_id = _enqueue_job(session, jobs, gap, kind, actor)
    _record(session, actor, "reconciliation.mend", gap, jobs.clock.now())
    session.flush()
    return gap


def accept(session: Session, jobs: Jobs, gap_id: UUID, actor: Actor) -> ReconciliationGap:
    """Close a gap without repairing it; it is not reported again. Raises NotFound, Conflict(`mended`)."""
    gap = _lock_open(session, gap_id)
    gap.mended_at, gap.accepted_by = jobs.clock.now(), actor.name
    _record(session, actor, "reconciliation.accept", gap, jobs.clock.now())
    session.flush()
    return gap


def _lock_open(session: Session, gap_id: UUID) -> ReconciliationGap:
    gap = queries.by_id(session, gap_id, lock=True)
    if gap is None:
        raise NotFound(message="No such gap.")
    if gap.mended_at is not None:
        raise Conflict("mended", "The gap is already closed.", state="mended")
    return gap


def _enqueue_job(session: Session, jobs: Jobs, gap: ReconciliationGap, kind: GapKind, actor: Actor) -> UUID:
    """Enqueue the gap's job unless it is already waiting; a dead job is retried instead."""
    repair_job = RepairJob.model_validate(gap.mend)
    if repair_job.retry is not None:
        Operations(jobs).retry(session, repair_job.retry, actor)
        return repair_job.retry
    request = JobRequest(
        repair_job.task,
        repair_job.args,
        tenant=repair_job.tenant,
        lane=repair_job.lane,
        run_at=repair_job.run_at,
        unique_key=f"mend:{gap.kind}:{gap.subject}",
    )
    job_id = jobs.enqueue_request(session, request).id
    if kind is GapKind.OFFER_DELIVERY:
        session.get_one(Offer, UUID(gap.subject)).delivery_job_id = job_id
    return job_id


def _make_up_occurrence(session: Session, jobs: Jobs, gap: ReconciliationGap) -> UUID | None:
    missed = MissedSlot.model_validate(gap.mend)
    schedule = queries.lock_schedule(session, missed.schedule)
    if schedule is None:
        raise Conflict("not_mendable", "The schedule no longer exists; accept the gap.", state=gap.kind)
    return backfill(session, jobs, schedule, Occurrence(datetime.fromisoformat(missed.due), missed.slot))


def _record(session: Session, actor: Actor, action: str, gap: ReconciliationGap, now: datetime) -> None:
    detail = {"job": None if gap.job_id is None else str(gap.job_id)}
    audit.record(session, actor, action, f"gap:{gap.kind}:{gap.subject}", at=now, detail=detail)


def restore_charge(session: Session, lost: LostCharge, now: datetime) -> Charge:
    """Restore a charge with its original id, amounts and payer; `how` names the event.

    Raises Conflict(`not_mendable`) when there is no event for it or the charge exists.
    """
    run, start = session.get_one(FeeRun, lost.run_id, with_for_update=True), lost.period_start
    event = charge_created(session, run.account_id, run.kind, run.code, start)
    if event is None or session.get(Charge, UUID(event.data["id"])) is not None:
        message = "There is no event for that charge, or the charge exists already; check it and accept the gap."
        raise Conflict("not_mendable", message, state="charge_gone")
    data = event.data
    fee, discount = (Decimal(data[name]["amount"]) for name in ("fee", "discount"))
    charge = Charge(
        id=UUID(data["id"]),
        run_id=run.id,
        programme=run.programme,
        account_id=run.account_id,
        reseller_id=UUID(data["reseller_id"]) if data["reseller_id"] else None,
        kind=run.kind,
        product=data["product"],
        period_start=start,
        period_end=date.fromisoformat(data["period_end"]),
        currency=data["fee"]["currency"],
        fee=fee,
        percent=discount * 100 / fee if fee else Decimal(0),
        discount=discount,
        total=Decimal(data["total"]["amount"]),
        how={"restored_from_event": event.seq},
        created_at=event.at,
    )
    statements.mark_stated(session, charge)
    session.add(charge)
    session.flush()
    return charge
