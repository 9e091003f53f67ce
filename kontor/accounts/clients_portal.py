"""The reseller's clients: the list with its filters and downloads, new and connected ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor.accounts import addresses, client_list, clients, export
from kontor.accounts.client_filter import ClientFilter, ClientSort, ClientState
from kontor.accounts.clients import NewClient
from kontor.kernel.errors import Conflict, Forbidden, Invalid, KontorError, TooManyAttempts
from kontor.kernel.paging import CSV_MEDIA
from kontor.mailer.formatting import language_of
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalFile, PortalPage, PortalRequest, PortalResponse, SeeOther
from kontor.usage import service as usage
from kontor.usage.rules import is_read_only
from models.accounts import Account

CLIENTS: Final = N("Clients")
NEW: Final = N("New client")
CONNECT: Final = N("Add an existing account")
PAGE_SIZE: Final = 50
STATES: Final = {
    ClientState.OVER_QUOTA: N("Over the limit"),
    ClientState.READ_ONLY: N("Read-only"),
    ClientState.TRIAL: N("Trial running"),
    ClientState.OPEN_OFFER: N("Open offer"),
    ClientState.NO_INSTANCE: N("No system connected"),
    ClientState.SUSPENDED: N("Suspended"),
    ClientState.DELETED: N("Deleted"),
}
SORTS: Final = {
    ClientSort.NAME: N("Name"),
    ClientSort.NEWEST: N("Newest first"),
    ClientSort.TRIAL_ENDS: N("Trial ends first"),
}


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client as the list shows it."""

    id: UUID
    name: str
    email: str
    plan: str
    usage: tuple[tuple[str, int, int | None], ...]
    read_only: bool
    trial_ends_at: datetime | None
    suspended: bool
    deleted: bool


def show_clients(request: PortalRequest) -> PortalResponse:
    """Show the clients of a filter."""
    criteria, owner = _filter(request), request.person.account
    page = client_list.page(
        request.session,
        request.deps.programmes,
        owner.id,
        criteria,
        request.now,
        request.incoming.param("cursor"),
        PAGE_SIZE,
    )
    programme = request.deps.programmes.current(request.session, owner.programme)
    query = {name: request.incoming.query.get(name, "") for name in ("q", "plan", "sort")}
    ticked = sorted(criteria.states)
    carried = urlencode({**{name: text for name, text in query.items() if text}, "state": ticked}, doseq=True)
    plans = [(code, plan.name_in(language_of(request.locale))) for code, plan in programme.plans.items()]
    values = {
        "rows": client_rows(request, page.items),
        "next": page.next,
        "query": query,
        "ticked": criteria.states,
        "carried": carried,
        "plans": plans,
        "states": STATES,
        "sorts": SORTS,
        "contact": programme.contact,
        "terms_url": programme.terms.url,
    }
    return PortalPage("clients.html", CLIENTS, values, page="partner")


def download_csv(request: PortalRequest) -> PortalResponse:
    """Download the clients of the filter as CSV."""
    listed = export.read_clients(request.context, request.session, request.person.account.id, _filter(request))
    return PortalFile("clients.csv", CSV_MEDIA, listed.as_csv())


def download_excel(request: PortalRequest) -> PortalResponse:
    """Download the clients of the filter as an Excel workbook."""
    listed = export.read_clients(request.context, request.session, request.person.account.id, _filter(request))
    return PortalFile("clients.xlsx", export.EXCEL_MEDIA, listed.as_excel())


def show_new(request: PortalRequest) -> PortalResponse:
    """Show the form of a new client."""
    return PortalPage("client_new.html", NEW, {"owner": request.person.account}, page="partner.clients.new")


def create(request: PortalRequest) -> PortalResponse:
    """Create a client and mail its admin; for owners of a confirmed address alone."""
    form, owner = request.incoming.form, request.person.account
    new = NewClient(
        form.get("name", ""), form.get("admin_email", ""), form.get("locale") or None, form.get("timezone") or None
    )
    try:
        addresses.require_owned(request.session, owner)
        with request.session.begin_nested():
            made = clients.create(request.context, request.session, owner.id, new)
    except (Conflict, Invalid, TooManyAttempts) as error:
        return _again(request, show_new, error)
    return SeeOther(f"/partner/clients/{made.id}?done=created")


def show_connect(request: PortalRequest) -> PortalResponse:
    """Show the form that adds an existing account."""
    return PortalPage("client_connect.html", CONNECT, page="partner.clients.connect")


def connect(request: PortalRequest) -> PortalResponse:
    """Attach an existing account by its name and password; a wrong one is counted."""
    form, owner = request.incoming.form, request.person.account
    try:
        result = clients.connect(
            request.context, request.session, owner.id, form.get("name", ""), form.get("password", "")
        )
    except (Conflict, TooManyAttempts) as error:
        return _again(request, show_connect, error)
    if isinstance(result, Forbidden):
        return _again(request, show_connect, result)
    return SeeOther(f"/partner/clients/{result.id}?done=connected")


def _again(
    request: PortalRequest, show: Callable[[PortalRequest], PortalResponse], error: KontorError
) -> PortalResponse:
    page = show(request)
    assert isinstance(page, PortalPage)
    return refused(request, page, error)


def _filter(request: PortalRequest) -> ClientFilter:
    query = request.incoming
    states, sort = query.query.getlist("state"), query.param("sort")
    return ClientFilter(
        query.param("q"),
        query.param("plan"),
        frozenset(ClientState(state) for state in states if state in list(ClientState)),
        ClientSort(sort) if sort in list(ClientSort) else ClientSort.NAME,
    )


def client_rows(request: PortalRequest, page: Sequence[Account]) -> list[ClientRow]:
    """Return accounts with plan and usage as pages show them."""
    session, now, locale = request.session, request.now, language_of(request.locale)
    used = usage.current_values(session, request.deps.programmes, page, now)
    rows, programme = [], request.context.programme(session, request.person.account.programme)
    for account in page:
        allowed, values = usage.limits(account, programme, now), used[account.id]
        plan = programme.plans.get(account.plan)
        running = usage.trial_state(account, now) == "running"
        rows.append(
            ClientRow(
                account.id, account.name, account.admin_email,
                account.plan if plan is None else plan.name_in(locale),
                tuple((programme.metric_name(code, locale), values.get(code, 0), allowed[code]) for code in allowed),
                is_read_only(values, allowed), account.trial_ends_at if running else None,
                account.suspended, account.deleted_at is not None,
            )
        )  # fmt: skip
    return rows
