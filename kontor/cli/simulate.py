"""`kontor simulate`: months of a programme in minutes, in a temporary database."""

import logging
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kontor.adapters.logs import configure_logs
from kontor.cli.context import Json, print_facts, print_json, running_settings
from kontor.kernel.errors import Invalid

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
