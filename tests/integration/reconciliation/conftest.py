"""The API, a worker and a scheduler over a database of each test; it opens on 1 December 2025."""

from collections.abc import Iterator

import pytest

from adapters.clock_fakes import ManualClock
from tests.api_fixtures import api, deps
from tests.api_world import Api
from tests.fee_world import OPENING, FeeWorld, fee_world

__all__ = ["api", "deps"]


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[FeeWorld]:
    """Resellers behind the API."""
    with fee_world(api, clock) as found:
        yield found
