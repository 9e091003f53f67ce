"""Concurrent changes while two resellers are merged."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from kontor.accounts import clients, deletion, instances, merge, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount
from kontor.adapters.secrets import FernetSecretBox
from kontor.context import Context
from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind
from kontor.offers import service as offers
from kontor.offers import templates
from kontor.offers.service import NewOffer
from kontor.payments import service as payments
from kontor.payments.service import NewPayment
from models.accounts import Account
from tests.support.concurrency import run_concurrently
from tests.support.wiring import context_for

Work = Callable[[Session], object]
LINES = [{"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}]
OWNED = ("accounts", "offer_templates", "payments", "webhook_endpoints")
ROUNDS = 4


@pytest.fixture
def offer_book(office: Context) -> Context:
    return context_for(office.jobs, office.programmes)


def another(office: Context, session: Session, name: str) -> UUID:
    """Create another reseller of `learning`."""
    new = NewAccount("learning", name, "chef@x.example", password="a long password")
    return reseller_status.become_reseller(office, session, accounts.create(office, session, new).id).account.id


def merging(office: Context, old: UUID, new: UUID) -> Work:
    ctx = Context(office.jobs, office.programmes)
    return lambda own: merge.merge(ctx, own, old, new)


def left_with(session: Session, reseller: UUID) -> dict[str, int]:
    """Count the rows that still name a reseller, without closed offers."""
    session.rollback()
    counted = {
        table: session.scalar(text(f"SELECT count(*) FROM {table} WHERE reseller_id = :id"), {"id": reseller})
        for table in OWNED
    }
    open_ = "SELECT count(*) FROM offers WHERE reseller_id = :id AND state LIKE 'waiting%'"
    counted["offers"] = session.scalar(text(open_), {"id": reseller})
    return {table: count for table, count in counted.items() if count}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_data_added_during_a_merge_is_moved_or_refused(
    office: Context,
    offer_book: Context,
    session: Session,
    engine: Engine,
    reseller: Account,
    client: Account,
    number: int,
) -> None:
    old, new, mine = reseller.id, another(office, session, "Weser"), client.id
    accounts.create(office, session, NewAccount("learning", "Salon", "s@salon.example", password="open sesame, please"))
    instances.put(session, FernetSecretBox("key"), mine, "https://weser.example/in", None, office.now)
    session.commit()
    paid = NewPayment(PaymentKind.PAYMENT, Money(Decimal("10.00"), "EUR"), datetime(2026, 3, 1, tzinfo=UTC), "inv-1")
    discounts = Context(office.jobs, office.programmes)
    outcomes = run_concurrently(
        engine,
        lambda own: clients.create(office, own, old, NewClient(f"Late {number}", "late@x.example")),
        lambda own: clients.connect(office, own, old, "Salon", "open sesame, please"),
        lambda own: offers.send(offer_book, own, NewOffer(old, mine, lines=LINES), "test"),
        lambda own: templates.create(offer_book, own, old, "Basics", LINES),
        lambda own: payments.post(discounts, own, old, paid),
        merging(office, old, new),
    )
    assert set(outcomes) <= {"done", "not_a_reseller"}, outcomes
    assert left_with(session, old) == {}
    assert session.get_one(Account, old).kind == "regular"
    moved = session.scalars(select(Account.id).where(Account.reseller_id == new)).all()
    assert mine in moved


@pytest.mark.parametrize("number", range(ROUNDS))
def test_client_disconnected_or_deleted_during_a_merge_is_not_lost(
    office: Context,
    offer_book: Context,
    session: Session,
    engine: Engine,
    reseller: Account,
    client: Account,
    number: int,
) -> None:
    old, new, mine = reseller.id, another(office, session, "Weser"), client.id
    other = clients.create(office, session, old, NewClient(f"Other {number}", "o@o.example")).id
    session.commit()
    outcomes = run_concurrently(
        engine,
        lambda own: clients.disconnect(office, own, old, mine),
        lambda own: deletion.delete(office, own, other, "test"),
        merging(office, old, new),
    )
    session.rollback()
    gone = session.get_one(Account, mine)
    assert outcomes == {
        "done": 3 if gone.reseller_id is None else 2,
        **({} if gone.reseller_id is None else {"not_found": 1}),
    }
    assert gone.reseller_id in {None, new}
    deleted = session.get_one(Account, other)
    assert (deleted.reseller_id, deleted.deleted_at) == (new, office.now)
    assert left_with(session, old) == {}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_only_one_of_two_conflicting_merges_succeeds(
    office: Context, session: Session, engine: Engine, reseller: Account, client: Account, number: int
) -> None:
    first, second, mine = reseller.id, another(office, session, f"Weser {number}"), client.id
    third = another(office, session, f"Ems {number}")
    session.commit()
    there, back = merging(office, first, second), merging(office, second, first)
    assert run_concurrently(engine, there, back) == {"done": 1, "not_a_reseller": 1}
    session.rollback()
    holder = session.get_one(Account, mine).reseller_id
    assert holder in {first, second}
    rest = first if holder == second else second
    assert session.get_one(Account, rest).kind == "regular"
    assert run_concurrently(engine, merging(office, holder, third), merging(office, holder, third)) == {
        "done": 1,
        "not_a_reseller": 1,
    }
    session.rollback()
    assert session.get_one(Account, mine).reseller_id == third


@pytest.mark.parametrize("number", range(ROUNDS))
def test_client_can_be_disconnected_and_deleted_at_the_same_time(
    office: Context, offer_book: Context, session: Session, engine: Engine, client: Account, number: int
) -> None:
    session.commit()
    owner, mine = client.reseller_id, client.id
    assert owner is not None
    outcomes = run_concurrently(
        engine,
        lambda own: clients.disconnect(office, own, owner, mine),
        lambda own: deletion.delete(office, own, mine, f"test {number}"),
    )
    assert outcomes == {"done": 2}
    session.rollback()
    after = session.get_one(Account, mine)
    assert (after.kind, after.reseller_id, after.deleted_at) == ("regular", None, office.now)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_open_offer_remains_when_the_account_is_deleted_while_it_is_sent(
    office: Context,
    offer_book: Context,
    session: Session,
    engine: Engine,
    reseller: Account,
    client: Account,
    number: int,
) -> None:
    owner, mine = reseller.id, client.id
    instances.put(session, FernetSecretBox("key"), mine, "https://weser.example/in", None, office.now)
    session.commit()
    run_concurrently(
        engine,
        lambda own: offers.send(offer_book, own, NewOffer(owner, mine, lines=LINES), "test"),
        lambda own: deletion.delete(office, own, mine, f"test {number}"),
    )
    session.rollback()
    open_ = "SELECT count(*) FROM offers WHERE account_id = :id AND state LIKE 'waiting%'"
    assert session.scalar(text(open_), {"id": mine}) == 0
