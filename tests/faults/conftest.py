"""Fleets of real processes on the run's servers, and on disposable servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from kontor.adapters.embedded.servers import EmbeddedServers, owned_servers
from kontor.adapters.fakes import ManualClock
from kontor.adapters.settings import Settings
from tests.conftest import Servers
from tests.faults.chaos import settings_of
from tests.faults.fleet import Fleet, fleet
from tests.support.api_fixtures import api, deps
from tests.support.discounts import OPENING
from tests.support.sigkill import SigkillHarness
from tests.support.sigkill_child import Forker
from workers.migrations import migrate

__all__ = ["api", "deps"]


@pytest.fixture
def live(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    """A relay, two workers and an enqueuer in real time, on this test's database."""
    real = replace(settings, test_clock=False, test_clock_start=None)
    with fleet(real, tmp_path / "fleet", "relay", "worker", "worker", "enqueuer") as made:
        made.workers(2)
        yield made


@contextmanager
def disposable_fleet(folder: Path, *roles: str) -> Iterator[tuple[EmbeddedServers, Fleet]]:
    """Servers and a fleet of which everything may be killed."""
    with owned_servers(folder) as servers:
        migrate(servers.postgres.url)
        with fleet(settings_of(servers, "disposable_fleet"), folder / "fleet", *roles) as made:
            yield servers, made


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    """Forks the processes that are killed."""
    forker = Forker()
    yield forker
    forker.close()


@pytest.fixture
def clock() -> ManualClock:
    """Midnight UTC of 1 December 2025."""
    return ManualClock(OPENING)


@pytest.fixture
def harness(servers: Servers, engine: Engine, clock: ManualClock, forker: Forker) -> SigkillHarness:
    """The harness on this test's database."""
    return SigkillHarness(servers, engine, clock, forker)
