"""Reconciliation gaps on the wire."""

from typing import Self
from uuid import UUID

from kontor.http.wire import PageQuery, ResponseModel, UtcOut
from kontor.reconciliation.checks import REMEDIES, can_repair
from models.reconciliation import GapKind, ReconciliationGap


class GapOut(ResponseModel):
    """A gap: something that should exist but does not."""

    id: UUID
    kind: GapKind
    subject: str
    detail: str
    remedy: str
    mendable: bool
    since: UtcOut
    seen_at: UtcOut
    mended_at: UtcOut | None
    accepted_by: str | None
    job_id: UUID | None

    @classmethod
    def of(cls, gap: ReconciliationGap) -> Self:
        """Build the response for a gap."""
        kind = GapKind(gap.kind)
        return cls(
            id=gap.id,
            kind=kind,
            subject=gap.subject,
            detail=gap.detail,
            remedy=REMEDIES[kind],
            mendable=gap.mended_at is None and can_repair(kind),
            since=gap.since,
            seen_at=gap.seen_at,
            mended_at=gap.mended_at,
            accepted_by=gap.accepted_by,
            job_id=gap.job_id,
        )


class GapQuery(PageQuery):
    """Filter for gaps; open ones by default."""

    kind: GapKind | None = None
    open: bool = True
