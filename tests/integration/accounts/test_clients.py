"""Creating, connecting and disconnecting clients."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import brands, clients, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import ManualClock
from kontor.context import Context
from kontor.kernel.errors import Conflict, Forbidden, NotFound, TooManyAttempts
from models.accounts import Account, BrandRow
from models.mails import Mail

PASSWORD = "open sesame please"


def salon(office: Context, session: Session, programme: str = "learning") -> Account:
    new = NewAccount(programme, "Salon", "a@salon.example", password=PASSWORD)
    return accounts.create(office, session, new)


def second_reseller(office: Context, session: Session) -> Account:
    new = NewAccount("learning", "Spree Akademie", "chef@spree.example")
    account = accounts.create(office, session, new)
    return reseller_status.become_reseller(office, session, account.id).account


def templates(session: Session) -> list[str]:
    return list(session.scalars(select(Mail.template).order_by(Mail.id)))


def assert_refused(office: Context, session: Session, reseller: Account, name: str) -> None:
    refused = clients.connect(office, session, reseller.id, name, "wrong")
    assert isinstance(refused, Forbidden)
    assert refused.code == "bad_credentials"


def test_client_with_an_unknown_address_gets_an_activation_link(
    session: Session, reseller: Account, client: Account
) -> None:
    assert (client.kind, client.reseller_id, client.plan) == ("client", reseller.id, "free")
    assert client.activated_at is None
    assert templates(session)[-1] == "activation"


def test_client_with_a_known_address_gets_a_notice(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    new = NewClient("Weser Zwei", "ADMIN@weser.example")
    made = clients.create(office, session, reseller.id, new)
    assert made.activated_at is None
    assert templates(session)[-1] == "account-notice"


def test_only_a_reseller_has_clients(office: Context, session: Session) -> None:
    regular = salon(office, session)
    with pytest.raises(Conflict) as refused:
        clients.create(office, session, regular.id, NewClient("X", "x@x.example"))
    assert refused.value.code == "not_a_reseller"


def test_account_is_connected_by_name_and_password(office: Context, session: Session, reseller: Account) -> None:
    account = salon(office, session)
    connected = clients.connect(office, session, reseller.id, "SALON", PASSWORD)
    assert connected is account
    assert (account.kind, account.reseller_id) == ("client", reseller.id)
    assert templates(session)[-1] == "account-connected"


def test_connecting_twice_changes_nothing(office: Context, session: Session, reseller: Account) -> None:
    account = salon(office, session)
    for _ in range(2):
        assert clients.connect(office, session, reseller.id, "Salon", PASSWORD) is account
    assert templates(session).count("account-connected") == 1


@pytest.mark.parametrize("name", ["Salon", "Nobody", "a\x00b", "x" * 5_000, "", "\ud800"])
def test_wrong_credentials_get_the_same_error_whether_the_account_exists_or_not(
    office: Context, session: Session, reseller: Account, name: str
) -> None:
    salon(office, session)
    assert_refused(office, session, reseller, name)


def test_account_without_a_password_cannot_be_connected(office: Context, session: Session, reseller: Account) -> None:
    accounts.create(office, session, NewAccount("learning", "Open", "o@open.example"))
    assert_refused(office, session, reseller, "Open")


def test_correct_password_reveals_that_the_account_has_a_reseller(
    office: Context, session: Session, reseller: Account
) -> None:
    account = salon(office, session)
    other = second_reseller(office, session)
    clients.connect(office, session, other.id, "Salon", PASSWORD)
    assert_refused(office, session, reseller, "Salon")
    with pytest.raises(Conflict) as refused:
        clients.connect(office, session, reseller.id, "Salon", PASSWORD)
    assert refused.value.code == "has_reseller"
    assert account.reseller_id == other.id


def test_account_of_another_programme_is_refused(office: Context, session: Session, reseller: Account) -> None:
    salon(office, session, "booking")
    with pytest.raises(Conflict) as refused:
        clients.connect(office, session, reseller.id, "Salon", PASSWORD)
    assert refused.value.code == "programme_mismatch"


def test_five_failures_lock_the_reseller_for_fifteen_minutes(
    office: Context, session: Session, reseller: Account, clock: ManualClock
) -> None:
    salon(office, session)
    for number in range(5):
        assert_refused(office, session, reseller, f"Nobody {number}")
        clock.advance(timedelta(minutes=1))
    with pytest.raises(TooManyAttempts) as refused:
        clients.connect(office, session, reseller.id, "Salon", PASSWORD)
    assert refused.value.retry_after == timedelta(minutes=14)
    clock.advance(timedelta(minutes=14))
    assert isinstance(clients.connect(office, session, reseller.id, "Salon", PASSWORD), Account)


def test_five_failures_lock_the_account_for_every_reseller(
    office: Context, session: Session, reseller: Account
) -> None:
    salon(office, session)
    other = second_reseller(office, session)
    for who in (reseller, other, reseller, other, reseller):
        assert_refused(office, session, who, "Salon")
    for who in (reseller, other):
        with pytest.raises(TooManyAttempts):
            clients.connect(office, session, who.id, "salon", PASSWORD)


def test_no_lock_when_failures_are_few_or_spread_out(
    office: Context, session: Session, reseller: Account, clock: ManualClock
) -> None:
    salon(office, session)
    for _ in range(8):
        assert_refused(office, session, reseller, "Salon")
        clock.advance(timedelta(minutes=4))
    assert isinstance(clients.connect(office, session, reseller.id, "Salon", PASSWORD), Account)


def test_disconnecting_removes_the_brand_and_keeps_the_rest(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    settings = brands.validate_brand({"logo_url": "https://weser.example/logo.png"})
    brands.put(session, client, settings, office.now)
    clients.disconnect(office, session, reseller.id, client.id)
    assert (client.kind, client.reseller_id, client.plan) == ("regular", None, "free")
    assert session.get(BrandRow, client.id) is None
    assert templates(session)[-1] == "account-disconnected"


def test_client_of_another_reseller_is_not_found(office: Context, session: Session, client: Account) -> None:
    other = second_reseller(office, session)
    with pytest.raises(NotFound):
        clients.disconnect(office, session, other.id, client.id)
