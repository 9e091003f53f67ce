"""Run the demo's stories with a progress bar and report each step."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from devtools.demo.deployment import CALENDAR, DemoFailed
from devtools.demo.report import Ending, document, endings, table
from devtools.demo.stories import STORIES
from devtools.demo.story import Act, Scenes, Story
from devtools.demo.world import World, running_world

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


@dataclass(slots=True)
class Turn:
    """A story that waits for its instant."""

    act: Act
    scenes: Scenes
    at: datetime


def perform(world: World, stories: Sequence[Story], tell: Callable[[str], None]) -> Iterator[Act | datetime]:
    """Play everything. Yields each instant before the clock moves to it, and each act that is over.

    Raises DemoFailed when a story does not end as it has to.
    """
    acts = [Act(world, story, number, tell) for number, story in enumerate(stories, 1)]
    turns = [Turn(act, act.story.play(world, act), world.now) for act in acts]
    while turns:
        instant = min(turn.at for turn in turns)
        yield instant
        world.move_to(instant)
        for turn in [one for one in turns if one.at <= instant]:
            if not _goes_on(turn):
                turns.remove(turn)
                yield turn.act


def _goes_on(turn: Turn) -> bool:
    """Play one scene; whether there is another."""
    act = turn.act
    act.days.append(act.world.now)
    began = time.monotonic()
    try:
        turn.at = next(turn.scenes)
    except StopIteration as over:
        act.happened = over.value
        act.say(over.value)
        return False
    except DemoFailed as why:
        raise DemoFailed(f"{act.story.programme}, {act.story.name}, {act.world.now:%d %B %H:%M}: {why}") from why
    finally:
        act.seconds += time.monotonic() - began
    return True
