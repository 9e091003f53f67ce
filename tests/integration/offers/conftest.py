"""The world of offers for this folder's tests."""

import pytest
from sqlalchemy import Engine

from adapters.clock_fakes import ManualClock
from tests.offer_world import START, World


@pytest.fixture
def world(engine: Engine) -> World:
    """A reseller, a client and its instance at noon of 10 March 2026."""
    return World(engine, ManualClock(START)).set_up()
