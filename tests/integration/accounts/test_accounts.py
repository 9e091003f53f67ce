"""Accounts are made, read, renamed and handed over."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, NotFound
from models.accounts import Account
from models.mails import Mail, MailRecipient
from services import accounts
from services.account_book import AccountBook
from services.account_documents import document
from services.accounts import NewAccount
from store.accounts import AccountFilter


def told(session: Session) -> list[tuple[str, str]]:
    """Template and address of every posted mail, in order."""
    query = select(Mail.template, MailRecipient.address).join(MailRecipient, MailRecipient.mail_id == Mail.id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(Mail.id))]


def test_a_new_account_is_regular_on_the_free_plan_in_its_programmes_zone(
    office: AccountBook, session: Session
) -> None:
    made = accounts.create(office, session, NewAccount("booking", "Salon Ä", "a@salon.example"))
    shown = document(made, office.programme_of(session, made), office.now)
    assert shown == {
        "id": made.id,
        "programme": "booking",
        "name": "Salon Ä",
        "kind": "regular",
        "party": "company",
        "reseller_id": None,
        "admin_email": "a@salon.example",
        "locale": "fr",
        "timezone": "Europe/Paris",
        "plan": "free",
        "trial": {"state": "none", "ends_at": None},
        "usage": {"appointments": {"value": 0, "limit": 50}},
        "read_only": False,
        "suspended": False,
        "terms": None,
        "activated_at": None,
        "deleted_at": None,
        "created_at": office.now,
    }


@pytest.mark.parametrize("other", ["salon ä", "SALON Ä", "  Salon A\u0308 "])
def test_a_name_is_taken_in_any_case_and_normal_form(office: AccountBook, session: Session, other: str) -> None:
    accounts.create(office, session, NewAccount("booking", "Salon Ä", "a@salon.example"))
    with pytest.raises(Conflict) as refused:
        accounts.create(office, session, NewAccount("hosting", other, "b@salon.example"))
    assert refused.value.code == "name_taken"


def test_every_wrong_field_is_named_at_once(office: AccountBook, session: Session) -> None:
    new = NewAccount("booking", "a\x00b", "nobody", "short", "robot", locale="?", timezone="Mars/Olympus")
    with pytest.raises(Invalid) as refused:
        accounts.create(office, session, new)
    assert {error.loc for error in refused.value.errors} == {
        "name",
        "admin_email",
        "password",
        "party",
        "locale",
        "timezone",
    }


def test_a_password_is_stored_hashed(office: AccountBook, session: Session) -> None:
    new = NewAccount("booking", "Salon", "a@salon.example", password="correct horse")
    stored = accounts.create(office, session, new).password_hash
    assert stored is not None
    assert "correct horse" not in stored
    assert office.passwords.verify(stored, "correct horse")


def test_an_unknown_account_is_not_found(office: AccountBook, session: Session) -> None:
    programme = accounts.create(office, session, NewAccount("booking", "A", "a@a.example")).id
    with pytest.raises(NotFound):
        accounts.get(session, programme.__class__(int=1))


def test_pages_go_on_where_the_last_one_ended(office: AccountBook, session: Session) -> None:
    names = [f"Salon {number}" for number in range(5)]
    for name in names:
        accounts.create(office, session, NewAccount("booking", name, "a@salon.example"))
    wanted = AccountFilter(programme="booking")
    first = accounts.page(session, wanted, limit=3)
    second = accounts.page(session, wanted, first.next, limit=3)
    assert [one.name for one in (*first.items, *second.items)] == names
    assert second.next is None
    with pytest.raises(Invalid):
        accounts.page(session, wanted, "nonsense")


def test_filters_select_programme_kind_and_reseller(
    office: AccountBook, session: Session, reseller: Account, client: Account
) -> None:
    other = accounts.create(office, session, NewAccount("booking", "Salon", "a@salon.example"))

    def found(**wanted: object) -> set[str]:
        chosen = AccountFilter(**wanted)  # type: ignore[arg-type]  # the filter's own fields
        return {one.name for one in accounts.page(session, chosen).items}

    assert found() == {reseller.name, client.name, other.name}
    assert found(programme="learning") == {reseller.name, client.name}
    assert found(kind="client") == {client.name}
    assert found(reseller=reseller.id) == {client.name}
    assert found(visible_to=reseller.id) == {reseller.name, client.name}
    assert found(only=other.id) == {other.name}


def test_a_rename_keeps_the_name_unique_and_may_change_its_case(
    office: AccountBook, session: Session, reseller: Account, client: Account
) -> None:
    renamed = accounts.change(office, session, client.id, {"name": "WESER Logistik"})
    assert renamed.name == "WESER Logistik"
    with pytest.raises(Conflict) as refused:
        accounts.change(office, session, client.id, {"name": reseller.name.upper()})
    assert refused.value.code == "name_taken"


def test_a_hand_over_tells_both_addresses_and_makes_old_links_useless(
    office: AccountBook, session: Session, reseller: Account
) -> None:
    version = reseller.email_version
    changed = accounts.change(office, session, reseller.id, {"admin_email": "neu@elbe.example"})
    assert changed.email_version == version + 1
    assert told(session)[-2:] == [
        ("address-changed", "chef@elbe.example"),
        ("address-changed", "neu@elbe.example"),
    ]


def test_another_case_of_the_same_address_is_no_hand_over(
    office: AccountBook, session: Session, reseller: Account
) -> None:
    before = told(session)
    changed = accounts.change(office, session, reseller.id, {"admin_email": "Chef@elbe.example"})
    assert changed.admin_email == "Chef@elbe.example"
    assert changed.email_version == 1
    assert told(session) == before


def test_handing_over_there_and_back_tells_each_time(office: AccountBook, session: Session, reseller: Account) -> None:
    for address in ("neu@elbe.example", "chef@elbe.example"):
        accounts.change(office, session, reseller.id, {"admin_email": address})
    changes = [address for template, address in told(session) if template == "address-changed"]
    assert sorted(changes) == ["chef@elbe.example"] * 2 + ["neu@elbe.example"] * 2


def test_an_invited_clients_new_address_gets_a_link_of_its_own(
    office: AccountBook, session: Session, client: Account
) -> None:
    accounts.change(office, session, client.id, {"admin_email": "neu@weser.example"})
    invited = [address for template, address in told(session) if template == "activation"]
    assert invited == ["admin@weser.example", "neu@weser.example"]


def test_a_change_sets_what_is_given_and_nothing_else(office: AccountBook, session: Session, client: Account) -> None:
    given = {"locale": "ja", "timezone": "Asia/Tokyo", "suspended": True, "password": "long enough"}
    changed = accounts.change(office, session, client.id, given)
    assert (changed.locale, changed.timezone, changed.suspended) == ("ja", "Asia/Tokyo", True)
    assert changed.name == "Weser Logistik"
    assert office.passwords.verify(changed.password_hash, "long enough")
