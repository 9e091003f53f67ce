"""`kontor programme`: apply and show programme files."""

from pathlib import Path
from typing import Annotated

import typer

from kontor.cli.context import Json, command_context, print_facts, print_json
from kontor.kernel.errors import Invalid


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Programme files.", no_args_is_help=True)
    group.command("apply")(apply)
    group.command("show")(show)
    return group


def apply(
    file: Annotated[Path, typer.Argument(help="Programme file; its name without extension is the programme's code.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Show the changes and apply them, all or none."""
    from kontor.cli.context import control_context
    from kontor.engine.schedules import declare
    from kontor.programme import files
    from kontor.usage import quotas
    from tasks.schedules import all_schedules
    from workers.connections import installed_version

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("invalid", f"{file} cannot be read: {error}") from None
    with control_context() as control_ctx:
        ctx = control_ctx.command
        plan = files.apply(ctx.session, file.stem, text, now=ctx.now, actor=ctx.actor, dry_run=dry_run)
        if plan.applied:
            quotas.enqueue_check_on_limit_change(ctx.session, control_ctx.operations.jobs, plan.code, plan.changes)
            declare(ctx.session, all_schedules(ctx.session), ctx.now, installed_version())
    if as_json:
        print_json(plan)
        return
    for change in plan.changes:
        print(change)
    if not plan.changes:
        print(f"{plan.code}: no changes, version {plan.version}")
    elif plan.applied:
        print(f"{plan.code}: applied as version {plan.version}, {len(plan.changes)} change(s)")
    else:
        print(f"{plan.code}: {len(plan.changes)} change(s) would make version {plan.version}; nothing was applied")


def show(code: str, as_json: Json = False) -> None:
    """Show the applied programme."""
    from kontor.programme import service as programme
    from kontor.programme.schemas import ProgrammeOut

    with command_context() as ctx:
        facts = dict(ProgrammeOut.of(programme.get(ctx.session, code)))
    print_facts(facts, as_json=as_json)
