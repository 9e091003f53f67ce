"""What use cases of accounts need: a clock that stands still, jobs, programmes, a cheap hasher."""

import pytest
from sqlalchemy.orm import Session

from adapters.clock_fakes import ManualClock
from adapters.doorbell import SilentDoorbell
from adapters.passwords import Argon2Passwords
from engine.enqueue import Jobs
from models.accounts import Account
from services import accounts, clients, programme_files, reselling
from services.account_book import AccountBook
from services.accounts import NewAccount
from services.clients import NewClient
from services.programmes import Programmes
from services.tokens import Tokens
from store.schema import ROOT
from tasks.catalogue import catalogue

EXAMPLES = ROOT / "examples" / "programmes"


@pytest.fixture
def clock() -> ManualClock:
    """Noon of 2 March 2026, UTC."""
    return ManualClock()


@pytest.fixture
def jobs(clock: ManualClock) -> Jobs:
    """A way into the ledger."""
    return Jobs(catalogue(), clock, SilentDoorbell())


@pytest.fixture
def tokens() -> Tokens:
    """Links signed with a key of this test."""
    return Tokens("a secret that only tests use")


@pytest.fixture
def office(session: Session, jobs: Jobs) -> AccountBook:
    """The use cases of accounts, with the four example programmes applied."""
    for path in sorted(EXAMPLES.glob("*.yaml")):
        programme_files.apply(session, path.stem, path.read_text(), now=jobs.clock.now(), actor="test")
    return AccountBook(jobs, Programmes(), Argon2Passwords.cheap())


@pytest.fixture
def reseller(office: AccountBook, session: Session) -> Account:
    """A reseller of `learning`."""
    new = NewAccount("learning", "Elbe Schulung", "chef@elbe.example", password="a long password")
    account = accounts.create(office, session, new)
    return reselling.become_reseller(office, session, account.id).account


@pytest.fixture
def client(office: AccountBook, session: Session, reseller: Account) -> Account:
    """A client of `reseller`, not yet active."""
    new = NewClient("Weser Logistik", "admin@weser.example")
    return clients.create(office, session, reseller.id, new)
