"""`kontor import`: import files from other systems."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from uuid import UUID

import typer

from kontor.cli.context import Json, ledger_jobs, print_json, running_settings, transaction
from kontor.kernel.errors import Invalid

if TYPE_CHECKING:
    from rich.progress import Progress

    from kontor.adapters.settings import Settings
    from kontor.context import Context
    from kontor.payments.import_parse import ParsedRow, PaymentFile, RowError


T = TypeVar("T")
LISTED: Final = 1_000
"""Maximum number of listed bad rows; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Number of rows of a file, and its bad rows."""

    rows: int
    bad_rows: int
    bad: "tuple[RowError, ...]"


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The result counts; `bad` lists the first bad rows."""

    file: str
    reseller_id: UUID
    rows: int
    resumed_from: int = 0
    imported: int = 0
    already_there: int = 0
    bad_rows: int = 0
    bad: "tuple[RowError, ...]" = ()


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Import files.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("payments")(payments)
    return group


def payments(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV file in UTF-8.")],
    reseller: Annotated[UUID, typer.Option(metavar="ID", help="The reseller that made the payments.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the rows.")] = False,
    as_json: Json = False,
) -> None:
    """Import payments, all rows or none. After an interruption, the same command continues. Exit 1 on a bad row."""
    with running_settings() as settings, payment_context(settings) as service_ctx, bars() as progress:
        result = import_payments(settings, service_ctx, file, reseller, progress, dry_run=dry_run)
    if as_json:
        print_json(result)
    else:
        explain(result)
    if result.bad_rows:
        raise typer.Exit(1)


@contextmanager
def payment_context(settings: "Settings") -> "Iterator[Context]":
    """Provide the dependencies of the payment services; commits notify workers."""
    from kontor.context import Context
    from kontor.programme.service import Programmes

    with ledger_jobs(settings) as jobs:
        yield Context(jobs, Programmes(jobs.clock))


def bars() -> "Progress":
    """Return progress bars on stderr, so that stdout holds only the result."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def import_payments(
    settings: "Settings",
    service_ctx: "Context",
    path: Path,
    reseller: UUID,
    progress: "Progress",
    *,
    dry_run: bool,
) -> ImportSummary:
    """Check all rows, stage them in chunks, import them in one transaction; return the summary."""
    from kontor.payments import import_commit
    from kontor.payments.import_parse import PaymentFile

    with transaction(settings) as session:
        programme = import_commit.programme_of(service_ctx, session, reseller)
    file = PaymentFile(path, programme, service_ctx.now)
    checked = check(file, progress)
    result = ImportSummary(str(path), reseller, checked.rows)
    if checked.bad_rows or dry_run:
        return replace(result, bad_rows=checked.bad_rows, bad=checked.bad)
    with transaction(settings) as session:
        begun = import_commit.start(service_ctx, session, reseller, file.digest())
    if not begun.finished:
        stage_rows(settings, begun.id, begun.staged, file, checked.rows, progress)
    with transaction(settings, audited=False) as session:
        entered = import_commit.commit_rows(service_ctx, session, begun.id)
    return replace(
        result,
        resumed_from=0 if begun.finished else begun.staged,
        imported=entered.imported,
        already_there=entered.already_there,
        bad_rows=len(entered.bad),
        bad=entered.bad[:LISTED],
    )


def check(file: "PaymentFile", progress: "Progress") -> Checked:
    """Check all rows before any is staged."""
    from kontor.payments.import_parse import RowError

    with file.path.open("rb") as source:
        lines = sum(1 for _ in source)
    step = bar(progress, "checking", lines)
    rows, bad_rows, bad = 0, 0, []
    for row in file.rows(step):
        rows += 1
        if isinstance(row, RowError):
            bad_rows += 1
            bad += [row] if bad_rows <= LISTED else []
    step(lines)
    return Checked(rows, bad_rows, tuple(bad))


def stage_rows(
    settings: "Settings", import_id: UUID, staged: int, file: "PaymentFile", rows: int, progress: "Progress"
) -> None:
    """Stage the remaining rows, one transaction per chunk."""
    from kontor.payments import import_commit

    step = bar(progress, "entering", rows)
    step(staged)
    for chunk in chunks(islice(good(file), staged, None), import_commit.CHUNK):
        with transaction(settings, audited=False) as session:
            import_commit.stage_rows(session, import_id, staged, chunk)
        staged += len(chunk)
        step(staged)


def good(file: "PaymentFile") -> "Iterator[ParsedRow]":
    """Yield the rows of a checked file. Raises Invalid if the file has changed."""
    from kontor.payments.import_parse import ParsedRow

    for row in file.rows():
        if not isinstance(row, ParsedRow):
            raise Invalid("invalid", f"{file.path.name} changed while it was being read. Run this command again.")
        yield row


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Split items into lists of at most `size`."""
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def bar(progress: "Progress", title: str, total: int) -> Callable[[int], None]:
    """Add a progress bar; return a function that sets its position."""
    task = progress.add_task(title, total=total)
    return lambda done: progress.update(task, completed=done)


def explain(result: ImportSummary) -> None:
    """Print the result; errors go to stderr."""
    for row in result.bad:
        typer.echo(f"line {row.line}: {row.error}", err=True)
    if result.bad_rows:
        rest = result.bad_rows - len(result.bad)
        more = f" ({rest} not listed)" if rest else ""
        typer.echo(
            f"{result.bad_rows} bad row(s){more}. Nothing was imported. Correct the file and run again.",
            err=True,
        )
        return
    typer.echo(f"{result.rows} row(s): {result.imported} imported, {result.already_there} already there")
