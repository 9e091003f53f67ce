"""`kontor reconcile`: compare what should exist with what does, now."""

from typing import Annotated

import typer

from commands.context import Json, print_rows
from commands.ledger import Reason, control_desk


def reconcile(
    mend: Annotated[bool, typer.Option("--mend", help="Close what can be closed without guessing.")] = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Name everything that should exist and does not, since when, and what would mend it."""
    from models.reconciliation import GapKind
    from services.programmes import Programmes
    from services.reconciliation import mending, reconciling
    from store.reconciliation import gaps

    with control_desk(reason) as stand:
        session, jobs = stand.at.session, stand.control.jobs
        reconciling.reconcile(session, Programmes(), stand.at.now, everything=True)
        found = [gap for kind in GapKind for gap in gaps.open_of(session, kind)]
        if mend:
            for gap in found:
                if mending.mendable(GapKind(gap.kind)):
                    mending.mend(session, jobs, gap.id, stand.actor)
        rows = [reconciling.document(gap) for gap in found]
    if as_json:
        print_rows(rows, as_json=True)
        return
    shown = ("kind", "since", "detail", "remedy", "job_id")
    print_rows([{name: row[name] for name in shown} for row in rows], as_json=False, empty="Nothing is missing.")
