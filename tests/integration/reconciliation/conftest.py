"""The API, a worker and a scheduler on a separate database per test, from 1 December 2025."""

from collections.abc import Iterator

import pytest

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.api_fixtures import api, deps
from tests.support.fees import OPENING, FeeScenario, fee_scenario

__all__ = ["api", "deps"]


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[FeeScenario]:
    """Resellers behind the API."""
    with fee_scenario(api, clock) as scenario:
        scenario.housekeeping = True
        yield scenario
