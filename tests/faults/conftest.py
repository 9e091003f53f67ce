"""Fleets of real processes over the run's servers, and over servers of a test's own that may be killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.clock_fakes import ManualClock
from adapters.embedded.servers import EmbeddedServers, owned_servers
from adapters.settings import Settings
from store.schema import migrate
from tests.conftest import Servers
from tests.faults.chaos import settings_of
from tests.faults.fleet import Fleet, fleet
from tests.support.api_fixtures import api, deps
from tests.support.discounts import OPENING
from tests.support.sigkill import SigkillHarness
from tests.support.sigkill_child import Forker

__all__ = ["api", "deps"]


@pytest.fixture
def live(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    """A relay, two workers and an enqueuer in real time, over this test's database."""
    real = replace(settings, test_clock=False, test_clock_start=None)
    with fleet(real, tmp_path / "fleet", "relay", "worker", "worker", "enqueuer") as made:
        made.workers(2)
        yield made


@contextmanager
def doomed(folder: Path, *roles: str) -> Iterator[tuple[EmbeddedServers, Fleet]]:
    """Servers and a fleet of a test's own, all of which may be killed."""
    with owned_servers(folder) as servers:
        migrate(servers.postgres.url)
        with fleet(settings_of(servers, "doomed"), folder / "fleet", *roles) as made:
            yield servers, made


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    """Forks the processes that are to be killed."""
    found = Forker()
    yield found
    found.close()


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def harness(servers: Servers, engine: Engine, clock: ManualClock, forker: Forker) -> SigkillHarness:
    """Where a test builds its world."""
    return SigkillHarness(servers, engine, clock, forker)
