"""Two resellers behind the API on 1 December 2025."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.context import Context
from tests.support.api import Api
from tests.support.api_fixtures import api, deps
from tests.support.fees import OPENING
from tests.support.merging import MergeScenario, merge_scenario
from tests.support.wiring import apply_example, context_for, silent_jobs

__all__ = ["api", "deps"]


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[MergeScenario]:
    """Two resellers behind the API, with a worker."""
    with merge_scenario(api, clock) as scenario:
        yield scenario


@pytest.fixture
def office(session: Session) -> Context:
    """The context of account services, with `hosting` applied, at noon of 2 March 2026."""
    jobs = silent_jobs(ManualClock())
    apply_example(session, "hosting", jobs.clock)
    return context_for(jobs)
