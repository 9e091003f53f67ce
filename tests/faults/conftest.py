"""Fleets of real processes over the run's servers, and over servers of a test's own that may be killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.embedded.servers import EmbeddedServers, owned_servers
from adapters.settings import Settings
from store.schema import migrate
from tests.faults.chaos import settings_of
from tests.faults.fleet import Fleet, fleet


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
