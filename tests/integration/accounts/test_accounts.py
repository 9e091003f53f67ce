"""Creating, reading, renaming and handing over accounts."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import account_filter
from kontor.accounts import service as accounts
from kontor.accounts.account_filter import AccountFilter
from kontor.accounts.instances import InstanceState
from kontor.accounts.schemas import InstanceStateOut, TrialOut, UsageOut, account_out
from kontor.accounts.service import NewAccount
from kontor.context import Context
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.kernel.paging import Page
from kontor.kernel.states import TrialState
from models.accounts import Account
from models.mails import Mail, MailRecipient


def sent_mails(session: Session) -> list[tuple[str, str]]:
    """Template and address of every posted mail, in order."""
    query = select(Mail.template, MailRecipient.address).join(MailRecipient, MailRecipient.mail_id == Mail.id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(Mail.id))]


def test_new_account_is_regular_on_the_free_plan_in_the_programme_time_zone(office: Context, session: Session) -> None:
    made = accounts.create(office, session, NewAccount("booking", "Salon Ä", "a@salon.example"))
    shown = account_out(made, office.programme_of(session, made), office.now)
    assert dict(shown) == {
        "badge_token": made.badge_token,
        "metadata": {},
        "services": [],
        "id": made.id,
        "programme": "booking",
        "name": "Salon Ä",
        "kind": "regular",
        "party": "company",
        "reseller_id": None,
        "external_id": None,
        "admin_email": "a@salon.example",
        "locale": "fr",
        "timezone": "Europe/Paris",
        "home_url": None,
        "plan": "free",
        "features": [],
        "trial": TrialOut(state=TrialState.NONE, ends_at=None),
        "usage": {"appointments": UsageOut(value=0, limit=50)},
        "read_only": False,
        "suspended": False,
        "instance": InstanceStateOut(state=InstanceState.NONE),
        "terms": None,
        "activated_at": None,
        "deleted_at": None,
        "created_at": office.now,
    }


@pytest.mark.parametrize("other", ["salon ä", "SALON Ä", "  Salon A\u0308 "])
def test_name_is_taken_regardless_of_case_and_normal_form(office: Context, session: Session, other: str) -> None:
    accounts.create(office, session, NewAccount("booking", "Salon Ä", "a@salon.example"))
    with pytest.raises(Conflict) as refused:
        accounts.create(office, session, NewAccount("hosting", other, "b@salon.example"))
    assert refused.value.code == "name_taken"


def test_all_invalid_fields_are_reported_together(office: Context, session: Session) -> None:
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


def test_password_is_stored_hashed(office: Context, session: Session) -> None:
    new = NewAccount("booking", "Salon", "a@salon.example", password="correct horse")
    stored = accounts.create(office, session, new).password_hash
    assert stored is not None
    assert "correct horse" not in stored
    assert office.passwords.verify(stored, "correct horse")


def test_unknown_account_is_not_found(office: Context, session: Session) -> None:
    programme = accounts.create(office, session, NewAccount("booking", "A", "a@a.example")).id
    with pytest.raises(NotFound):
        accounts.get(session, programme.__class__(int=1))


def test_next_page_starts_where_the_previous_one_ended(office: Context, session: Session) -> None:
    names = [f"Salon {number}" for number in range(5)]
    for name in names:
        accounts.create(office, session, NewAccount("booking", name, "a@salon.example"))
    filters = AccountFilter(programme="booking")

    def page(cursor: str | None) -> Page[Account]:
        return account_filter.page(session, office.programmes, filters, office.now, cursor, 3)

    first = page(None)
    second = page(first.next)
    assert [account.name for account in (*first.items, *second.items)] == names
    assert second.next is None
    with pytest.raises(Invalid):
        page("nonsense")


def test_filters_select_by_programme_kind_and_reseller(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    other = accounts.create(office, session, NewAccount("booking", "Salon", "a@salon.example"))

    def names(**filters: object) -> set[str]:
        chosen = AccountFilter(**filters)  # type: ignore[arg-type]  # the filter's own fields
        page = account_filter.page(session, office.programmes, chosen, office.now, None, 10)
        return {account.name for account in page.items}

    assert names() == {reseller.name, client.name, other.name}
    assert names(programme="learning") == {reseller.name, client.name}
    assert names(kind="client") == {client.name}
    assert names(reseller=reseller.id) == {client.name}
    assert names(visible_to=reseller.id) == {reseller.name, client.name}
    assert names(only=other.id) == {other.name}


def test_renamed_account_keeps_a_unique_name_and_may_change_its_case(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    renamed = accounts.change(office, session, client.id, {"name": "WESER Logistik"})
    assert renamed.name == "WESER Logistik"
    with pytest.raises(Conflict) as refused:
        accounts.change(office, session, client.id, {"name": reseller.name.upper()})
    assert refused.value.code == "name_taken"


def test_changed_address_notifies_both_addresses_and_invalidates_old_links(
    office: Context, session: Session, reseller: Account
) -> None:
    version = reseller.email_version
    changed = accounts.change(office, session, reseller.id, {"admin_email": "neu@elbe.example"})
    assert changed.email_version == version + 1
    assert sent_mails(session)[-2:] == [
        ("address-changed", "chef@elbe.example"),
        ("address-changed", "neu@elbe.example"),
    ]


def test_change_of_case_does_not_count_as_a_new_address(office: Context, session: Session, reseller: Account) -> None:
    before = sent_mails(session)
    changed = accounts.change(office, session, reseller.id, {"admin_email": "Chef@elbe.example"})
    assert changed.admin_email == "Chef@elbe.example"
    assert changed.email_version == 1
    assert sent_mails(session) == before


def test_changing_the_address_back_and_forth_notifies_every_time(
    office: Context, session: Session, reseller: Account
) -> None:
    for address in ("neu@elbe.example", "chef@elbe.example"):
        accounts.change(office, session, reseller.id, {"admin_email": address})
    changes = [address for template, address in sent_mails(session) if template == "address-changed"]
    assert sorted(changes) == ["chef@elbe.example"] * 2 + ["neu@elbe.example"] * 2


def test_new_address_of_an_invited_client_gets_its_own_link(office: Context, session: Session, client: Account) -> None:
    accounts.change(office, session, client.id, {"admin_email": "neu@weser.example"})
    invited = [address for template, address in sent_mails(session) if template == "activation"]
    assert invited == ["admin@weser.example", "neu@weser.example"]


def test_change_sets_only_the_submitted_fields(office: Context, session: Session, client: Account) -> None:
    changes = {
        "locale": "ja",
        "timezone": "Asia/Tokyo",
        "suspended": True,
        "password": "quite long enough",
    }
    changed = accounts.change(office, session, client.id, changes)
    assert (changed.locale, changed.timezone, changed.suspended) == ("ja", "Asia/Tokyo", True)
    assert changed.name == "Weser Logistik"
    assert office.passwords.verify(changed.password_hash, "quite long enough")
