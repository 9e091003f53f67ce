"""Whether another account has an address shows in no answer to the reseller that invites it (security.md 1.4)."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select

from models.mails import Mail
from tests.support.api import Api, ResellerAccounts

VOLATILE = {"id", "name", "admin_email", "created_at", "account_id", "recipients", "job_id", "message_id"}


@pytest.fixture
def elbe(make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    make_accounts("weser")
    return make_accounts("elbe")


def shape(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in VOLATILE}


def answers(api: Api, reseller: Any, key: str, name: str, address: str) -> tuple[list[Any], int]:
    """What the reseller gets to see of a new client, and how many statements that took."""
    statements: list[str] = []

    def count(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(api.deps.engine, "before_cursor_execute", count)
    created = api.call(f"POST /v1/resellers/{reseller}/clients", {"name": name, "admin_email": address}, key=key)
    client = created.json()
    again = api.call(f"POST /v1/accounts/{client['id']}/activation", key=key)
    event.remove(api.deps.engine, "before_cursor_execute", count)
    listed = api.ok(f"GET /v1/mails?account={client['id']}", key=key)["items"]
    filtered = [api.ok(f"GET /v1/mails?account={client['id']}&template={t}", key=key)["items"] for t in TEMPLATES]
    shown = [created.status_code, shape(client), again.status_code, shape(again.json())]
    shown += [shape(api.ok(f"GET /v1/accounts/{client['id']}", key=key)), *map(shape, listed), *map(len, filtered)]
    return [*shown, shape(api.ok(f"GET /v1/mails/{listed[0]['id']}", key=key))], len(statements)


TEMPLATES = ("activation", "account-notice")


def test_known_and_unknown_addresses_get_the_same_answers(api: Api, elbe: ResellerAccounts) -> None:
    key = api.key("read", "enqueue", "operate", reseller_id=elbe.reseller)
    answers(api, elbe.reseller, key, "Warm", "first@nobody.example")
    registered = answers(api, elbe.reseller, key, "Known", "admin@weser.example")
    unknown = answers(api, elbe.reseller, key, "Unknown", "nobody@nowhere.example")
    assert registered == unknown
    assert registered[0][1]["mail"] == "sent"
    assert registered[0][1]["activated_at"] is None
    with api.deps.sessions() as session:
        templates = session.scalars(select(Mail.template).order_by(Mail.id.desc()).limit(4)).all()
    assert templates == ["activation"] * 2 + ["account-notice"] * 2


def test_operator_sees_which_mail_was_sent(api: Api, elbe: ResellerAccounts) -> None:
    body = {"name": "Known", "admin_email": "admin@weser.example"}
    client = api.ok(f"POST /v1/resellers/{elbe.reseller}/clients", body)["id"]
    assert api.ok(f"GET /v1/mails?account={client}&template=account-notice")["items"]


def test_account_made_with_a_password_is_not_active_before_its_owner_signed_in(
    api: Api, elbe: ResellerAccounts
) -> None:
    new = {"programme": "learning", "name": "Spree", "admin_email": "a@spree.example", "password": "a long password"}
    assert api.ok("POST /v1/accounts", new)["activated_at"] is None
