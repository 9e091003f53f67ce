"""Apply a file with its consequences: a plan first, approval where it touches much, then what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.kernel.errors import Conflict
from kontor.kernel.serialization import canonical_json
from kontor.programme import files, versions
from kontor.programme.consequences import Consequences, FileEffects, Playing
from kontor.programme.files import ApplyPlan, PreparedFile
from kontor.programme.payloads import ProgrammesAnnounce, ProgrammesBegin
from kontor.usage import quotas

PRICE_MAILS: Final = frozenset({"price-change", "margin-note"})


@dataclass(frozen=True, slots=True)
class Rollout:
    """The plan of a file; `hash` is what an approval names: of the file, the version and the data it touches."""

    plan: ApplyPlan
    hash: str
    consequences: Consequences
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a file is applied. `effective`: when it begins; `approve`: the hash of an approved plan.

    `seen`: the state of the versions that the file was made from; another is refused.
    """

    dry_run: bool = False
    effective: datetime | None = None
    approve: str | None = None
    reason: str | None = None
    seen: str | None = None


def apply_file(
    ctx: Context,
    session: Session,
    code: str,
    text: str,
    *,
    actor: str,
    options: ApplyOptions = ApplyOptions(),
) -> Rollout:
    """Plan a file and, unless it is a dry run, apply it.

    Raises what `files.prepare` raises, and Conflict(`approval_required`) with the plan's `hash`.
    """
    prepared = files.prepare(session, code, text, now=ctx.now, effective=options.effective, seen=options.seen)
    planned = _plan(ctx, session, prepared, options)
    if options.dry_run or (prepared.row is not None and not prepared.plan.changes):
        return planned
    if options.approve not in ({planned.hash} if planned.needs_approval else {planned.hash, None}):
        raise _approval_required(planned, stale=options.approve is not None)
    follows = None if prepared.row is None else _number_before(session, prepared)
    plan = files.write(session, prepared, text, now=ctx.now, actor=actor, reason=options.reason)
    if follows is not None:
        _enqueue(ctx, session, planned, follows)
    return replace(planned, plan=plan)


def begin(ctx: Context, session: Session, payload: ProgrammesBegin) -> bool:
    """Put the version of now in force and check limits that this one changed; return whether it ever began.

    Limits are compared with the version that was in force until then: after it was applied, others may have begun.
    """
    files.begin_due(session, payload.programme, ctx.now)
    listed = versions.Versions(ctx.programmes, session, payload.programme)
    follows = versions.replaced_by(listed.listed, payload.number, ctx.now)
    if follows is None:
        return False
    before, after = listed.numbered(follows.number), listed.numbered(payload.number)
    quotas.enqueue_check_on_limit_change(session, ctx.jobs, payload.programme, before, after)
    return True


def _plan(ctx: Context, session: Session, prepared: PreparedFile, options: ApplyOptions) -> Rollout:
    plan, before = prepared.plan, prepared.before
    effects = (
        FileEffects(prepared.programme.currency)
        if before is None
        else Playing(ctx, session, plan.code, before, prepared.programme, plan.changes).effects
    )
    effective = None if options.effective is None else options.effective.isoformat()
    approved = {"file": plan.hash, "version": plan.version, "effective": effective, "touched": effects.touched()}
    hash_ = sha256(canonical_json(approved).encode()).hexdigest()
    return Rollout(plan, hash_, effects.counts, effects.needs_approval)


def _approval_required(planned: Rollout, *, stale: bool) -> Conflict:
    counts = planned.consequences
    touched = (
        f"{counts.read_only} account(s) become read-only, {sum(counts.mails.values())} mail(s) are sent,"
        f" {counts.tiers_moved} reseller(s) move, a period costs {counts.charges.then} instead of {counts.charges.now}"
    )
    why = "The approved plan is out of date" if stale else "The file touches more than may be applied at once"
    message = f"{why}: {touched}. Check the plan, then approve it: --approve {planned.hash}"
    return Conflict("approval_required", message, hash=planned.hash)


def _number_before(session: Session, prepared: PreparedFile) -> int:
    listed = versions.entries(session, prepared.plan.code)
    return versions.entry_at(listed, prepared.plan.effective_at).number


def _enqueue(ctx: Context, session: Session, planned: Rollout, follows: int) -> None:
    """Enqueue what follows: at its instant what makes it begin, now the mails about prices."""
    plan = planned.plan
    facts = {"programme": plan.code, "number": plan.version, "follows": follows}
    begins = plan.effective_at if plan.later else None
    ctx.jobs.enqueue(session, ProgrammesBegin.model_validate(facts), run_at=begins)
    if planned.consequences.mails.keys() & PRICE_MAILS:
        ctx.jobs.enqueue(session, ProgrammesAnnounce.model_validate(facts))
