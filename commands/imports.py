"""`kontor import`: what comes from other systems, taken in from files."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID

import typer

from commands.context import Json, print_json, running_settings, transaction
from commands.ledger import ledger_jobs
from domain.errors import Invalid

if TYPE_CHECKING:
    from rich.progress import Progress

    from adapters.settings import Settings
    from services.discounts.book import DiscountBook
    from services.imports.reading import BadRow, PaymentFile, Row

T = TypeVar("T")
LISTED: Final = 1_000
"""The most bad rows that are listed; the others are counted."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How many rows a file has, and what is wrong with how many of them."""

    rows: int
    bad_rows: int
    bad: "tuple[BadRow, ...]"


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Take files in.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("payments")(payments)
    return group


def payments(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV in UTF-8.")],
    reseller: Annotated[UUID, typer.Option(metavar="ID", help="Whose payments they are.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the rows.")] = False,
    as_json: Json = False,
) -> None:
    """Take payments in, all rows or none; killed on the way, the same command goes on. Exits 1 on a bad row."""
    with running_settings() as settings, payment_book(settings) as book, bars() as progress:
        told = taken_in(settings, book, file, reseller, progress, dry_run=dry_run)
    if as_json:
        print_json(told)
    else:
        explain(told)
    if told["bad_rows"]:
        raise typer.Exit(1)


@contextmanager
def payment_book(settings: "Settings") -> "Iterator[DiscountBook]":
    """What use cases of payments work with; workers hear of what is committed."""
    from services.discounts.book import DiscountBook
    from services.programmes import Programmes

    with ledger_jobs(settings) as jobs:
        yield DiscountBook(jobs, Programmes())


def bars() -> "Progress":
    """Progress bars on stderr: stdout holds the result alone."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def taken_in(
    settings: "Settings", book: "DiscountBook", path: Path, reseller: UUID, progress: "Progress", *, dry_run: bool
) -> dict[str, Any]:
    """Check every row, stage them in chunks, enter them in one transaction; the summary."""
    from services.imports import entering
    from services.imports.reading import PaymentFile

    with transaction(settings) as session:
        programme = entering.programme_of(book, session, reseller)
    file = PaymentFile(path, programme, book.now)
    checked = check(file, progress)
    told = {"file": str(path), "reseller_id": str(reseller), "rows": checked.rows, "resumed_from": 0}
    if checked.bad_rows or dry_run:
        return {**told, **summary(0, 0, checked.bad_rows, checked.bad)}
    with transaction(settings) as session:
        begun = entering.begin(book, session, reseller, file.digest())
    if not begun.finished:
        stage(settings, begun.id, begun.staged, file, checked.rows, progress)
    with transaction(settings) as session:
        entered = entering.finish(book, session, begun.id)
    found = summary(entered.imported, entered.already_there, len(entered.bad), entered.bad[:LISTED])
    return {**told, "resumed_from": 0 if begun.finished else begun.staged, **found}


def check(file: "PaymentFile", progress: "Progress") -> Checked:
    """Read every row before any is taken."""
    from services.imports.reading import BadRow

    with file.path.open("rb") as source:
        lines = sum(1 for _ in source)
    step = bar(progress, "checking", lines)
    rows, bad_rows, bad = 0, 0, []
    for row in file.rows(step):
        rows += 1
        if isinstance(row, BadRow):
            bad_rows += 1
            bad += [row] if bad_rows <= LISTED else []
    step(lines)
    return Checked(rows, bad_rows, tuple(bad))


def stage(
    settings: "Settings", import_id: UUID, staged: int, file: "PaymentFile", rows: int, progress: "Progress"
) -> None:
    """Keep the rows that are not staged yet, a transaction for each chunk."""
    from services.imports import entering

    step = bar(progress, "entering", rows)
    step(staged)
    for chunk in chunks(islice(good(file), staged, None), entering.CHUNK):
        with transaction(settings) as session:
            entering.stage(session, import_id, staged, chunk)
        staged += len(chunk)
        step(staged)


def good(file: "PaymentFile") -> "Iterator[Row]":
    """The rows of a file that was checked. Raises Invalid when it is another file by now."""
    from services.imports.reading import Row

    for row in file.rows():
        if not isinstance(row, Row):
            raise Invalid("invalid", f"{file.path.name} was changed while it was read: run this again.")
        yield row


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` of them."""
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def bar(progress: "Progress", title: str, total: int) -> Callable[[int], None]:
    """A bar, and what moves it to a number."""
    task = progress.add_task(title, total=total)
    return lambda done: progress.update(task, completed=done)


def summary(imported: int, already_there: int, bad_rows: int, bad: "tuple[BadRow, ...]") -> dict[str, Any]:
    """What became of the rows; bad ones are listed up to a bound."""
    listed = [{"line": one.line, "error": one.error} for one in bad]
    return {"imported": imported, "already_there": already_there, "bad_rows": bad_rows, "bad": listed}


def explain(told: dict[str, Any]) -> None:
    """Say it in words; what is wrong goes to stderr."""
    for one in told["bad"]:
        typer.echo(f"line {one['line']}: {one['error']}", err=True)
    if told["bad_rows"]:
        rest = told["bad_rows"] - len(told["bad"])
        more = f" ({rest} more are not listed)" if rest else ""
        typer.echo(
            f"{told['bad_rows']} bad row(s){more}: nothing was taken in; mend the file and run this again", err=True
        )
        return
    typer.echo(f"{told['rows']} row(s): {told['imported']} taken in, {told['already_there']} known already")
