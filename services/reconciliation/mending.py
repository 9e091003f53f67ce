"""Close a gap: enqueue the job that repairs it, or accept it as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.cron import Occurrence
from domain.errors import Conflict, NotFound
from engine.control import Actor, Control
from engine.enqueue import Jobs, Request
from engine.schedules import make_up
from models.offers import Offer
from models.reconciliation import GapKind, ReconciliationGap
from services.reconciliation.restoring import restore_charge
from store import audit
from store.reconciliation import gaps as rows
from store.reconciliation import occurrences

BY_HAND: Final = frozenset({GapKind.MAIL_GONE})


def mendable(kind: GapKind) -> bool:
    """Whether Kontor can repair such a gap without guessing."""
    return kind not in BY_HAND


def mend(session: Session, jobs: Jobs, gap_id: UUID, actor: Actor) -> ReconciliationGap:
    """Repair a gap; the next reconciliation checks the result. Repeating it has no further effect.

    Raises NotFound, Conflict(`not_mendable`, `mended`).
    """
    gap = _lock_open(session, gap_id)
    kind = GapKind(gap.kind)
    if not mendable(kind):
        raise Conflict("not_mendable", "Kontor cannot repair this automatically; see its remedy.", state=kind.value)
    if kind is GapKind.OCCURRENCE:
        gap.job_id = _make_up_occurrence(session, jobs, gap)
    elif kind is GapKind.CHARGE_GONE:
        restore_charge(session, gap.mend, jobs.clock.now())
        gap.mended_at = jobs.clock.now()
    else:
        gap.job_id = _enqueue_job(session, jobs, gap, kind, actor)
    _note(session, jobs, "reconciliation.mend", gap, actor)
    session.flush()
    return gap


def accept(session: Session, jobs: Jobs, gap_id: UUID, actor: Actor) -> ReconciliationGap:
    """Close a gap without repairing it; it is not reported again. Raises NotFound, Conflict(`mended`)."""
    gap = _lock_open(session, gap_id)
    gap.mended_at, gap.accepted_by = jobs.clock.now(), actor.name
    _note(session, jobs, "reconciliation.accept", gap, actor)
    session.flush()
    return gap


def _lock_open(session: Session, gap_id: UUID) -> ReconciliationGap:
    gap = rows.by_id(session, gap_id, lock=True)
    if gap is None:
        raise NotFound(message="No such gap.")
    if gap.mended_at is not None:
        raise Conflict("mended", "The gap is already closed.", state="mended")
    return gap


def _enqueue_job(session: Session, jobs: Jobs, gap: ReconciliationGap, kind: GapKind, actor: Actor) -> UUID:
    """Enqueue the gap's job unless it is already waiting; a dead job is retried instead."""
    repair_job: dict[str, Any] = gap.mend
    if repair_job.get("retry"):
        Control(jobs).retry(session, UUID(repair_job["retry"]), actor)
        return UUID(repair_job["retry"])
    run_at = datetime.fromisoformat(repair_job["run_at"]) if repair_job.get("run_at") else None
    request = Request(
        repair_job["task"],
        repair_job["args"],
        tenant=repair_job.get("tenant", ""),
        lane=repair_job.get("lane"),
        run_at=run_at,
        unique_key=f"mend:{gap.kind}:{gap.subject}",
    )
    job_id = jobs.put(session, request).id
    if kind is GapKind.OFFER_DELIVERY:
        session.get_one(Offer, UUID(gap.subject)).delivery_job_id = job_id
    return job_id


def _make_up_occurrence(session: Session, jobs: Jobs, gap: ReconciliationGap) -> UUID | None:
    schedule = occurrences.schedule(session, gap.mend["schedule"])
    if schedule is None:
        raise Conflict("not_mendable", "The schedule no longer exists; accept the gap.", state=gap.kind)
    slot = Occurrence(datetime.fromisoformat(gap.mend["due"]), gap.mend["slot"])
    return make_up(session, jobs, schedule, slot)


def _note(session: Session, jobs: Jobs, action: str, gap: ReconciliationGap, actor: Actor) -> None:
    audit.add(
        session,
        at=jobs.clock.now(),
        actor=actor.name,
        action=action,
        target=f"gap:{gap.kind}:{gap.subject}",
        reason=actor.reason,
        origin=actor.origin,
        detail={"job": None if gap.job_id is None else str(gap.job_id)},
    )
