"""Accounts: found by name, address or id; each with what it has and what happened to it."""

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
    """Matching accounts, newest first; an id leads to its account."""
    arrival = visit.arrival
    text, cursor = arrival.asked("q"), cursor_id(arrival.asked("cursor"))
    known = _as_id(text)
    if known is not None and timelines.account(visit.session, known) is not None:
        return Goto(f"{HERE}/{known}")
    found, partial = _found(visit, _asked(arrival, text), cursor)
    page = cut(found, SHOWN, lambda account: str(account.id))
    kept = [(name, value) for name, value in arrival.query.multi_items() if name != "cursor" and value]
    values = {
        "found": page.items,
        "trials": {one.id: trial_state(one, visit.now).value for one in page.items},
        "names": tenants.named(visit, [str(one.reseller_id) for one in page.items if one.reseller_id]),
        "partial": partial,
        "next": None if page.next is None else f"{HERE}?{urlencode([*kept, ('cursor', page.next)])}",
        "asked": {name: arrival.query.get(name, "") for name in ("q", "programme", "kind", "reseller")},
        "programmes": [row.code for row in programmes.listed(visit.session)],
        "kinds": list(AccountKind),
    }
    return Page("accounts.html", "Accounts", values, "accounts")


def show_account(visit: Visit) -> Page:
    """One account and its line of time. Raises NotFound."""
    account = found_account(visit)
    (document,) = documents(visit.session, visit.deps.programmes, [account], visit.now)
    values = {
        "account": document,
        "purged_at": account.purged_at,
        "line": lines.line_of(visit, account, f"{HERE}/{account.id}"),
        "reseller": tenants.named(visit, [str(account.reseller_id)]).get(str(account.reseller_id)),
        "runs": _runs(visit, account),
        "licences": licences.listed(visit.session, account.id, visit.now),
        "discount": discounts.current(visit.session, account.id),
        **_instance(visit, account.id),
    }
    return Page("account.html", account.name, values, "accounts")


def found_account(visit: Visit, name: str = "account_id") -> Account:
    """The account that the path names, also one that is finally deleted. Raises NotFound."""
    account = timelines.account(visit.session, visit.arrival.uuid(name))
    if account is None:
        raise NotFound
    return account


def _runs(visit: Visit, account: Account) -> Sequence[FeeRun]:
    """The plan and the products that are paid by the month today."""
    today = local_day(visit.now, visit.deps.programmes.current(visit.session, account.programme).zone)
    return [run for kind in FeeKind for run in runs.running(visit.session, account.id, kind, today)]


def _instance(visit: Visit, account_id: UUID) -> Mapping[str, Any]:
    instance = instances.get(visit.session, account_id)
    lane = visit.session.get(Lane, licences.lane_of(account_id))
    return {"url": instance and instance.url, "lane": lane}


def _asked(arrival: Arrival, text: str | None) -> AccountSearch:
    kind = arrival.asked("kind")
    return AccountSearch(
        text=None if text is None else name_key(text),
        programme=arrival.asked("programme"),
        kind=kind if kind in set(AccountKind) else None,
        reseller=_as_id(arrival.asked("reseller")),
    )


def _found(visit: Visit, wanted: AccountSearch, before: UUID | None) -> tuple[Sequence[Account], bool]:
    """The accounts, and whether there are too many to look for a part of a name in time."""
    found = bounded(visit, lambda: timelines.accounts(visit.session, wanted, before, SHOWN + 1), SEARCH_MS)
    if found is not None:
        return found, False
    whole = replace(wanted, exact=True)
    return bounded(visit, lambda: timelines.accounts(visit.session, whole, before, SHOWN + 1), SEARCH_MS) or (), True


def _as_id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
