"""A world of trials and quotas."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from adapters.clock_fakes import ManualClock
from tests.trial_world import TrialWorld


@pytest.fixture
def world(engine: Engine, clock: ManualClock) -> Iterator[TrialWorld]:
    """A reseller of `booking` with the client Figaro."""
    world = TrialWorld(engine, clock)
    with world.inline:
        yield world
