from datetime import datetime, timedelta
from pathlib import Path

import pytest

from devtools.demo.deployment import CALENDAR, NEXT_DAY, START, THREE_DAYS_LEFT, DemoFailed, check_equal
from devtools.demo.runner import STORIES, play_stories
from devtools.demo.story import Steps, Story, StoryRun
from devtools.demo.world import World

EXAMPLES = Path(__file__).parents[3] / "examples"


class Clockwork(World):
    """The clock of a world without the rest."""

    def __init__(self) -> None:
        self.now = START
        self.moves: list[datetime] = []

    def move_to(self, instant: datetime) -> None:
        self.moves.append(instant)
        self.now = instant


def waiting(*instants: datetime) -> Story:
    def play(world: World, run: StoryRun) -> Steps:
        for instant in instants:
            yield instant
            check_equal("the instant", world.now, instant)
        return "done"

    return Story("any", "waits", play)


def test_stories_waiting_for_the_same_instant_share_one_clock_move() -> None:
    world = Clockwork()
    lines: list[str] = []
    runs = list(play_stories(world, [waiting(NEXT_DAY), waiting(START, NEXT_DAY, THREE_DAYS_LEFT)], lines.append))

    assert world.moves == [START, START, NEXT_DAY, THREE_DAYS_LEFT]
    assert [run.number for run in runs if isinstance(run, StoryRun)] == [1, 2]
    assert lines == ["21 Jan 08:00  any, waits: done", "24 Jan 08:00  any, waits: done"]


def test_failed_story_reports_which_when_and_why() -> None:
    def play(world: World, run: StoryRun) -> Steps:
        yield NEXT_DAY
        check_equal("the tier", "Partner #7", "Partner #8")
        return "never"

    with pytest.raises(DemoFailed) as failure:
        list(play_stories(Clockwork(), [Story("hosting", "breaks", play)], print))

    assert str(failure.value) == "hosting, breaks, 21 January 08:00: the tier: expected 'Partner #8', got 'Partner #7'"


def test_every_example_programme_has_stories_with_unique_names() -> None:
    names = [(story.programme, story.name) for story in STORIES]

    assert len(set(names)) == len(names)
    programmes = {path.stem for folder in ("programmes", "provisioning") for path in (EXAMPLES / folder).glob("*.yaml")}
    assert {story.programme for story in STORIES} == programmes | {"all"}


def test_calendar_only_moves_forward() -> None:
    assert list(CALENDAR) == sorted(set(CALENDAR))
    assert CALENDAR[-1] - CALENDAR[0] > timedelta(days=60)
