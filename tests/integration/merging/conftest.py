"""Two resellers behind the API on 1 December 2025."""

from collections.abc import Iterator

import pytest

from adapters.clock_fakes import ManualClock
from tests.api_fixtures import api, deps
from tests.api_world import Api
from tests.fee_world import OPENING
from tests.merge_world import MergeWorld, merge_world

__all__ = ["api", "deps"]


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[MergeWorld]:
    """The API and a worker."""
    with merge_world(api, clock) as found:
        yield found
