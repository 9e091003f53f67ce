"""Runs the demo's stories with a progress bar and prints each step."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from devtools.demo.deployment import CALENDAR, DemoFailed
from devtools.demo.report import StoryResult, collect_results, document, table
from devtools.demo.stories import booking, hosting, learning, telephony
from devtools.demo.story import Steps, Story, StoryRun
from devtools.demo.world import World, running_world

WIDTH = 180
STORIES: Final = (
    *learning.FAILURE_STORIES,
    *learning.LEARNING_STORIES,
    *booking.BOOKING_STORIES,
    *booking.NAME_STORIES,
    *hosting.STORIES,
    *telephony.TELEPHONY_STORIES,
    *telephony.FINAL_STORIES,
)
"""All stories. Those that kill workers or pause queues come first, the one that checks all programmes last."""


def run_demo(console: Console, stories: Sequence[Story] = STORIES) -> list[StoryResult]:
    """Run all stories and stop everything at the end. Raises DemoFailed if a check of a story fails."""
    columns = (TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("starting a deployment", total=2 + len(CALENDAR) + len(stories))
        runs: list[StoryRun] = []
        with running_world() as world:
            progress.update(bar, advance=1)
            for event in play_stories(world, stories, lambda step: progress.console.print(step, highlight=False)):
                if isinstance(event, StoryRun):
                    runs.append(event)
                    progress.update(bar, advance=1)
                else:
                    progress.update(
                        bar, advance=int(event in CALENDAR and event != world.now), description=f"{event:%d %B %H:%M}"
                    )
            progress.update(bar, description="collecting results")
            results = collect_results(world, runs)
        progress.update(bar, advance=1, description="finished")
    return results


def print_demo(console: Console) -> None:
    """Run the demo and print the results."""
    began = time.monotonic()
    results = run_demo(console)
    wide = console if console.width >= WIDTH else Console(width=WIDTH)
    wide.print(table(results))
    console.print(f"{len(results)} stories in {time.monotonic() - began:.1f} s. All processes have stopped.")


def demo_document(console: Console) -> dict[str, Any]:
    """Run the demo and return the results as a JSON document."""
    began = time.monotonic()
    results = run_demo(console)
    return document(results, time.monotonic() - began)


@dataclass(slots=True)
class PendingRun:
    """A story that waits for its next instant."""

    run: StoryRun
    steps: Steps
    at: datetime


def play_stories(
    world: World, stories: Sequence[Story], print_step: Callable[[str], None]
) -> Iterator[StoryRun | datetime]:
    """Run all stories; yield each instant before the clock moves to it, and each finished story.

    Raises DemoFailed if a check of a story fails.
    """
    runs = [StoryRun(world, story, number, print_step) for number, story in enumerate(stories, 1)]
    pending_runs = [PendingRun(run, run.story.play(world, run), world.now) for run in runs]
    while pending_runs:
        instant = min(pending.at for pending in pending_runs)
        yield instant
        world.move_to(instant)
        for pending in [pending for pending in pending_runs if pending.at <= instant]:
            if not _advance(pending):
                pending_runs.remove(pending)
                yield pending.run


def _advance(pending: PendingRun) -> bool:
    """Run a story up to its next instant; return False when it is finished."""
    run = pending.run
    run.days.append(run.world.now)
    began = time.monotonic()
    try:
        pending.at = next(pending.steps)
    except StopIteration as end:
        run.happened = end.value
        run.report(end.value)
        return False
    except DemoFailed as error:
        raise DemoFailed(f"{run.story.programme}, {run.story.name}, {run.world.now:%d %B %H:%M}: {error}") from error
    finally:
        run.seconds += time.monotonic() - began
    return True
