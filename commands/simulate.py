"""`kontor simulate`: a year of a programme in minutes, in a database that is thrown away."""

import logging
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.logs import configure_logs
from commands.context import Json, print_facts, print_json, running_settings
from domain.errors import Invalid

if TYPE_CHECKING:
    from workers.simulation.script import Play

File = Annotated[Path, typer.Option("--programme", help="The programme file.")]
Resellers = Annotated[int, typer.Option("--resellers", help="How many resellers come.", min=1, max=100_000)]
Months = Annotated[int, typer.Option("--months", help="How long it lasts.", min=1, max=120)]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same story.")]
Start = Annotated[datetime | None, typer.Option("--start", help="The first day.", formats=["%Y-%m-%d"])]
Plots = Annotated[Path | None, typer.Option("--plots", help="Write plots as SVG files into this folder.")]

SHOWN = ("programme", "from", "until", "days", "accounts", "trials", "plans", "offers", "payments", "charges")
ALSO = ("quota_notices", "mails", "money", "outside", "dead_jobs")


def simulate(
    programme: File,
    resellers: Resellers = 20,
    months: Months = 3,
    seed: Seed = 1,
    start: Start = None,
    plots: Plots = None,
    as_json: Json = False,
) -> None:
    """Play a programme with random people, payments and outages; the database is dropped afterwards."""
    with running_settings("simulate") as settings:
        from workers.simulation.show import show

        # Calls and mails that fail are part of the story, not news.
        configure_logs(settings.log, "simulate", logging.ERROR)
        play = play_of(programme, resellers, months, seed, start.date() if start else None)
        found = show(settings.database_url, programme, play, plots)
    if as_json:
        print_json(found.summary)
        return
    print_facts(digest(found.summary), as_json=False)
    for path in found.plots:
        print(path)


def play_of(file: Path, resellers: int, months: int, seed: int, start: date | None) -> "Play":
    """What is to be played. Raises Invalid."""
    from services.programme_files import checked
    from workers.simulation.script import START, Play

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("invalid", f"{file} cannot be read: {error}") from None
    return Play(checked(file.stem, text), resellers, months, seed, start or START)


def digest(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a summary that fits on a screen."""
    actions = {name: sum(found.values()) for name, found in summary["actions"].items()}
    facts = {name: summary[name] for name in (*SHOWN, *ALSO)}
    return {**facts, "actions": actions, "jobs": sum(summary["jobs"].values())}
