"""Accounts: search, and one account with its facts and activity."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from console import lines, tenants
from console.answers import Redirect, TemplateResponse
from console.partial import timeboxed
from console.visit import ConsoleRequest, IncomingPageRequest
from domain.errors import NotFound
from domain.names import name_key
from domain.paging import cursor_id, cut
from domain.zones import local_day
from models.accounts import Account, AccountKind
from models.control import Lane
from models.fees import FeeKind, FeeRun
from services import licences, programmes
from services.account_documents import documents
from services.allowances import trial_state
from store import discounts, instances, timelines
from store.fees import runs
from store.timelines import AccountSearch

SHOWN: Final = 50
SEARCH_MS: Final = 120
BASE_PATH: Final = "/console/accounts"


def show_accounts(request: ConsoleRequest) -> TemplateResponse | Redirect:
    """Show matching accounts, newest first; redirect to the account if the search text is its id."""
    incoming = request.incoming
    text, cursor = incoming.param("q"), cursor_id(incoming.param("cursor"))
    account_id = _as_id(text)
    if account_id is not None and timelines.account(request.session, account_id) is not None:
        return Redirect(f"{BASE_PATH}/{account_id}")
    rows, partial = _search(request, _filter(incoming, text), cursor)
    page = cut(rows, SHOWN, lambda account: str(account.id))
    kept = [(name, value) for name, value in incoming.query.multi_items() if name != "cursor" and value]
    values = {
        "accounts": page.items,
        "trials": {account.id: trial_state(account, request.now).value for account in page.items},
        "names": tenants.named(request, [str(account.reseller_id) for account in page.items if account.reseller_id]),
        "partial": partial,
        "next": None if page.next is None else f"{BASE_PATH}?{urlencode([*kept, ('cursor', page.next)])}",
        "filter": {name: incoming.query.get(name, "") for name in ("q", "programme", "kind", "reseller")},
        "programmes": [row.code for row in programmes.listed(request.session)],
        "kinds": list(AccountKind),
    }
    return TemplateResponse("accounts.html", "Accounts", values, "accounts")


def show_account(request: ConsoleRequest) -> TemplateResponse:
    """Show one account with its activity. Raises NotFound."""
    account = account_from_path(request)
    (document,) = documents(request.session, request.deps.programmes, [account], request.now)
    values = {
        "account": document,
        "purged_at": account.purged_at,
        "activity": lines.account_timeline(request, account, f"{BASE_PATH}/{account.id}"),
        "reseller": tenants.named(request, [str(account.reseller_id)]).get(str(account.reseller_id)),
        "runs": _runs(request, account),
        "licences": licences.listed(request.session, account.id, request.now),
        "discount": discounts.current(request.session, account.id),
        **_instance(request, account.id),
    }
    return TemplateResponse("account.html", account.name, values, "accounts")


def account_from_path(request: ConsoleRequest, name: str = "account_id") -> Account:
    """Return the account named by the path, including a purged one. Raises NotFound."""
    account = timelines.account(request.session, request.incoming.uuid(name))
    if account is None:
        raise NotFound
    return account


def _runs(request: ConsoleRequest, account: Account) -> Sequence[FeeRun]:
    """Return the fee runs of today: the paid plan and the monthly products."""
    today = local_day(request.now, request.deps.programmes.current(request.session, account.programme).zone)
    return [run for kind in FeeKind for run in runs.running(request.session, account.id, kind, today)]


def _instance(request: ConsoleRequest, account_id: UUID) -> Mapping[str, Any]:
    instance = instances.get(request.session, account_id)
    lane = request.session.get(Lane, licences.lane_of(account_id))
    return {"url": instance and instance.url, "lane": lane}


def _filter(incoming: IncomingPageRequest, text: str | None) -> AccountSearch:
    kind = incoming.param("kind")
    return AccountSearch(
        text=None if text is None else name_key(text),
        programme=incoming.param("programme"),
        kind=kind if kind in set(AccountKind) else None,
        reseller=_as_id(incoming.param("reseller")),
    )


def _search(request: ConsoleRequest, search: AccountSearch, before: UUID | None) -> tuple[Sequence[Account], bool]:
    """Return accounts, and whether the search for part of a name ran out of time (then: exact names only)."""
    rows = timeboxed(request, lambda: timelines.accounts(request.session, search, before, SHOWN + 1), SEARCH_MS)
    if rows is not None:
        return rows, False
    exact = replace(search, exact=True)
    return timeboxed(
        request, lambda: timelines.accounts(request.session, exact, before, SHOWN + 1), SEARCH_MS
    ) or (), True


def _as_id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
