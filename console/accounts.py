"""Accounts: search, and one account with its facts and activity."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from console import lines, tenants
from console.answers import Goto, Page
from console.partial import bounded
from console.visit import Arrival, Visit
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
HERE: Final = "/console/accounts"


def show_accounts(visit: Visit) -> Page | Goto:
    """Show matching accounts, newest first; redirect to the account if the search text is its id."""
    arrival = visit.arrival
    text, cursor = arrival.param("q"), cursor_id(arrival.param("cursor"))
    account_id = _as_id(text)
    if account_id is not None and timelines.account(visit.session, account_id) is not None:
        return Goto(f"{HERE}/{account_id}")
    rows, partial = _search(visit, _filter(arrival, text), cursor)
    page = cut(rows, SHOWN, lambda account: str(account.id))
    kept = [(name, value) for name, value in arrival.query.multi_items() if name != "cursor" and value]
    values = {
        "accounts": page.items,
        "trials": {account.id: trial_state(account, visit.now).value for account in page.items},
        "names": tenants.named(visit, [str(account.reseller_id) for account in page.items if account.reseller_id]),
        "partial": partial,
        "next": None if page.next is None else f"{HERE}?{urlencode([*kept, ('cursor', page.next)])}",
        "filter": {name: arrival.query.get(name, "") for name in ("q", "programme", "kind", "reseller")},
        "programmes": [row.code for row in programmes.listed(visit.session)],
        "kinds": list(AccountKind),
    }
    return Page("accounts.html", "Accounts", values, "accounts")


def show_account(visit: Visit) -> Page:
    """Show one account with its activity. Raises NotFound."""
    account = account_from_path(visit)
    (document,) = documents(visit.session, visit.deps.programmes, [account], visit.now)
    values = {
        "account": document,
        "purged_at": account.purged_at,
        "activity": lines.line_of(visit, account, f"{HERE}/{account.id}"),
        "reseller": tenants.named(visit, [str(account.reseller_id)]).get(str(account.reseller_id)),
        "runs": _runs(visit, account),
        "licences": licences.listed(visit.session, account.id, visit.now),
        "discount": discounts.current(visit.session, account.id),
        **_instance(visit, account.id),
    }
    return Page("account.html", account.name, values, "accounts")


def account_from_path(visit: Visit, name: str = "account_id") -> Account:
    """Return the account named by the path, including a purged one. Raises NotFound."""
    account = timelines.account(visit.session, visit.arrival.uuid(name))
    if account is None:
        raise NotFound
    return account


def _runs(visit: Visit, account: Account) -> Sequence[FeeRun]:
    """Return the fee runs of today: the paid plan and the monthly products."""
    today = local_day(visit.now, visit.deps.programmes.current(visit.session, account.programme).zone)
    return [run for kind in FeeKind for run in runs.running(visit.session, account.id, kind, today)]


def _instance(visit: Visit, account_id: UUID) -> Mapping[str, Any]:
    instance = instances.get(visit.session, account_id)
    lane = visit.session.get(Lane, licences.lane_of(account_id))
    return {"url": instance and instance.url, "lane": lane}


def _filter(arrival: Arrival, text: str | None) -> AccountSearch:
    kind = arrival.param("kind")
    return AccountSearch(
        text=None if text is None else name_key(text),
        programme=arrival.param("programme"),
        kind=kind if kind in set(AccountKind) else None,
        reseller=_as_id(arrival.param("reseller")),
    )


def _search(visit: Visit, search: AccountSearch, before: UUID | None) -> tuple[Sequence[Account], bool]:
    """Return accounts, and whether the search for part of a name ran out of time (then: exact names only)."""
    rows = bounded(visit, lambda: timelines.accounts(visit.session, search, before, SHOWN + 1), SEARCH_MS)
    if rows is not None:
        return rows, False
    exact = replace(search, exact=True)
    return bounded(visit, lambda: timelines.accounts(visit.session, exact, before, SHOWN + 1), SEARCH_MS) or (), True


def _as_id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
