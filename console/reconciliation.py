"""What should exist and does not: each gap, since when, and what would mend it."""

from typing import Final

from console.answers import Page
from console.visit import Visit
from models.reconciliation import GapKind
from services.reconciliation import mending, reconciling

ROWS: Final = 50
HERE: Final = "/console/reconciliation"


def show_gaps(visit: Visit) -> Page:
    """Open gaps, or with `closed` those that were mended or accepted; newest first."""
    query = visit.arrival.query
    kind = GapKind(query["kind"]) if query.get("kind") in set(GapKind) else None
    opened = not query.get("closed")
    page = reconciling.page(visit.session, kind=kind, opened=opened, cursor=visit.arrival.asked("cursor"), limit=ROWS)
    counts = reconciling.counts(visit.session)
    rest = f"kind={kind.value if kind else ''}&closed={'' if opened else 1}"
    values = {
        "gaps": [reconciling.document(gap) for gap in page.items],
        "counts": {known.value: count for known, count in counts.items() if count},
        "opened": opened,
        "next": f"{HERE}?cursor={page.next}&{rest}" if page.next else None,
    }
    return Page("reconciliation.html", "Reconciliation", values, "reconciliation")


def mend(visit: Visit, reason: str | None) -> str:
    """Close a gap by doing what is missing."""
    mending.mend(visit.session, visit.jobs, visit.arrival.uuid("gap_id"), visit.actor(reason))
    return f"{HERE}?done=mend"


def accept(visit: Visit, reason: str | None) -> str:
    """Close a gap that stays as it is."""
    mending.accept(visit.session, visit.jobs, visit.arrival.uuid("gap_id"), visit.actor(reason))
    return f"{HERE}?done=accept"
