"""Two resellers behind the API on 1 December 2025."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from adapters.clock_fakes import ManualClock
from adapters.doorbell import SilentDoorbell
from adapters.passwords import Argon2Passwords
from engine.enqueue import Jobs
from services import programme_files
from services.account_book import AccountBook
from services.programmes import Programmes
from store.schema import ROOT
from tasks.catalogue import catalogue
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


@pytest.fixture
def office(session: Session) -> AccountBook:
    """The use cases of accounts, with `hosting` applied, at noon of 2 March 2026."""
    jobs = Jobs(catalogue(), ManualClock(), SilentDoorbell())
    text = (ROOT / "examples" / "programmes" / "hosting.yaml").read_text()
    programme_files.apply(session, "hosting", text, now=jobs.clock.now(), actor="test")
    return AccountBook(jobs, Programmes(), Argon2Passwords.cheap())
