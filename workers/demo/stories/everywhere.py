"""Everything: nothing that should exist is missing, nothing is dead, nothing is late."""

from typing import Final

from workers.demo.act import Act, Scenes, Story
from workers.demo.days import FIRST_OF_APRIL
from workers.demo.failure import must_be
from workers.demo.world import World


def reconciled(world: World, act: Act) -> Scenes:
    """After ten weeks everything is compared: no gap, no dead job, no mail that failed."""
    yield FIRST_OF_APRIL
    world.post("/v1/schedules/reconciliation.compare/run", {"reason": "demo"})
    yield world.now
    gaps = [f"{gap['kind']}: {gap['detail']}" for gap in world.every("/v1/reconciliation")]
    must_be("the gaps", gaps, [])
    must_be(
        "dead jobs", [job["task"] for job in world.every("/v1/jobs?state=dead&created_after=2026-01-01T00:00:00Z")], []
    )
    must_be("failed mails", world.get("/v1/mails?state=failed&state=suppressed")["items"], [])
    return "no gap, no dead job, no failed mail after ten weeks"


STORIES: Final = (Story("all", "reconciliation", reconciled),)
