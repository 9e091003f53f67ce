"""Two resellers behind the API on 1 December 2025, and what their account books show."""

from collections.abc import Iterator

import pytest

from kontor.adapters.fakes import ManualClock
from tests.support.account_book import BookScenario, book_scenario
from tests.support.api import Api
from tests.support.api_fixtures import api, deps
from tests.support.fees import OPENING

__all__ = ["api", "deps"]


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[BookScenario]:
    """Resellers behind the API, with a worker."""
    with book_scenario(api, clock) as scenario:
        yield scenario
