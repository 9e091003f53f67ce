"""A reseller whose services a pull worker provisions, on 1 December 2025."""

from collections.abc import Iterator

import pytest

from kontor.adapters.fakes import ManualClock
from tests.support.api import Api
from tests.support.api_fixtures import api, deps
from tests.support.fees import OPENING
from tests.support.services import ServiceScenario, service_scenario

__all__ = ["api", "deps"]


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[ServiceScenario]:
    """The scenario."""
    with service_scenario(api, clock) as scenario:
        yield scenario
