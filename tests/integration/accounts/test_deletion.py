"""Soft deletion of accounts, restoring within 30 days, and final deletion."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import clients, deletion, instances
from kontor.accounts import service as accounts
from kontor.accounts.payloads import AccountsTidy
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import ManualClock
from kontor.adapters.secrets import FernetSecretBox
from kontor.context import Context
from kontor.engine.handlers import Done, JobContext
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.states import TrialState
from kontor.offers import service as offers
from kontor.offers.service import NewOffer
from models.accounts import Account
from models.mails import Mail
from models.webhooks import DomainEvent
from tasks.accounts import AccountsTidyHandler
from tests.support.wiring import context_for


@pytest.fixture
def offer_book(office: Context) -> Context:
    """The context of offer services."""
    return context_for(office.jobs, office.programmes)


def tidy(office: Context, session: Session) -> object:
    """Run the scheduled job; returns the number of purged accounts."""
    job = JobContext(
        id=new_id(),
        task="accounts.tidy",
        tenant="",
        lane=None,
        attempt=1,
        now=office.now,
        jobs=office.jobs,
        cancelled=lambda: False,
    )
    outcome = AccountsTidyHandler(office).run(job, session, AccountsTidy())
    session.expire_all()
    assert isinstance(outcome, Done)
    assert isinstance(outcome.result, dict)
    return outcome.result["purged"]


def test_deleted_account_keeps_its_name_and_can_be_restored(
    office: Context, offer_book: Context, session: Session, client: Account, clock: ManualClock
) -> None:
    deletion.delete(office, session, client.id, "test")
    assert client.deleted_at == office.now
    with pytest.raises(Conflict) as taken:
        accounts.create(office, session, NewAccount("booking", client.name, "x@x.example"))
    assert taken.value.code == "name_taken"
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert tidy(office, session) == 0
    assert deletion.restore(office, session, client.id).deleted_at is None
    templates = list(session.scalars(select(Mail.template).order_by(Mail.id)))
    assert templates[-2:] == ["account-deleted", "account-restored"]
    happened = list(session.scalars(select(DomainEvent.type).order_by(DomainEvent.seq)))
    assert happened[-2:] == ["account.deleted", "account.restored"]


def test_account_is_purged_and_its_name_free_after_thirty_days(
    office: Context, offer_book: Context, session: Session, client: Account, clock: ManualClock
) -> None:
    account_id, name = client.id, client.name
    deletion.delete(office, session, account_id, "test")
    clock.advance(timedelta(days=30))
    with pytest.raises(Conflict) as refused:
        deletion.restore(office, session, account_id)
    assert refused.value.code == "final"
    assert tidy(office, session) == 1
    assert tidy(office, session) == 0
    with pytest.raises(NotFound):
        accounts.get(session, account_id)
    assert accounts.create(office, session, NewAccount("booking", name, "x@x.example")).name == name


def test_deleting_ends_a_trial_and_deleting_again_changes_nothing(
    office: Context, offer_book: Context, session: Session, client: Account, clock: ManualClock
) -> None:
    client.trial_state = TrialState.RUNNING.value
    client.trial_started_at, client.trial_ends_at = office.now, office.now + timedelta(days=7)
    first = clock.now()
    deletion.delete(office, session, client.id, "test")
    clock.advance(timedelta(days=1))
    deletion.delete(office, session, client.id, "test")
    assert (client.trial_state, client.trial_ends_at, client.deleted_at) == ("expired", first, first)


@pytest.mark.parametrize(("closed", "reason"), [("client", "account_closed"), ("reseller", "account_moved")])
def test_open_offers_of_a_deleted_account_are_cancelled(
    office: Context,
    offer_book: Context,
    session: Session,
    reseller: Account,
    client: Account,
    closed: str,
    reason: str,
) -> None:
    lines = [{"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}]
    instances.put(session, FernetSecretBox("key"), client.id, "https://weser.example/in", None, office.now)
    sent = [offers.send(offer_book, session, NewOffer(reseller.id, client.id, lines=lines), "test") for _ in range(2)]
    if closed == "reseller":
        clients.disconnect(office, session, reseller.id, client.id)
    gone = reseller if closed == "reseller" else client
    deletion.delete(office, session, gone.id, "test")
    assert [(offer.state, offer.reason) for offer in sent] == [("cancelled", reason)] * 2


def test_deleted_account_cannot_be_changed(
    office: Context, offer_book: Context, session: Session, client: Account
) -> None:
    deletion.delete(office, session, client.id, "test")
    with pytest.raises(Conflict) as refused:
        accounts.change(office, session, client.id, {"name": "Other"})
    assert refused.value.code == "account_deleted"


def test_reseller_with_clients_cannot_be_deleted(
    office: Context, offer_book: Context, session: Session, reseller: Account, client: Account
) -> None:
    with pytest.raises(Conflict) as refused:
        deletion.delete(office, session, reseller.id, "test")
    assert refused.value.code == "has_clients"


def test_restored_client_is_regular_when_its_reseller_was_deleted_too(
    office: Context, offer_book: Context, session: Session, reseller: Account, client: Account
) -> None:
    deletion.delete(office, session, client.id, "test")
    deletion.delete(office, session, reseller.id, "test")
    assert reseller.deleted_at is not None
    restored = deletion.restore(office, session, client.id)
    assert (restored.kind, restored.reseller_id) == ("regular", None)


def test_deleted_account_cannot_be_connected(
    office: Context, offer_book: Context, session: Session, reseller: Account
) -> None:
    new = NewAccount("learning", "Salon", "a@salon.example", password="open sesame, please")
    account = accounts.create(office, session, new)
    deletion.delete(office, session, account.id, "test")
    refused = clients.connect(office, session, reseller.id, "Salon", "open sesame, please")
    assert not isinstance(refused, Account)
    assert refused.code == "bad_credentials"
