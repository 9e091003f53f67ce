"""Becoming a reseller, and reverting when no client remains."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import clients, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import ManualClock
from kontor.context import Context
from kontor.kernel.errors import Conflict, Forbidden
from models.accounts import Account
from models.mails import Mail
from models.webhooks import DomainEvent


def person(office: Context, session: Session, programme: str) -> Account:
    new = NewAccount(programme, "Jo Person", "jo@person.example", party="person")
    return accounts.create(office, session, new)


def templates(session: Session) -> list[str]:
    return list(session.scalars(select(Mail.template).order_by(Mail.id)))


def test_new_reseller_accepts_the_terms_and_gets_a_welcome_mail(
    office: Context, session: Session, clock: ManualClock
) -> None:
    account = accounts.create(office, session, NewAccount("booking", "Salon", "a@salon.example"))
    became = reseller_status.become_reseller(office, session, account.id)
    assert became.former_reseller is None
    assert became.account.kind == "reseller"
    assert became.account.terms_version == "2026-01"
    assert became.account.terms_accepted_at == clock.now()
    mail = session.scalars(select(Mail)).one()
    assert (mail.template, mail.facts["discount"]) == ("welcome-reseller", "20")


def test_reseller_cannot_become_a_reseller_again(office: Context, session: Session, reseller: Account) -> None:
    with pytest.raises(Conflict) as refused:
        reseller_status.become_reseller(office, session, reseller.id)
    assert refused.value.code == "already_reseller"


def test_person_is_referred_to_the_affiliate_programme_when_a_company_is_required(
    office: Context, session: Session
) -> None:
    strict = [
        code
        for code in ("booking", "hosting", "learning", "telephony")
        if office.programmes.current(session, code).accounts.legal_entity_required
    ]
    assert strict
    account = person(office, session, strict[0])
    with pytest.raises(Forbidden) as refused:
        reseller_status.become_reseller(office, session, account.id)
    assert refused.value.code == "party_refused"
    affiliate = office.programmes.current(session, strict[0]).accounts.affiliate
    assert affiliate is not None
    assert affiliate in refused.value.message
    assert account.kind == "regular"


def test_person_may_resell_where_no_company_is_required(office: Context, session: Session) -> None:
    account = person(office, session, "booking")
    assert reseller_status.become_reseller(office, session, account.id).account.kind == "reseller"


def test_client_is_disconnected_when_it_becomes_a_reseller(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    became = reseller_status.become_reseller(office, session, client.id)
    assert became.former_reseller is reseller
    assert (became.account.kind, became.account.reseller_id) == ("reseller", None)
    welcome = session.scalars(select(Mail).where(Mail.template == "welcome-reseller")).all()
    assert welcome[-1].facts["left"] == reseller.name
    kinds = list(session.scalars(select(DomainEvent.type).order_by(DomainEvent.seq)))
    assert kinds[-2:] == ["account.disconnected", "account.became_reseller"]


def test_reseller_with_clients_cannot_revert(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    with pytest.raises(Conflict) as refused:
        reseller_status.revert_reseller(office, session, reseller.id)
    assert refused.value.code == "has_clients"
    assert reseller.kind == "reseller"
    assert client.reseller_id == reseller.id


def test_reverting_disconnects_the_clients_on_request(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    reseller_status.revert_reseller(office, session, reseller.id, disconnect_clients=True)
    assert reseller.kind == "regular"
    assert (client.kind, client.reseller_id) == ("regular", None)
    assert templates(session)[-1] == "account-disconnected"


def test_only_a_reseller_can_revert(office: Context, session: Session, client: Account) -> None:
    with pytest.raises(Conflict) as refused:
        reseller_status.revert_reseller(office, session, client.id)
    assert refused.value.code == "not_a_reseller"


def test_disconnected_clients_are_notified_once_and_deleted_ones_are_not(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    more = [clients.create(office, session, reseller.id, NewClient(f"C{n}", f"c{n}@c.example")) for n in range(3)]
    more[2].deleted_at = office.now
    session.flush()
    reseller_status.revert_reseller(office, session, reseller.id, disconnect_clients=True)
    notices = session.scalars(select(Mail).where(Mail.template == "account-disconnected")).all()
    assert {(mail.account_id, mail.facts["reseller"]) for mail in notices} == {
        (account.id, reseller.name) for account in (client, *more[:2])
    }
    former_reseller = select(DomainEvent).where(DomainEvent.type == "account.disconnected")
    happened = session.scalars(former_reseller.order_by(DomainEvent.seq)).all()
    assert [(event.account_id, event.reseller_id) for event in happened] == [
        (account.id, reseller.id) for account in sorted((client, *more), key=lambda account: account.id)
    ]
    assert {account.kind for account in (client, *more)} == {"regular"}
