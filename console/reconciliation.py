"""Reconciliation gaps: what is missing, since when, and its repair."""

from typing import Final

from console import texts
from console.answers import Page
from console.visit import Visit
from models.reconciliation import GapKind
from services.reconciliation import mending, reconciling

ROWS: Final = 50
HERE: Final = "/console/reconciliation"


def show_gaps(visit: Visit) -> Page:
    """Show open gaps, or with `closed` the repaired and accepted ones; newest first."""
    query = visit.arrival.query
    kind = GapKind(query["kind"]) if query.get("kind") in set(GapKind) else None
    opened = not query.get("closed")
    page = reconciling.page(visit.session, kind=kind, opened=opened, cursor=visit.arrival.param("cursor"), limit=ROWS)
    counts = reconciling.counts(visit.session)
    rest = f"kind={kind.value if kind else ''}&closed={'' if opened else 1}"
    values = {
        "gaps": [reconciling.document(gap) for gap in page.items],
        "counts": {kind.value: count for kind, count in counts.items() if count},
        "labels": texts.GAP_LABELS,
        "opened": opened,
        "next": f"{HERE}?cursor={page.next}&{rest}" if page.next else None,
    }
    return Page("reconciliation.html", "Reconciliation", values, "reconciliation")


def mend(visit: Visit, reason: str | None) -> str:
    """Repair a gap by doing the missing work."""
    mending.mend(visit.session, visit.jobs, visit.arrival.uuid("gap_id"), visit.actor(reason))
    return f"{HERE}?done=mend"


def accept(visit: Visit, reason: str | None) -> str:
    """Accept a gap: close it as it is."""
    mending.accept(visit.session, visit.jobs, visit.arrival.uuid("gap_id"), visit.actor(reason))
    return f"{HERE}?done=accept"
