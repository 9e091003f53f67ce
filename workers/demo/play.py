"""Plays the stories with a progress bar, tells each step, and what they came to."""

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from workers.demo.act import Act, Story
from workers.demo.conductor import perform
from workers.demo.days import CALENDAR
from workers.demo.report import Ending, document, endings, table
from workers.demo.stories import STORIES
from workers.demo.world import running_world

WIDTH = 180


def play(console: Console, stories: Sequence[Story] = STORIES) -> list[Ending]:
    """Play everything; leaves nothing running. Raises DemoFailed when a story does not end as it has to."""
    columns = (TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("starting, four programmes", total=2 + len(CALENDAR) + len(stories))
        acts: list[Act] = []
        with running_world() as world:
            progress.update(bar, advance=1)
            for one in perform(world, stories, lambda step: progress.console.print(step, highlight=False)):
                if isinstance(one, Act):
                    acts.append(one)
                    progress.update(bar, advance=1)
                else:
                    progress.update(
                        bar, advance=int(one in CALENDAR and one != world.now), description=f"{one:%d %B %H:%M}"
                    )
            progress.update(bar, description="gathering, stopping")
            told = endings(world, acts)
        progress.update(bar, advance=1, description="played")
    return told


def show(console: Console) -> None:
    """Play, then the table."""
    began = time.monotonic()
    told = play(console)
    wide = console if console.width >= WIDTH else Console(width=WIDTH)
    wide.print(table(told))
    console.print(f"{len(told)} stories in {time.monotonic() - began:.1f} s; nothing is left running.")


def as_document(console: Console) -> dict[str, Any]:
    """Play; what happened, for programs."""
    began = time.monotonic()
    told = play(console)
    return document(told, time.monotonic() - began)
