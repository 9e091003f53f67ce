"""An operator's form that enters an account's pages, as a reseller or client sees them, with a reason (portal.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kontor.accounts import service as accounts
from kontor.kernel.errors import NotFound
from kontor.members import links
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.operator_forms import FormField, FormResult, OperatorForm
from models.accounts import Account, AccountKind

BASE_PATH: Final = "/console/accounts/{account_id}"


def _account(request: ConsoleRequest) -> Account:
    account = accounts.get(request.session, request.incoming.uuid("account_id"))
    if account.deleted_at is not None:
        raise NotFound
    return account


def _fields(request: ConsoleRequest) -> Sequence[FormField]:
    _account(request)
    return ()


def _enter(request: ConsoleRequest, _reason: str) -> FormResult:
    account, operator = _account(request), request.operator
    assert operator is not None
    path = "/partner" if account.kind == AccountKind.RESELLER else "/account"
    row = links.make(request.context, request.session, account, None, path, links.SESSION_LIFE, by_operator=operator.id)
    link = request.deps.public_url + links.path_of(request.deps.tokens, row.id, row.expires_at)
    values = {"account": account, "link": link}
    page = TemplateResponse("enter.html", f"Enter {account.name}", values, "accounts")
    return FormResult(BASE_PATH.format(account_id=account.id), page)


ENTER: Final = OperatorForm(
    f"{BASE_PATH}/enter",
    "account.enter",
    "Enter the account",
    "Enter",
    _fields,
    _enter,
    BASE_PATH,
    intro="You see and do there what its staff may, for an hour. Decisions, passwords, members and second factors stay"
    " its own. Its people read that staff was there, and what was done.",
)
