"""Fixtures of account services: a manual clock, jobs, programmes and a cheap password hasher."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from kontor.accounts import clients, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import ManualClock
from kontor.context import Context
from kontor.engine.enqueue import Jobs
from kontor.kernel.tokens import Tokens
from kontor.webhooks import events
from kontor.webhooks.event_types import EVENTS
from models.accounts import Account
from tests.support.wiring import EXAMPLES, SECRET, apply_example, context_for, silent_jobs


@pytest.fixture
def clock() -> ManualClock:
    """Noon of 2 March 2026, UTC."""
    return ManualClock()


@pytest.fixture
def jobs(clock: ManualClock) -> Jobs:
    """The ledger, with a silent doorbell."""
    return silent_jobs(clock)


@pytest.fixture
def tokens() -> Tokens:
    """Tokens signed with the secret of the tests."""
    return Tokens(SECRET)


@pytest.fixture
def office(session: Session, jobs: Jobs) -> Context:
    """The context of account services, with all example programmes applied."""
    for path in sorted(EXAMPLES.glob("*.yaml")):
        apply_example(session, path.stem, jobs.clock)
    return context_for(jobs)


@pytest.fixture
def reseller(office: Context, session: Session) -> Account:
    """A reseller of `learning`."""
    new = NewAccount("learning", "Elbe Schulung", "chef@elbe.example", password="a long password")
    account = accounts.create(office, session, new)
    return reseller_status.become_reseller(office, session, account.id).account


@pytest.fixture
def client(office: Context, session: Session, reseller: Account) -> Account:
    """A client of `reseller`, not yet active."""
    new = NewClient("Weser Logistik", "admin@weser.example")
    return clients.create(office, session, reseller.id, new)


@pytest.fixture(autouse=True)
def valid_events(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an event whose data its model does not describe fail the test, unless the module makes events up."""
    if getattr(request.module, "MAKES_EVENTS_UP", False):
        return
    written = events.stored_values

    def checked(event: events.NewEvent, seq: int, at: datetime) -> dict[str, object]:
        EVENTS[event.type].data.model_validate(dict(event.data))
        return written(event, seq, at)

    monkeypatch.setattr(events, "stored_values", checked)
