"""Plays the stories with a progress bar and prints what happened as a table."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from workers.demo.stories import STORIES, Cast, Ending, cast_for
from workers.demo.world import World, deployment, wait_for

PROGRAMMES = Path(__file__).parents[2] / "examples" / "programmes"

WIDTH = 150


def wide(console: Console) -> Console:
    """A console on which the table's ids are not cut."""
    return console if console.width >= WIDTH else Console(width=WIDTH)


def play(console: Console) -> None:
    """Play everything. Raises DemoFailed when a story does not end as it has to."""
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    began = time.monotonic()
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("starting every process", total=2 + len(STORIES))
        with deployment() as world:
            progress.update(bar, advance=1, description="applying four programmes")
            for path in sorted(PROGRAMMES.glob("*.yaml")):
                world.kontor("programme", "apply", str(path))
                progress.console.print(f"  applied {path.stem}")
            progress.update(bar, advance=1)
            table = heading()
            for number, (name, story) in enumerate(STORIES):
                progress.update(bar, description=name)
                started = time.monotonic()
                cast = cast_for(world, number)
                ending = story(world, cast)
                progress.console.print(f"  {name}: {told(story.__doc__)}")
                row(table, name, ending, mails_of(world, cast), time.monotonic() - started)
                progress.update(bar, advance=1)
            progress.update(bar, description="stopping")
    wide(console).print(table)
    console.print(f"Played in {time.monotonic() - began:.1f} s; nothing is left running.")


def told(words: str | None) -> str:
    """A story in one sentence."""
    return (words or "").strip()


def heading() -> Table:
    """The empty table."""
    table = Table(title="What happened", title_justify="left")
    for name in ("story", "states", "tries", "mails", "webhook ids", "s", "remark"):
        table.add_column(name, no_wrap=name in {"states", "mails", "webhook ids"})
    return table


def row(table: Table, name: str, ending: Ending, mails: list[str], seconds: float) -> None:
    """One story's line."""
    events = ending.offer["events"]
    states = "\n".join(event["to"] for event in events)
    ids = sorted({call["webhook-id"] for call in ending.calls})
    tries = str(ending.offer["delivery"]["attempts"])
    table.add_row(name, states, tries, "\n".join(mails), "\n".join(ids), f"{seconds:.1f}", ending.remark)


def mails_of(world: World, cast: Cast) -> list[str]:
    """Every mail about this story's two accounts, with its state."""

    def settled() -> list[Any] | None:
        found: list[Any] = []
        for account in (cast.client, cast.reseller):
            found += world.call("GET", f"/v1/mails?account={account}")["items"]
        return None if any(mail["state"] == "queued" for mail in found) else found

    found = wait_for("every mail to leave", settled)
    return sorted({f"{mail['template']} {mail['state']}" for mail in found})
