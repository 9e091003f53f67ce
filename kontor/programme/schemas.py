"""Programmes, their versions and plans on the wire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Self

from sqlalchemy.orm import Session

from kontor.http.visibility import ActorOut
from kontor.http.wire import MoneyOut, QueryModel, ResponseModel, UtcOut
from kontor.kernel.errors import FieldError, Invalid
from kontor.programme import versions
from kontor.programme.diff import ChangeKind, Document, ProgrammeChange, changes_between, to_document
from kontor.programme.model import Programme
from kontor.programme.rollout import Rollout
from kontor.programme.service import Programmes
from kontor.programme.versions import VersionEntry


class ProgrammeQuery(QueryModel):
    """A version, by default the one in force; `against`: list what changed since another one."""

    version: int | None = None
    against: int | None = None


class ProgrammeChangeOut(ResponseModel):
    """A changed value of a file; `path` is dotted, `text` is what the command line prints."""

    kind: ChangeKind
    path: str
    before: str | None
    after: str | None
    text: str

    @classmethod
    def of(cls, change: ProgrammeChange) -> Self:
        """Build the response for a change."""
        return cls(kind=change.kind, path=change.path, before=change.before, after=change.after, text=str(change))


class ProgrammeOut(ResponseModel):
    """A version of a programme; `document` is its file with all defaults filled in, cut to what the caller may see.

    `changes`: what differs from the version asked for by `against`.
    """

    code: str
    version: int
    applied_at: UtcOut
    applied_by: ActorOut
    effective_at: UtcOut
    document: dict[str, object]
    changes: list[ProgrammeChangeOut] | None = None


class VersionOut(ResponseModel):
    """An applied file. `hash`: SHA-256 of its document."""

    version: int
    author: ActorOut
    applied_at: UtcOut
    effective_at: UtcOut
    hash: str
    reason: str | None

    @classmethod
    def of(cls, entry: VersionEntry) -> Self:
        """Build the response for a version."""
        return cls(
            version=entry.number,
            author=entry.applied_by,
            applied_at=entry.applied_at,
            effective_at=entry.effective_at,
            hash=entry.digest,
            reason=entry.reason,
        )


def programme_out(
    session: Session,
    programmes: Programmes,
    code: str,
    now: datetime,
    version: int | None = None,
    against: int | None = None,
    *,
    cut: Callable[[Programme], Document] = to_document,
) -> ProgrammeOut:
    """Return a version, by default the one in force, as `cut` shows it. Raises NotFound."""
    listed = versions.entries(session, code)
    versions.require_any(code, listed)
    entry = versions.entry_at(listed, now) if version is None else versions.entry(session, code, version)
    document = cut(programmes.of_digest(session, code, entry.digest))
    changes = None
    if against is not None:
        other = versions.entry(session, code, against)
        changes = changes_between(cut(programmes.of_digest(session, code, other.digest)), document)
    return ProgrammeOut(
        code=code,
        version=entry.number,
        applied_at=entry.applied_at,
        applied_by=entry.applied_by,
        effective_at=entry.effective_at,
        document=document,
        changes=None if changes is None else [ProgrammeChangeOut.of(change) for change in changes],
    )


class ApplyQuery(QueryModel):
    """How a file is applied: only planned, approved by the plan's hash, beginning later."""

    dry_run: bool = False
    approve: str | None = None
    effective: datetime | None = None
    reason: str | None = None


def effective_instant(effective: datetime | None) -> datetime | None:
    """Return an instant of a caller. Raises Invalid without an offset."""
    if effective is not None and effective.utcoffset() is None:
        message = "An instant with its offset is required, such as 2026-03-01T00:00:00+01:00."
        raise Invalid("invalid", message, errors=[FieldError("effective", message)])
    return effective


class PeriodChargesOut(ResponseModel):
    """What one period of everything that runs costs, after discount, by the version in force and by the file."""

    now: MoneyOut
    then: MoneyOut


class ConsequencesOut(ResponseModel):
    """How many accounts a file would put over a limit, make read-only or mail (by template), and what it touches."""

    over_limit: int
    read_only: int
    mails: dict[str, int]
    charges: PeriodChargesOut
    assignments: int
    offers: int
    templates: int
    trials: int
    tiers_moved: int


class PlanOut(ResponseModel):
    """The plan of a file; `hash` is what `approve` names. `version`: the number that it gets or has."""

    code: str
    version: int
    applied: bool
    effective_at: UtcOut
    needs_approval: bool
    hash: str
    changes: list[ProgrammeChangeOut]
    consequences: ConsequencesOut

    @classmethod
    def of(cls, planned: Rollout) -> Self:
        """Build the response for a plan."""
        plan, counts = planned.plan, planned.consequences
        return cls(
            code=plan.code,
            version=plan.version,
            applied=plan.applied,
            effective_at=plan.effective_at,
            needs_approval=planned.needs_approval,
            hash=planned.hash,
            changes=[ProgrammeChangeOut.of(change) for change in plan.changes],
            consequences=ConsequencesOut(
                over_limit=counts.over_limit,
                read_only=counts.read_only,
                mails={**counts.mails},
                charges=PeriodChargesOut(now=MoneyOut.of(counts.charges.now), then=MoneyOut.of(counts.charges.then)),
                assignments=counts.assignments,
                offers=counts.offers,
                templates=counts.templates,
                trials=counts.trials,
                tiers_moved=counts.tiers_moved,
            ),
        )
