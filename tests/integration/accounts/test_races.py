"""What happens at the same time from several connections."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from models.accounts import Account
from services import accounts, activation, clients, reselling
from services.account_book import AccountBook
from services.accounts import NewAccount
from services.clients import NewClient
from services.tokens import Tokens
from tests.support.concurrency import run_concurrently

HANDS = 6


def test_one_of_many_gets_the_name(office: AccountBook, session: Session, engine: Engine) -> None:
    session.commit()
    new = NewAccount("booking", "Salon", "a@salon.example")
    found = run_concurrently(engine, *[lambda own: accounts.create(office, own, new)] * HANDS)
    assert found == {"done": 1, "name_taken": HANDS - 1}


def test_two_renames_do_not_meet_in_one_name(
    office: AccountBook, session: Session, engine: Engine, reseller: Account
) -> None:
    made = [
        clients.create(office, session, reseller.id, NewClient(f"C{number}", "c@c.example")).id
        for number in range(HANDS)
    ]
    session.commit()

    def rename(account_id: UUID) -> Callable[[Session], object]:
        return lambda own: accounts.change(office, own, account_id, {"name": "One"})

    assert run_concurrently(engine, *map(rename, made)) == {"done": 1, "name_taken": HANDS - 1}


def test_a_rename_and_a_new_account_do_not_meet_in_one_name(
    office: AccountBook, session: Session, engine: Engine, client: Account
) -> None:
    session.commit()
    client_id = client.id
    for number in range(5):
        name = f"Same {number}"

        def rename(own: Session, name: str = name) -> object:
            return accounts.change(office, own, client_id, {"name": name})

        def create(own: Session, name: str = name) -> object:
            return accounts.create(office, own, NewAccount("booking", name, "a@a.example"))

        assert run_concurrently(engine, rename, create) == {"done": 1, "name_taken": 1}


def test_guessing_in_parallel_gets_five_guesses(
    office: AccountBook, session: Session, engine: Engine, reseller: Account
) -> None:
    session.commit()
    reseller_id = reseller.id

    def guess(own: Session) -> object:
        return clients.connect(office, own, reseller_id, "Nobody", "wrong")

    assert run_concurrently(engine, *[guess] * 12) == {"bad_credentials": 5, "locked": 7}


def test_a_link_pressed_by_many_hands_works_once(
    office: AccountBook, session: Session, engine: Engine, client: Account, tokens: Tokens
) -> None:
    token = activation.make_token(tokens, client.id, client.email_version, office.now + activation.LIFE)
    session.commit()

    def press(own: Session) -> object:
        return activation.activate(office, own, tokens, token)

    assert run_concurrently(engine, *[press] * HANDS) == {"done": 1, "already_activated": HANDS - 1}


def test_no_client_is_left_behind_by_a_reseller_that_turns_back(
    office: AccountBook, session: Session, engine: Engine, reseller: Account
) -> None:
    session.commit()
    reseller_id = reseller.id

    def turn_back(own: Session) -> object:
        return reselling.revert_reseller(office, own, reseller_id)

    def create(number: int) -> Callable[[Session], object]:
        new = NewClient(f"C{number}", "c@c.example")
        return lambda own: clients.create(office, own, reseller_id, new)

    found = run_concurrently(engine, turn_back, *map(create, range(HANDS)))
    session.expire_all()
    left = session.scalar(select(func.count()).select_from(Account).where(Account.reseller_id == reseller_id))
    assert left == (0 if reseller.kind == "regular" else HANDS)
    assert found["has_clients"] == (reseller.kind == "reseller")
