"""`kontor programmes`, and `kontor simulate`: months of a programme in minutes, in a temporary database."""

import logging
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kontor.adapters.logs import configure_logs
from kontor.cli.context import Json, command_context, print_facts, print_json, running_settings
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
    from kontor.programme.routes import ProgrammeOut

    with command_context() as ctx:
        facts = dict(ProgrammeOut.of(programme.get(ctx.session, code)))
    print_facts(facts, as_json=as_json)


if TYPE_CHECKING:
    from devtools.simulation.daily_plan import Parameters


File = Annotated[Path, typer.Option("--programme", help="Programme file.")]
Resellers = Annotated[int, typer.Option("--resellers", help="Number of resellers.", min=1, max=100_000)]
Months = Annotated[int, typer.Option("--months", help="Length in months.", min=1, max=120)]
Seed = Annotated[int, typer.Option("--seed", help="Random seed; the same seed gives the same result.")]
Start = Annotated[datetime | None, typer.Option("--start", help="First day.", formats=["%Y-%m-%d"])]
Plots = Annotated[Path | None, typer.Option("--plots", help="Write charts as SVG files to this folder.")]

COLUMNS = ("programme", "from", "until", "days", "accounts", "trials", "plans", "offers", "payments", "charges")
MORE_COLUMNS = ("quota_notices", "mails", "money", "outside", "dead_jobs")


def simulate(
    programme: File,
    resellers: Resellers = 20,
    months: Months = 3,
    seed: Seed = 1,
    start: Start = None,
    plots: Plots = None,
    as_json: Json = False,
) -> None:
    """Simulate a programme with random people, payments and outages; the database is dropped afterwards."""
    with running_settings("simulate") as settings:
        from devtools.simulation.run import simulate

        # Failing calls and mails are part of the simulation; log only errors.
        configure_logs(settings.log, "simulate", logging.ERROR)
        parameters = read_parameters(programme, resellers, months, seed, start.date() if start else None)
        result = simulate(settings.direct_url, programme, parameters, plots)
    if as_json:
        print_json(result.summary)
        return
    print_facts(digest(result.summary), as_json=False)
    for path in result.charts:
        print(path)


def read_parameters(file: Path, resellers: int, months: int, seed: int, start: date | None) -> "Parameters":
    """Read the simulation's parameters. Raises Invalid."""
    from devtools.simulation.daily_plan import START, Parameters
    from kontor.programme.files import parse_file

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("invalid", f"{file} cannot be read: {error}") from None
    return Parameters(parse_file(file.stem, text), resellers, months, seed, start or START)


def digest(summary: Mapping[str, Any]) -> dict[str, object]:
    """Return the part of the summary that fits on a screen."""
    actions = {name: sum(counts.values()) for name, counts in summary["actions"].items()}
    facts = {name: summary[name] for name in (*COLUMNS, *MORE_COLUMNS)}
    return {**facts, "actions": actions, "jobs": sum(summary["jobs"].values())}
