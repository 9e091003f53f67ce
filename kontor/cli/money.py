"""`kontor discounts` and `kontor reconcile`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from kontor.cli.context import ReasonOption, control_context
from kontor.cli.output import Json, Wide, print_facts, print_json, print_rows
from kontor.kernel.states import RunState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from kontor.context import Context
    from models.discounts import DiscountRun


ProgrammeCode = Annotated[str, typer.Argument(metavar="PROGRAMME", help="The programme's code.")]
RunId = Annotated[UUID, typer.Argument(metavar="ID")]
COLUMNS = ("id", "programme", "day", "state", "resellers", "moved", "guard_rail", "started_at", "finished_at")


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Discount runs over all resellers of a programme.", no_args_is_help=True)
    group.command("runs")(runs)
    group.command("run")(run)
    group.command("show")(show)
    group.command("approve")(approve)
    group.command("reject")(reject)
    return group


@dataclass(frozen=True, slots=True)
class DiscountContext:
    """Context of a discount command: a transaction and the dependencies of the discount services."""

    session: "Session"
    service_ctx: "Context"
    actor: str
    now: datetime


@contextmanager
def discount_context(reason: str | None = None) -> Iterator[DiscountContext]:
    """Open the context of a discount command; commits at the end of the block and notifies workers."""
    from kontor.context import Context
    from kontor.programme.service import Programmes

    with control_context(reason) as control_ctx:
        service_ctx = Context(control_ctx.operations.jobs, Programmes(control_ctx.operations.jobs.clock))
        yield DiscountContext(
            control_ctx.command.session, service_ctx, control_ctx.command.actor, control_ctx.command.now
        )


def document(session: "Session", run: "DiscountRun") -> dict[str, object]:
    """Return a run in the API's form."""
    from kontor.discounts import run_admin

    return dict(run_admin.describe(session, [run])[0])


def runs(
    programme: Annotated[str | None, typer.Option(metavar="CODE")] = None,
    state: Annotated[RunState | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
    wide: Wide = False,
) -> None:
    """List runs, newest first."""
    from kontor.discounts import run_admin
    from kontor.discounts.queries import RunFilter

    with discount_context() as ctx:
        page = run_admin.page(ctx.session, RunFilter(programme, state), limit=limit)
        documents = [dict(row) for row in run_admin.describe(ctx.session, page.items)]
    if as_json:
        print_json({"items": documents, "next": page.next})
        return
    rows = [{name: row[name] for name in COLUMNS} for row in documents]
    first = ("id", "programme", "day", "state", "moved")
    print_rows(rows, as_json=False, wide=wide, first=first, empty="No matching runs.")


def run(
    programme: ProgrammeCode,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which resellers would change tier.")] = False,
    as_json: Json = False,
) -> None:
    """Start a run for today as jobs, or show its effects with --dry-run."""
    from kontor.discounts import run_admin

    with discount_context() as ctx:
        if dry_run:
            facts = dict(run_admin.preview(ctx.service_ctx, ctx.session, programme))
        else:
            facts = document(ctx.session, run_admin.start(ctx.service_ctx, ctx.session, programme, ctx.actor))
    print_facts(facts, as_json=as_json)


def show(run_id: RunId, as_json: Json = False) -> None:
    """Show a run with its totals."""
    from kontor.discounts import run_admin

    with discount_context() as ctx:
        facts = document(ctx.session, run_admin.get(ctx.session, run_id))
    print_facts(facts, as_json=as_json)


def approve(run_id: RunId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Approve a held run: it records discounts and sends mails."""
    from kontor.discounts import run_admin

    with discount_context(reason) as ctx:
        facts = document(ctx.session, run_admin.approve(ctx.service_ctx, ctx.session, run_id, ctx.actor, reason))
    print_facts(facts, as_json=as_json)


def reject(run_id: RunId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Reject a held run: it records nothing."""
    from kontor.discounts import run_admin

    with discount_context(reason) as ctx:
        facts = document(ctx.session, run_admin.reject(ctx.service_ctx, ctx.session, run_id, ctx.actor, reason))
    print_facts(facts, as_json=as_json)


def reconcile(
    mend: Annotated[bool, typer.Option("--mend", help="Repair gaps that can be repaired safely.")] = False,
    reason: ReasonOption = None,
    as_json: Json = False,
    wide: Wide = False,
) -> None:
    """List everything that should exist but does not, since when, and its repair."""
    from kontor.programme.service import Programmes
    from kontor.reconciliation import queries as reconciliation_queries
    from kontor.reconciliation import service as reconciliation
    from kontor.reconciliation.checks import can_repair
    from kontor.reconciliation.schemas import GapOut
    from models.reconciliation import GapKind

    with control_context(reason) as control_ctx:
        session, jobs = control_ctx.command.session, control_ctx.operations.jobs
        reconciliation.reconcile(
            session, Programmes(control_ctx.operations.jobs.clock), control_ctx.command.now, everything=True
        )
        open_gaps = [gap for kind in GapKind for gap in reconciliation_queries.open_gaps(session, kind)]
        if mend:
            for gap in open_gaps:
                if can_repair(GapKind(gap.kind)):
                    reconciliation.repair(session, jobs, gap.id, control_ctx.actor)
        rows = [dict(GapOut.of(gap)) for gap in open_gaps]
    if as_json:
        print_rows(rows, as_json=True)
        return
    columns = ("kind", "since", "detail", "remedy", "job_id")
    gaps = [{name: row[name] for name in columns} for row in rows]
    first = ("kind", "since", "detail", "remedy")
    print_rows(gaps, as_json=False, wide=wide, first=first, empty="Nothing is missing.")
