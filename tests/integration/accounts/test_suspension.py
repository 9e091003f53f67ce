"""Who suspends an account, whom it takes along, and who lifts it."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import clients, reseller_status, suspension
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount
from kontor.accounts.suspension import Suspender
from kontor.audit import Actor
from kontor.context import Context
from kontor.kernel.errors import Conflict, Forbidden
from models.accounts import Account, SuspensionAuthority
from models.control import AuditEntry

OPERATOR = Suspender(Actor("operator:anna", reason="abuse"))
ITS_RESELLER = Suspender(Actor("key:1", reason="unpaid"), SuspensionAuthority.RESELLER)


def test_client_goes_and_returns_with_its_reseller(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    suspension.suspend(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    later = clients.create(office, session, reseller.id, NewClient("Later", "later@weser.example"))
    assert (reseller.suspended, client.suspended, later.suspended) == (True, True, True)
    suspension.resume(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    assert (reseller.suspended, client.suspended, later.suspended) == (False, False, False)


def test_resumed_reseller_leaves_what_its_client_had_before(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    suspension.suspend(office.jobs, session, client.id, ITS_RESELLER, office.now)
    suspension.suspend(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    suspension.resume(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    assert (reseller.suspended, client.suspended) == (False, True)
    suspension.resume(office.jobs, session, client.id, ITS_RESELLER, office.now)
    assert not client.suspended


def test_patch_suspends_the_reseller_alone(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    accounts.change(office, session, reseller.id, {"suspended": True})
    assert (reseller.suspended, client.suspended) == (True, False)
    accounts.change(office, session, reseller.id, {"suspended": False})
    assert not reseller.suspended


def test_reseller_lifts_its_own_suspension_and_no_operators(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    suspension.suspend(office.jobs, session, client.id, ITS_RESELLER, office.now)
    suspension.suspend(office.jobs, session, client.id, OPERATOR, office.now)
    suspension.suspend(office.jobs, session, client.id, ITS_RESELLER, office.now)
    with pytest.raises(Forbidden):
        suspension.resume(office.jobs, session, client.id, ITS_RESELLER, office.now)
    suspension.resume(office.jobs, session, client.id, OPERATOR, office.now)
    suspension.suspend(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    with pytest.raises(Forbidden):
        accounts.change(office, session, client.id, {"suspended": False}, ITS_RESELLER)
    assert client.suspended
    assert not suspension.resume(office.jobs, session, client.id, OPERATOR, office.now).suspended
    assert reseller.suspended


def test_client_takes_no_suspension_along_when_it_leaves_its_reseller(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    suspension.suspend(office.jobs, session, reseller.id, OPERATOR, office.now, with_clients=True)
    clients.disconnect(office, session, reseller.id, client.id)
    assert not client.suspended
    new = NewAccount("learning", "Spree", "chef@spree.example", password="a long password")
    other = reseller_status.become_reseller(office, session, accounts.create(office, session, new).id).account
    suspension.suspend(office.jobs, session, other.id, OPERATOR, office.now, with_clients=True)
    clients.attach(office, session, other, client)
    assert client.suspended


def test_each_act_is_audited_with_its_reason(office: Context, session: Session, client: Account) -> None:
    suspension.suspend(office.jobs, session, client.id, OPERATOR, office.now)
    suspension.resume(office.jobs, session, client.id, OPERATOR, office.now)
    query = select(AuditEntry).where(AuditEntry.target == f"account:{client.id}").order_by(AuditEntry.seq)
    assert [(entry.action, entry.actor, entry.reason) for entry in session.scalars(query)] == [
        ("suspension.set", "operator:anna", "abuse"),
        ("suspension.lift", "operator:anna", "abuse"),
    ]


def test_deleted_account_is_not_suspended(office: Context, session: Session, client: Account) -> None:
    client.deleted_at = office.now
    with pytest.raises(Conflict, match="deleted"):
        suspension.suspend(office.jobs, session, client.id, OPERATOR, office.now)
