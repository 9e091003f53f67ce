"""The fixtures of offers for this folder."""

import pytest
from sqlalchemy import Engine

from kontor.adapters.fakes import ManualClock
from tests.support.offers import START, OfferScenario


@pytest.fixture
def world(engine: Engine) -> OfferScenario:
    """A reseller, a client and its instance at noon of 10 March 2026."""
    return OfferScenario(engine, ManualClock(START)).set_up()
