"""Names are unique as they look."""

from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.context import Context
from kontor.kernel.errors import Conflict, Invalid
from models.accounts import Account


def make(office: Context, session: Session, name: str) -> Account:
    """A new account of that name."""
    return accounts.create(office, session, NewAccount("learning", name, "a@acme.example"))


@pytest.mark.parametrize("name", ["Acrne", "ACME", "Ac\u200dme", "\uff21cme", "\u0410cme", " acme "])
def test_name_is_refused_without_naming_the_other_when_it_looks_like_a_taken_one(
    office: Context, session: Session, name: str
) -> None:
    make(office, session, "Acme")
    bystander = make(office, session, "Elbe")
    attempts: tuple[Callable[[], Account], ...] = (
        lambda: make(office, session, name),
        lambda: accounts.change(office, session, bystander.id, {"name": name}),
    )
    for attempt in attempts:
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "name_taken"
        assert refused.value.message == "The name looks like a name that is taken."


def test_account_takes_a_name_that_looks_like_its_own(office: Context, session: Session) -> None:
    account = make(office, session, "Acme")
    for name in ("ACME", "Acrne", "Other", "Acme"):
        assert accounts.change(office, session, account.id, {"name": name}).name == name
    with pytest.raises(Invalid):
        accounts.change(office, session, account.id, {"name": "Ne\u200dw"})


def test_accounts_that_looked_alike_before_stay_and_nobody_joins_them(office: Context, session: Session) -> None:
    first, second = make(office, session, "Acme"), make(office, session, "Elbe")
    session.execute(update(Account).values(looks_key=None))
    session.execute(update(Account).where(Account.id == second.id).values(name="Acrne", name_key="acrne"))
    session.expire_all()
    assert queries.fill_looks(session, 10) == 2
    assert (first.looks_clash, second.looks_clash) == (False, True)
    assert queries.fill_looks(session, 10) == 0
    assert accounts.change(office, session, second.id, {"name": "Acrne", "locale": "de"}).name == "Acrne"
    accounts.change(office, session, first.id, {"name": "Weser"})
    with pytest.raises(Conflict):
        make(office, session, "Acme")
    accounts.change(office, session, second.id, {"name": "Spree"})
    assert make(office, session, "Acme").looks_clash is False
