from datetime import datetime, timedelta
from pathlib import Path

import pytest

from devtools.demo.deployment import CALENDAR, NEXT_DAY, START, THREE_DAYS_LEFT, DemoFailed, must_be
from devtools.demo.runner import perform
from devtools.demo.stories import STORIES
from devtools.demo.story import Act, Scenes, Story
from devtools.demo.world import World

EXAMPLES = Path(__file__).parents[3] / "examples" / "programmes"


class Clockwork(World):
    """The clock of a world without the rest."""

    def __init__(self) -> None:
        self.now = START
        self.moves: list[datetime] = []

    def move_to(self, instant: datetime) -> None:
        self.moves.append(instant)
        self.now = instant


def waiting(*instants: datetime) -> Story:
    def play(world: World, act: Act) -> Scenes:
        for instant in instants:
            yield instant
            must_be("the instant", world.now, instant)
        return "done"

    return Story("any", "waits", play)


def test_stories_waiting_for_the_same_instant_share_one_clock_move() -> None:
    world = Clockwork()
    lines: list[str] = []
    acts = list(perform(world, [waiting(NEXT_DAY), waiting(START, NEXT_DAY, THREE_DAYS_LEFT)], lines.append))

    assert world.moves == [START, START, NEXT_DAY, THREE_DAYS_LEFT]
    assert [act.number for act in acts if isinstance(act, Act)] == [1, 2]
    assert lines == ["21 Jan 08:00  any, waits: done", "24 Jan 08:00  any, waits: done"]


def test_failed_story_reports_which_when_and_why() -> None:
    def play(world: World, act: Act) -> Scenes:
        yield NEXT_DAY
        must_be("the tier", "Partner #7", "Partner #8")
        return "never"

    with pytest.raises(DemoFailed) as failure:
        list(perform(Clockwork(), [Story("hosting", "breaks", play)], print))

    assert (
        str(failure.value) == "hosting, breaks, 21 January 08:00: the tier: found 'Partner #7', promised 'Partner #8'"
    )


def test_every_example_programme_has_stories_with_unique_names() -> None:
    names = [(story.programme, story.name) for story in STORIES]

    assert len(set(names)) == len(names)
    assert {story.programme for story in STORIES} == {path.stem for path in EXAMPLES.glob("*.yaml")} | {"all"}


def test_calendar_only_moves_forward() -> None:
    assert list(CALENDAR) == sorted(set(CALENDAR))
    assert CALENDAR[-1] - CALENDAR[0] > timedelta(days=60)
