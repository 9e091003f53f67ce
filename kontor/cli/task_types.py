"""`kontor tasks`: task types of others, declared in a file."""

import asyncio
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kontor.cli.context import command_context, ledger_jobs
from kontor.cli.output import Json, Wide, print_facts, print_json, print_rows
from kontor.kernel.errors import Invalid

if TYPE_CHECKING:
    from kontor.task_types.files import TaskPlan


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Task types of others, declared as data.", no_args_is_help=True)
    group.command("apply")(apply)
    group.command("list")(list_types)
    group.command("show")(show)
    return group


def apply(
    file: Annotated[Path, typer.Argument(help="Task file in YAML: tasks, schedules.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Show the changes and apply them, all or none. Secrets of new handlers are shown once, with --json."""
    from kontor.adapters.data_keys import stored_keys
    from kontor.adapters.secrets import DataKeyBox
    from kontor.engine.schedules import declare
    from kontor.kernel.database import psycopg_connection
    from kontor.task_types import files, registry
    from kontor.task_types.service import TaskTypes
    from tasks.schedules import all_schedules, declared_schedules
    from workers.connections import installed_version

    try:
        source = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("invalid", f"{file} cannot be read: {error}") from None
    declared = files.read(source)
    with command_context() as ctx, ledger_jobs(ctx.settings) as jobs:
        check_handlers({each.url for each in declared.types.values() if each.url}, ctx.settings.handler_networks)
        connection = psycopg_connection(ctx.session)
        registry.refresh(connection, jobs.catalogue)
        box = DataKeyBox(stored_keys(connection, ctx.settings.secret_keys), ctx.settings.secret_keys)
        others = {each.name for each in declared_schedules(ctx.session)}
        own = {each.name for each in all_schedules(ctx.session)} - others
        applying = files.Applying(TaskTypes(jobs.catalogue, box), own)
        plan = applying.apply(ctx.session, file.stem, declared, ctx.now, ctx.actor, dry_run=dry_run)
        if plan.applied:
            declare(ctx.session, all_schedules(ctx.session), ctx.now, installed_version())
    if as_json:
        print_json(plan)
    else:
        print_plan(plan)


def print_plan(plan: "TaskPlan") -> None:
    """Print the changes of a file."""
    for change in plan.changes:
        print(change)
    if not plan.changes:
        print("nothing to change")
    elif not plan.applied:
        print(f"{len(plan.changes)} change(s); nothing was applied")
    if plan.secrets:
        print(f"new secrets: {', '.join(plan.secrets)}; `POST /v1/task-types/NAME/rotate` shows a new one of each")


def check_handlers(urls: Collection[str], networks: tuple[str, ...]) -> None:
    """Check that handlers may be called. Raises Invalid(`forbidden_address`)."""
    from kontor.adapters.resolver import Names
    from kontor.kernel.addresses import AddressGuard

    with closing(Names()) as names:
        guard = AddressGuard(names.lookup, networks=networks, field="handler.push")
        for url in sorted(urls):
            asyncio.run(guard.check(url))


def list_types(as_json: Json = False, wide: Wide = False) -> None:
    """List all task types."""
    from kontor.task_types import queries
    from kontor.task_types.service import document_of

    with command_context() as ctx:
        types = [document_of(row) for row in queries.all_types(ctx.session)]
    if as_json:
        print_json({"items": types, "next": None})
        return
    columns = ("name", "version", "queue", "lane", "crash", "public")
    print_rows([{name: getattr(each, name) for name in columns} for each in types], as_json=False, wide=wide)


def show(name: str, as_json: Json = False) -> None:
    """Show a task type."""
    from kontor.task_types.service import TaskTypes, document_of

    with command_context() as ctx:
        document = document_of(TaskTypes.get(ctx.session, name))
    print_facts(document.model_dump(mode="json"), as_json=as_json)
