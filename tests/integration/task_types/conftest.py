"""The API on this test's database."""

from collections.abc import Iterator

import pytest

from tests.support.api import Api
from tests.support.api_fixtures import api, clock, deps, make_accounts
from tests.support.worker import WorkerHarness, running_worker

__all__ = ["api", "clock", "deps", "make_accounts"]


@pytest.fixture
def worker(api: Api) -> Iterator[WorkerHarness]:
    """Kontor's own relay and worker, beside those of others."""
    with running_worker(api.deps) as harness:
        yield harness


@pytest.fixture
def key(api: Api) -> str:
    """A key of scope work."""
    return api.key("work")
