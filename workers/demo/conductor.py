"""Plays all stories on one clock: whoever waits for an instant goes on when everything due by then is done."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from workers.demo.act import Act, Scenes, Story
from workers.demo.failure import DemoFailed
from workers.demo.world import World


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
