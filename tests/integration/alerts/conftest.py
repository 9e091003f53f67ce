"""A deployment with an admin, an operator and a viewer, a worker and a scheduler in the test's thread."""

from collections.abc import Iterator

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.adapters.secrets import Argon2Passwords
from kontor.operators import service as operators
from tests.support.api import Api
from tests.support.api_fixtures import api, deps
from tests.support.discounts import OPENING, DiscountScenario, discount_scenario

__all__ = ["api", "deps"]


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def world(api: Api, clock: ManualClock) -> Iterator[DiscountScenario]:
    """Two people who receive alerts, one who does not, and no incident."""
    with discount_scenario(api, clock) as scenario:
        scenario.housekeeping = True
        scenario.apply("learning")
        with scenario.transaction() as session:
            for name, role in (("duty", "operator"), ("boss", "admin"), ("guest", "viewer")):
                email = f"{name}@kontor.example"
                operators.create(session, Argon2Passwords.cheap(), email, role, now=clock.now(), actor="test")
        scenario.settle()
        yield scenario
