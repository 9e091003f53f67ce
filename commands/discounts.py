"""`kontor discounts`: preview, start, approve and reject runs over all resellers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from commands.context import Json, print_facts, print_json, print_rows
from commands.ledger import ReasonOption, control_context
from domain.discounts import RunState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models.discounts import DiscountRun
    from services.discounts.book import DiscountBook

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
    service_ctx: "DiscountBook"
    actor: str
    now: datetime


@contextmanager
def discount_context(reason: str | None = None) -> Iterator[DiscountContext]:
    """Open the context of a discount command; commits at the end of the block and notifies workers."""
    from services.discounts.book import DiscountBook
    from services.programmes import Programmes

    with control_context(reason) as control_ctx:
        service_ctx = DiscountBook(control_ctx.operations.jobs, Programmes())
        yield DiscountContext(
            control_ctx.command.session, service_ctx, control_ctx.command.actor, control_ctx.command.now
        )


def document(session: "Session", run: "DiscountRun") -> dict[str, Any]:
    """Return a run in the API's form."""
    from services.discounts import overseeing

    return overseeing.documents(session, [run])[0]


def runs(
    programme: Annotated[str | None, typer.Option(metavar="CODE")] = None,
    state: Annotated[RunState | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    from services.discounts import overseeing
    from store.discount_runs import RunFilter

    with discount_context() as ctx:
        page = overseeing.page(ctx.session, RunFilter(programme, state), limit=limit)
        documents = overseeing.documents(ctx.session, page.items)
    if as_json:
        print_json({"items": documents, "next": page.next})
        return
    print_rows([{name: row[name] for name in COLUMNS} for row in documents], as_json=False, empty="No matching runs.")


def run(
    programme: ProgrammeCode,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which resellers would change tier.")] = False,
    as_json: Json = False,
) -> None:
    """Start a run for today as jobs, or show its effects with --dry-run."""
    from services.discounts import overseeing

    with discount_context() as ctx:
        if dry_run:
            facts = overseeing.preview(ctx.service_ctx, ctx.session, programme)
        else:
            facts = document(ctx.session, overseeing.begin(ctx.service_ctx, ctx.session, programme, ctx.actor))
    print_facts(facts, as_json=as_json)


def show(run_id: RunId, as_json: Json = False) -> None:
    """Show a run with its totals."""
    from services.discounts import overseeing

    with discount_context() as ctx:
        facts = document(ctx.session, overseeing.get(ctx.session, run_id))
    print_facts(facts, as_json=as_json)


def approve(run_id: RunId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Approve a held run: it records discounts and sends mails."""
    from services.discounts import overseeing

    with discount_context(reason) as ctx:
        facts = document(ctx.session, overseeing.approve(ctx.service_ctx, ctx.session, run_id, ctx.actor, reason))
    print_facts(facts, as_json=as_json)


def reject(run_id: RunId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Reject a held run: it records nothing."""
    from services.discounts import overseeing

    with discount_context(reason) as ctx:
        facts = document(ctx.session, overseeing.reject(ctx.service_ctx, ctx.session, run_id, ctx.actor, reason))
    print_facts(facts, as_json=as_json)
