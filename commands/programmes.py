"""`kontor programme`: rule sets, applied from files and shown."""

from pathlib import Path
from typing import Annotated

import typer

from commands.context import Json, desk, print_facts, print_json
from domain.errors import Invalid


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Programme files.", no_args_is_help=True)
    group.command("apply")(apply)
    group.command("show")(show)
    return group


def apply(
    file: Annotated[Path, typer.Argument(help="The programme file; its stem is the programme's code.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Show a plan of changes and apply it, whole or not at all."""
    from commands.ledger import control_desk
    from engine.schedules import declare
    from services import programme_files, quotas
    from tasks.timetable import timetable

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("invalid", f"{file} cannot be read: {error}") from None
    with control_desk() as stand:
        at = stand.at
        plan = programme_files.apply(at.session, file.stem, text, now=at.now, actor=at.actor, dry_run=dry_run)
        if plan.applied:
            quotas.programme_changed(at.session, stand.control.jobs, plan.code, plan.changes)
            declare(at.session, timetable(at.session), at.now)
    if as_json:
        print_json(plan.document())
        return
    for change in plan.changes:
        print(change)
    if not plan.changes:
        print(f"{plan.code}: nothing to change, version {plan.version}")
    elif plan.applied:
        print(f"{plan.code}: applied as version {plan.version}, {len(plan.changes)} change(s)")
    else:
        print(f"{plan.code}: {len(plan.changes)} change(s) would make version {plan.version}; nothing was applied")


def show(code: str, as_json: Json = False) -> None:
    """Show what is applied under a code."""
    from services import programmes

    with desk() as at:
        document = programmes.document(programmes.get(at.session, code))
    print_facts(document, as_json=as_json)
