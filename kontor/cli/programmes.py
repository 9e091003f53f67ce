"""`kontor programmes`, and `kontor simulate`: months of a programme in minutes, in a temporary database."""

import logging
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kontor.adapters.logs import configure_logs
from kontor.cli.context import ReasonOption, command_context, running_settings
from kontor.cli.output import Json, Wide, print_facts, print_json, print_rows
from kontor.kernel.errors import Invalid


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Programme files.", no_args_is_help=True)
    group.command("apply")(apply)
    group.command("versions")(versions)
    group.command("examples")(examples)
    group.command("show")(show)
    return group


Instant = Annotated[
    datetime | None,
    typer.Option(
        "--effective",
        metavar="INSTANT",
        help="When it begins, with its offset: 2026-03-01T00:00:00+01:00.",
        parser=datetime.fromisoformat,
    ),
]


def apply(
    file: Annotated[Path, typer.Argument(help="Programme file; its name without extension is the programme's code.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    approve: Annotated[str | None, typer.Option(metavar="HASH", help="Hash of the plan that you approve.")] = None,
    effective: Instant = None,
    reason: ReasonOption = None,
    as_json: Json = False,
) -> None:
    """Show the changes with their consequences and apply them, all or none."""
    from kontor.cli.context import control_context
    from kontor.context import Context
    from kontor.engine.schedules import declare
    from kontor.programme import rollout
    from kontor.programme.rollout import ApplyOptions
    from kontor.programme.schemas import PlanOut, effective_instant
    from kontor.programme.service import Programmes
    from tasks.schedules import all_schedules
    from workers.connections import installed_version

    text = _read(file)
    options = ApplyOptions(dry_run, effective_instant(effective), approve, reason)
    with control_context(reason) as control_ctx:
        command, jobs = control_ctx.command, control_ctx.operations.jobs
        ctx = Context(jobs, Programmes(jobs.clock))
        planned = rollout.apply_file(ctx, command.session, file.stem, text, actor=command.actor, options=options)
        if planned.plan.applied:
            declare(command.session, all_schedules(command.session), command.now, installed_version())
    if as_json:
        print_json(PlanOut.of(planned).model_dump(mode="json", by_alias=True))
        return
    for line in _plan_lines(planned):
        print(line)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("invalid", f"{file} cannot be read: {error}") from None


def _plan_lines(planned: "Rollout") -> Iterator[str]:
    """Yield the lines of a plan: changes, consequences, and what was done."""
    plan, counts = planned.plan, planned.consequences
    yield from map(str, plan.changes)
    if not plan.changes:
        yield f"{plan.code}: no changes, version {plan.version}"
        return
    yield f"accounts over a limit: {counts.over_limit}, read-only: {counts.read_only}"
    yield f"mails: {', '.join(f'{name} {number}' for name, number in counts.mails.items()) or 'none'}"
    yield f"charges a period: {counts.charges.now} now, {counts.charges.then} then"
    yield (
        f"touched: {counts.assignments} assignment(s), {counts.offers} offer(s), {counts.templates} template(s),"
        f" {counts.trials} trial(s), {counts.tiers_moved} reseller(s) in another tier"
    )
    begins = f", begins {plan.effective_at.isoformat()}" if plan.later else ""
    if plan.applied:
        yield f"{plan.code}: applied as version {plan.version}, {len(plan.changes)} change(s){begins}"
        return
    yield f"{plan.code}: {len(plan.changes)} change(s) would make version {plan.version}{begins}; nothing was applied"
    if planned.needs_approval:
        yield f"needs approval: --approve {planned.hash}"


def versions(code: str, as_json: Json = False, wide: Wide = False) -> None:
    """List the versions of a programme, the one that begins last first."""
    from kontor.programme import versions as programme_versions
    from kontor.programme.schemas import VersionOut

    with command_context() as ctx:
        listed = programme_versions.entries(ctx.session, code)
        programme_versions.require_any(code, listed)
        rows = [dict(VersionOut.of(each)) for each in listed]
    first = ("version", "author", "applied_at", "effective_at", "reason")
    print_rows(rows, as_json=as_json, wide=wide, first=first)


Version = Annotated[int | None, typer.Option("--version", metavar="N", help="A version; the one in force without it.")]
Against = Annotated[int | None, typer.Option("--against", metavar="N", help="Show what changed since this version.")]


def show(code: str, version: Version = None, against: Against = None, as_json: Json = False) -> None:
    """Show a version of a programme, or what differs between two."""
    from kontor.programme import schemas
    from kontor.programme.service import Programmes

    with command_context() as ctx:
        document = schemas.programme_out(ctx.session, Programmes(), code, ctx.now, version, against)
    if against is not None and not as_json:
        for change in document.changes or []:
            print(change.text)
        return
    print_facts(dict(document), as_json=as_json)


def examples() -> None:
    """Print the folder with the programme files that come with Kontor."""
    print(Path(__file__).resolve().parents[2] / "examples" / "programmes")


if TYPE_CHECKING:
    from devtools.simulation.daily_plan import Parameters
    from kontor.programme.rollout import Rollout


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
    with running_settings("simulate", begins=True) as settings:
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

    return Parameters(parse_file(file.stem, _read(file)), resellers, months, seed, start or START)


def digest(summary: Mapping[str, Any]) -> dict[str, object]:
    """Return the part of the summary that fits on a screen."""
    actions = {name: sum(counts.values()) for name, counts in summary["actions"].items()}
    facts = {name: summary[name] for name in (*COLUMNS, *MORE_COLUMNS)}
    return {**facts, "actions": actions, "jobs": sum(summary["jobs"].values())}
