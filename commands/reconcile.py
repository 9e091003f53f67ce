"""`kontor reconcile`: run reconciliation now."""

from typing import Annotated

import typer

from commands.context import Json, print_rows
from commands.ledger import ReasonOption, control_context


def reconcile(
    mend: Annotated[bool, typer.Option("--mend", help="Repair gaps that can be repaired safely.")] = False,
    reason: ReasonOption = None,
    as_json: Json = False,
) -> None:
    """List everything that should exist but does not, since when, and its repair."""
    from models.reconciliation import GapKind
    from services.programmes import Programmes
    from services.reconciliation import mending, reconciling
    from store.reconciliation import gaps

    with control_context(reason) as control_ctx:
        session, jobs = control_ctx.command.session, control_ctx.operations.jobs
        reconciling.reconcile(session, Programmes(), control_ctx.command.now, everything=True)
        open_gaps = [gap for kind in GapKind for gap in gaps.open_of(session, kind)]
        if mend:
            for gap in open_gaps:
                if mending.mendable(GapKind(gap.kind)):
                    mending.mend(session, jobs, gap.id, control_ctx.actor)
        rows = [reconciling.document(gap) for gap in open_gaps]
    if as_json:
        print_rows(rows, as_json=True)
        return
    columns = ("kind", "since", "detail", "remedy", "job_id")
    print_rows([{name: row[name] for name in columns} for row in rows], as_json=False, empty="Nothing is missing.")
