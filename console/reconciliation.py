"""Reconciliation gaps: list, repair, accept."""

from typing import Final

from console import texts
from console.answers import TemplateResponse
from console.visit import ConsoleRequest
from models.reconciliation import GapKind
from services.reconciliation import mending, reconciling

ROWS: Final = 50
BASE_PATH: Final = "/console/reconciliation"


def show_gaps(request: ConsoleRequest) -> TemplateResponse:
    """Show open gaps, or with `closed` the repaired and accepted ones; newest first."""
    query = request.incoming.query
    kind = GapKind(query["kind"]) if query.get("kind") in set(GapKind) else None
    opened = not query.get("closed")
    page = reconciling.page(
        request.session, kind=kind, opened=opened, cursor=request.incoming.param("cursor"), limit=ROWS
    )
    counts = reconciling.counts(request.session)
    rest = f"kind={kind.value if kind else ''}&closed={'' if opened else 1}"
    values = {
        "gaps": [reconciling.document(gap) for gap in page.items],
        "counts": {kind.value: count for kind, count in counts.items() if count},
        "labels": texts.GAP_LABELS,
        "opened": opened,
        "next": f"{BASE_PATH}?cursor={page.next}&{rest}" if page.next else None,
    }
    return TemplateResponse("reconciliation.html", "Reconciliation", values, "reconciliation")


def mend(request: ConsoleRequest, reason: str | None) -> str:
    """Repair a gap by doing the missing work."""
    mending.mend(request.session, request.jobs, request.incoming.uuid("gap_id"), request.actor(reason))
    return f"{BASE_PATH}?done=mend"


def accept(request: ConsoleRequest, reason: str | None) -> str:
    """Accept a gap: close it as it is."""
    mending.accept(request.session, request.jobs, request.incoming.uuid("gap_id"), request.actor(reason))
    return f"{BASE_PATH}?done=accept"
