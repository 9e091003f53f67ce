"""`kontor discounts`: runs over all resellers, previewed, begun, let through or refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from commands.context import Json, print_facts, print_json, print_rows
from commands.ledger import Reason, control_desk
from domain.discounts import RunState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from models.discounts import DiscountRun
    from services.discounts.book import DiscountBook

Programme = Annotated[str, typer.Argument(metavar="PROGRAMME", help="The programme's code.")]
RunId = Annotated[UUID, typer.Argument(metavar="ID")]
COLUMNS = ("id", "programme", "day", "state", "resellers", "moved", "guard_rail", "started_at", "finished_at")


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Discount runs over all resellers of a programme.", no_args_is_help=True)
    group.command("runs")(runs)
    group.command("run")(run)
    group.command("show")(show)
    group.command("approve")(approve)
    group.command("reject")(reject)
    return group


@dataclass(frozen=True, slots=True)
class DiscountDesk:
    """A transaction, and what use cases of discounts work with."""

    session: "Session"
    book: "DiscountBook"
    actor: str
    now: datetime


@contextmanager
def discount_desk(reason: str | None = None) -> Iterator[DiscountDesk]:
    """One transaction, committed at the end of the block; workers hear of its jobs."""
    from services.discounts.book import DiscountBook
    from services.programmes import Programmes

    with control_desk(reason) as stand:
        book = DiscountBook(stand.control.jobs, Programmes())
        yield DiscountDesk(stand.at.session, book, stand.at.actor, stand.at.now)


def document(session: "Session", found: "DiscountRun") -> dict[str, Any]:
    """A run as the API shows it."""
    from services.discounts import overseeing

    return overseeing.documents(session, [found])[0]


def runs(
    programme: Annotated[str | None, typer.Option(metavar="CODE")] = None,
    state: Annotated[RunState | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    from services.discounts import overseeing
    from store.discount_runs import RunFilter

    with discount_desk() as at:
        page = overseeing.page(at.session, RunFilter(programme, state), limit=limit)
        documents = overseeing.documents(at.session, page.items)
    if as_json:
        print_json({"items": documents, "next": page.next})
        return
    print_rows([{name: one[name] for name in COLUMNS} for one in documents], as_json=False, empty="No such runs.")


def run(
    programme: Programme,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show who would move.")] = False,
    as_json: Json = False,
) -> None:
    """Begin a run for today, by jobs; or show what it would do."""
    from services.discounts import overseeing

    with discount_desk() as at:
        if dry_run:
            told = overseeing.preview(at.book, at.session, programme)
        else:
            told = document(at.session, overseeing.begin(at.book, at.session, programme, at.actor))
    print_facts(told, as_json=as_json)


def show(run_id: RunId, as_json: Json = False) -> None:
    """Show a run with its totals."""
    from services.discounts import overseeing

    with discount_desk() as at:
        told = document(at.session, overseeing.get(at.session, run_id))
    print_facts(told, as_json=as_json)


def approve(run_id: RunId, reason: Reason = None, as_json: Json = False) -> None:
    """Let a held run record and mail."""
    from services.discounts import overseeing

    with discount_desk(reason) as at:
        told = document(at.session, overseeing.approve(at.book, at.session, run_id, at.actor, reason))
    print_facts(told, as_json=as_json)


def reject(run_id: RunId, reason: Reason = None, as_json: Json = False) -> None:
    """Have a held run record nothing."""
    from services.discounts import overseeing

    with discount_desk(reason) as at:
        told = document(at.session, overseeing.reject(at.book, at.session, run_id, at.actor, reason))
    print_facts(told, as_json=as_json)
