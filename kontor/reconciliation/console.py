"""Reconciliation gaps: list, repair, accept."""

from typing import Final

from kontor.reconciliation import service
from kontor.reconciliation.schemas import GapOut
from kontor.ui import texts
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from models.reconciliation import GapKind

ROWS: Final = 50
BASE_PATH: Final = "/console/reconciliation"


def show_gaps(request: ConsoleRequest) -> TemplateResponse:
    """Show open gaps, or with `closed` the repaired and accepted ones; newest first."""
    query = request.incoming.query
    kind = GapKind(query["kind"]) if query.get("kind") in set(GapKind) else None
    opened = not query.get("closed")
    page = service.page(request.session, kind=kind, opened=opened, cursor=request.incoming.param("cursor"), limit=ROWS)
    counts = service.counts(request.session)
    rest = f"kind={kind.value if kind else ''}&closed={'' if opened else 1}"
    values = {
        "gaps": [GapOut.of(gap) for gap in page.items],
        "counts": {kind.value: count for kind, count in counts.items() if count},
        "labels": texts.GAP_LABELS,
        "opened": opened,
        "next": f"{BASE_PATH}?cursor={page.next}&{rest}" if page.next else None,
    }
    return TemplateResponse("reconciliation.html", "Reconciliation", values, "reconciliation")


def mend(request: ConsoleRequest, reason: str | None) -> str:
    """Repair a gap by doing the missing work."""
    service.repair(request.session, request.jobs, request.incoming.uuid("gap_id"), request.actor(reason))
    return f"{BASE_PATH}?done=mend"


def accept(request: ConsoleRequest, reason: str | None) -> str:
    """Accept a gap: close it as it is."""
    service.accept(request.session, request.jobs, request.incoming.uuid("gap_id"), request.actor(reason))
    return f"{BASE_PATH}?done=accept"
