"""Concurrent requests on several connections."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from kontor.accounts import activation, clients, reseller_status
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.service import NewAccount
from kontor.context import Context
from kontor.kernel.tokens import Tokens
from models.accounts import Account
from tests.support.concurrency import run_concurrently

CONCURRENT = 6


def test_only_one_of_several_new_accounts_gets_the_name(office: Context, session: Session, engine: Engine) -> None:
    session.commit()
    new = NewAccount("booking", "Salon", "a@salon.example")
    outcomes = run_concurrently(engine, *[lambda own: accounts.create(office, own, new)] * CONCURRENT)
    assert outcomes == {"done": 1, "name_taken": CONCURRENT - 1}


def test_concurrent_renames_cannot_take_the_same_name(
    office: Context, session: Session, engine: Engine, reseller: Account
) -> None:
    made = [
        clients.create(office, session, reseller.id, NewClient(f"C{number}", "c@c.example")).id
        for number in range(CONCURRENT)
    ]
    session.commit()

    def rename(account_id: UUID) -> Callable[[Session], object]:
        return lambda own: accounts.change(office, own, account_id, {"name": "One"})

    assert run_concurrently(engine, *map(rename, made)) == {"done": 1, "name_taken": CONCURRENT - 1}


def test_concurrent_rename_and_creation_cannot_take_the_same_name(
    office: Context, session: Session, engine: Engine, client: Account
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


def test_concurrent_guesses_are_limited_to_five(
    office: Context, session: Session, engine: Engine, reseller: Account
) -> None:
    session.commit()
    reseller_id = reseller.id

    def guess(own: Session) -> object:
        return clients.connect(office, own, reseller_id, "Nobody", "wrong")

    assert run_concurrently(engine, *[guess] * 12) == {"bad_credentials": 5, "locked": 7}


def test_link_used_concurrently_works_once(
    office: Context, session: Session, engine: Engine, client: Account, tokens: Tokens
) -> None:
    token = activation.make_token(tokens, client.id, client.email_version, office.now + activation.ACTIVATION_LIFETIME)
    session.commit()

    def press(own: Session) -> object:
        return activation.activate(office, own, tokens, token)

    assert run_concurrently(engine, *[press] * CONCURRENT) == {"done": 1, "already_activated": CONCURRENT - 1}


def test_no_client_remains_without_a_reseller_when_the_reseller_reverts(
    office: Context, session: Session, engine: Engine, reseller: Account
) -> None:
    session.commit()
    reseller_id = reseller.id

    def turn_back(own: Session) -> object:
        return reseller_status.revert_reseller(office, own, reseller_id)

    def create(number: int) -> Callable[[Session], object]:
        new = NewClient(f"C{number}", "c@c.example")
        return lambda own: clients.create(office, own, reseller_id, new)

    outcomes = run_concurrently(engine, turn_back, *map(create, range(CONCURRENT)))
    session.expire_all()
    left = session.scalar(select(func.count()).select_from(Account).where(Account.reseller_id == reseller_id))
    assert left == (0 if reseller.kind == "regular" else CONCURRENT)
    assert outcomes["has_clients"] == (reseller.kind == "reseller")
