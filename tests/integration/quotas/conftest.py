"""The fixtures of trials and quotas."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from kontor.adapters.fakes import ManualClock
from tests.support.trials import TrialScenario


@pytest.fixture
def world(engine: Engine, clock: ManualClock) -> Iterator[TrialScenario]:
    """A reseller of `booking` with the client Figaro."""
    world = TrialScenario(engine, clock)
    with world.inline:
        yield world
