"""`kontor import`: import files from other systems."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from kontor.cli.context import ledger_jobs, running_settings, transaction
from kontor.cli.output import Json, print_json

if TYPE_CHECKING:
    from rich.progress import Progress
    from sqlalchemy.orm import Session

    from kontor.adapters.settings import Settings
    from kontor.context import Context
    from kontor.payments.import_run import ImportChoices, ImportSummary
    from kontor.payments.import_target import ImportTarget

PRINTED: Final = 20
"""Maximum number of lines named in a sentence."""


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Import files.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("payments")(payments)
    return group


def line_numbers(text: str) -> frozenset[int]:
    """Parse `2,5,9`. Raises BadParameter."""
    numbers = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in numbers):
        raise typer.BadParameter(f"{text!r}: use line numbers such as 2,5,9.")
    return frozenset(int(word) for word in numbers)


def payments(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Bank or PSP export.")],
    reseller: Annotated[UUID | None, typer.Option(metavar="ID", help="The reseller whose payments they are.")] = None,
    programme: Annotated[str | None, typer.Option(metavar="CODE", help="Each row names a reseller of it.")] = None,
    match: Annotated[str | None, typer.Option(metavar="REGEX", help="Finds an external_id in a row's text.")] = None,
    mapping: Annotated[str, typer.Option(metavar="NAME|FILE", help="A preset, or a YAML file of columns.")] = "",
    accept: Annotated[str, typer.Option(metavar="LINE,…", help="Take these doubtful rows.")] = "",
    skip: Annotated[str, typer.Option(metavar="LINE,…", help="Leave these rows out.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the rows.")] = False,
    as_json: Json = False,
) -> None:
    """Import payments, all rows or none. The same command continues an interrupted one. Exit 1 on a doubtful row."""
    from kontor.payments.import_run import ImportChoices

    if (reseller is None) == (programme is None):
        raise typer.BadParameter("Name --reseller ID, or --programme CODE with --match REGEX.")
    if reseller is not None and match is not None:
        raise typer.BadParameter("--match needs --programme; with --reseller all rows are of that reseller.")
    choices = ImportChoices(line_numbers(accept), line_numbers(skip), match, mapping)
    with running_settings() as settings, payment_context(settings) as ctx, bars() as progress:
        with transaction(settings) as session:
            target = target_of(ctx, session, reseller, programme or "", choices)
        summary = run(settings, ctx, file, target, choices, progress, dry_run=dry_run)
    if as_json:
        print_json(summary)
    else:
        explain(summary, dry_run=dry_run)
    if summary.doubtful_rows:
        raise typer.Exit(1)


def target_of(
    ctx: "Context", session: "Session", reseller: UUID | None, programme: str, choices: "ImportChoices"
) -> "ImportTarget":
    """Return whose payments the file has."""
    from kontor.payments import import_target

    if reseller is not None:
        return import_target.of_reseller(ctx, session, reseller)
    return import_target.of_programme(ctx, session, programme, choices.match)


def run(
    settings: "Settings",
    ctx: "Context",
    path: Path,
    target: "ImportTarget",
    choices: "ImportChoices",
    progress: "Progress",
    *,
    dry_run: bool,
) -> "ImportSummary":
    """Import the file, with a progress bar; a dry run takes its transaction back."""
    from kontor.payments.import_encoding import blocks
    from kontor.payments.import_mapping import Mapping, mapping_of
    from kontor.payments.import_parse import PaymentFile
    from kontor.payments.import_run import Import

    file = PaymentFile.of(path, mapping_of(choices.mapping) if choices.mapping else Mapping())
    lines = sum(block.count(b"\n") for block in blocks(path)) + 1
    step = bar(progress, "reading", lines)
    if not dry_run:
        summary = Import(ctx, lambda: transaction(settings, audited=False), file, target, choices).run(step)
    else:
        with transaction(settings, audited=False) as session:
            summary = Import(ctx, lambda: nullcontext(session), file, target, choices).run(step)
            session.rollback()
        summary = replace(summary, imported=0, would_import=summary.imported)
    step(lines)
    return summary


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


def bar(progress: "Progress", title: str, total: int) -> Callable[[int], None]:
    """Add a progress bar; return a function that sets its position."""
    task = progress.add_task(title, total=total)
    return lambda done: progress.update(task, completed=done)


def explain(summary: "ImportSummary", *, dry_run: bool) -> None:
    """Print the result; errors go to stderr."""
    if summary.doubtful_rows:
        for row in summary.doubtful:
            others = [line for line in row.lines if line != row.line]
            also = f" (with line {named(others)})" if others else ""
            typer.echo(f"line {row.line}: {row.why}{also}", err=True)
        rest = summary.doubtful_rows - len(summary.doubtful)
        more = f" ({rest} not listed)" if rest else ""
        message = f"{summary.doubtful_rows} doubtful row(s){more}. Nothing was imported. Correct the file, or take rows"
        typer.echo(f"{message} as they are with --accept LINE,… and leave rows out with --skip LINE,….", err=True)
        return
    done = f"{summary.would_import} would be imported" if dry_run else f"{summary.imported} imported"
    counts = f"{done}, {summary.already_there} already there"
    typer.echo(f"{summary.rows} row(s) of {summary.layout}: {counts}{others_of(summary)}")


def others_of(summary: "ImportSummary") -> str:
    """Return how many rows were kept without a reseller or skipped, and the lines of those that were not imported."""
    parts = [f", {summary.unmatched} unmatched" if summary.unmatched else ""]
    parts += [f", {count} skipped ({why})" for why, count in summary.skipped_why.items()]
    parts += [f"\n{name.replace('_', ' ')}: line {named(lines)}" for name, lines in summary.lines.items() if lines]
    return "".join(parts)


def named(lines: list[int]) -> str:
    """Return line numbers as a list in words."""
    more = f" and {len(lines) - PRINTED} more" if len(lines) > PRINTED else ""
    return ", ".join(map(str, lines[:PRINTED])) + more
